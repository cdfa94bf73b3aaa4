"""What cohort SQL may name: OMOP CDM 5.4 and MI-CDM columns, without direct identifiers and free text.

Source: OHDSI CDM 5.4 table specification; MI-CDM (image_occurrence, image_feature). `accession_id` is our own column of
image_occurrence. `*_source_value`, notes and names are left out: what is not here cannot be asked.
"""

from typing import Final


def _columns(text: str) -> dict[str, str]:
    pairs = (item.split(":") for item in text.split())
    return {name: TYPES[kind] for name, kind in pairs}


TYPES: Final = {"i": "bigint", "d": "date", "t": "timestamp", "n": "double", "s": "varchar"}

OMOP: Final[dict[str, dict[str, str]]] = {
    "person": _columns(
        "person_id:i gender_concept_id:i year_of_birth:i month_of_birth:i race_concept_id:i ethnicity_concept_id:i"
    ),
    "observation_period": _columns(
        "observation_period_id:i person_id:i observation_period_start_date:d observation_period_end_date:d "
        "period_type_concept_id:i"
    ),
    "visit_occurrence": _columns(
        "visit_occurrence_id:i person_id:i visit_concept_id:i visit_start_date:d visit_start_datetime:t "
        "visit_end_date:d visit_end_datetime:t visit_type_concept_id:i"
    ),
    "condition_occurrence": _columns(
        "condition_occurrence_id:i person_id:i condition_concept_id:i condition_start_date:d condition_end_date:d "
        "condition_type_concept_id:i condition_status_concept_id:i visit_occurrence_id:i"
    ),
    "drug_exposure": _columns(
        "drug_exposure_id:i person_id:i drug_concept_id:i drug_exposure_start_date:d drug_exposure_end_date:d "
        "drug_type_concept_id:i refills:i quantity:n days_supply:i route_concept_id:i visit_occurrence_id:i"
    ),
    "procedure_occurrence": _columns(
        "procedure_occurrence_id:i person_id:i procedure_concept_id:i procedure_date:d procedure_type_concept_id:i "
        "modifier_concept_id:i visit_occurrence_id:i"
    ),
    "device_exposure": _columns(
        "device_exposure_id:i person_id:i device_concept_id:i device_exposure_start_date:d "
        "device_exposure_end_date:d device_type_concept_id:i visit_occurrence_id:i"
    ),
    "measurement": _columns(
        "measurement_id:i person_id:i measurement_concept_id:i measurement_date:d measurement_type_concept_id:i "
        "operator_concept_id:i value_as_number:n value_as_concept_id:i unit_concept_id:i range_low:n range_high:n "
        "visit_occurrence_id:i"
    ),
    "observation": _columns(
        "observation_id:i person_id:i observation_concept_id:i observation_date:d observation_type_concept_id:i "
        "value_as_number:n value_as_concept_id:i unit_concept_id:i visit_occurrence_id:i"
    ),
    "death": _columns("person_id:i death_date:d death_type_concept_id:i cause_concept_id:i"),
    "concept": _columns(
        "concept_id:i concept_name:s domain_id:s vocabulary_id:s concept_class_id:s standard_concept:s concept_code:s"
    ),
    "concept_ancestor": _columns(
        "ancestor_concept_id:i descendant_concept_id:i min_levels_of_separation:i max_levels_of_separation:i"
    ),
    "concept_relationship": _columns("concept_id_1:i concept_id_2:i relationship_id:s"),
    "image_occurrence": _columns(
        "image_occurrence_id:i person_id:i procedure_occurrence_id:i visit_occurrence_id:i "
        "anatomic_site_concept_id:i image_occurrence_date:d modality_concept_id:i accession_id:s"
    ),
    "image_feature": _columns(
        "image_feature_id:i person_id:i image_occurrence_id:i image_feature_concept_id:i "
        "image_feature_type_concept_id:i image_finding_concept_id:i anatomic_site_concept_id:i alg_system:s"
    ),
}

# A literal compared with one of these aims at a person: the way around suppression (differencing).
IDENTIFIERS: Final = frozenset(
    {"person_id", "accession_id", "observation_period_id"}
    | {column for table in OMOP.values() for column in table if column.endswith(("_occurrence_id", "_exposure_id"))}
    | {"measurement_id", "observation_id", "image_feature_id"}
)

# Columns that only vocabulary tables have: joining on them says nothing of a person.
VOCABULARY_KEYS: Final = frozenset(
    {"concept_id", "ancestor_concept_id", "descendant_concept_id", "concept_id_1", "concept_id_2"}
)
