"""OMOP CDM 5.4, all 39 tables, and MI-CDM's two, with what of them cohort SQL may name unless a trust says otherwise.

Source: OHDSI CommonDataModel 5.4 table specification; ImageWG MI-CDM (image_occurrence, image_feature).
`accession_id` is our own column of image_occurrence. Keys are 64 bits wide: at real scale 32 overflow.

A column is written `name:kind` with kinds k (key), i (integer), n (number), d (date), t (time stamp), s (text), then
`*` if it may not be NULL and `-` if it is off by default: free text, source values, direct identifiers, places.
"""

from typing import Final

TABLES: Final = {
    "person": "person_id:k* gender_concept_id:i* year_of_birth:i* month_of_birth:i day_of_birth:i- birth_datetime:t- "
    "race_concept_id:i* ethnicity_concept_id:i* location_id:k provider_id:k care_site_id:k person_source_value:s- "
    "gender_source_value:s- gender_source_concept_id:i race_source_value:s- race_source_concept_id:i "
    "ethnicity_source_value:s- ethnicity_source_concept_id:i",
    "observation_period": "observation_period_id:k* person_id:k* observation_period_start_date:d* "
    "observation_period_end_date:d* period_type_concept_id:i*",
    "visit_occurrence": "visit_occurrence_id:k* person_id:k* visit_concept_id:i* visit_start_date:d* "
    "visit_start_datetime:t visit_end_date:d* visit_end_datetime:t visit_type_concept_id:i* provider_id:k "
    "care_site_id:k visit_source_value:s- visit_source_concept_id:i admitted_from_concept_id:i "
    "admitted_from_source_value:s- discharged_to_concept_id:i discharged_to_source_value:s- "
    "preceding_visit_occurrence_id:k",
    "visit_detail": "visit_detail_id:k* person_id:k* visit_detail_concept_id:i* visit_detail_start_date:d* "
    "visit_detail_start_datetime:t visit_detail_end_date:d* visit_detail_end_datetime:t "
    "visit_detail_type_concept_id:i* provider_id:k care_site_id:k visit_detail_source_value:s- "
    "visit_detail_source_concept_id:i admitted_from_concept_id:i admitted_from_source_value:s- "
    "discharged_to_source_value:s- discharged_to_concept_id:i preceding_visit_detail_id:k parent_visit_detail_id:k "
    "visit_occurrence_id:k*",
    "condition_occurrence": "condition_occurrence_id:k* person_id:k* condition_concept_id:i* condition_start_date:d* "
    "condition_start_datetime:t condition_end_date:d condition_end_datetime:t condition_type_concept_id:i* "
    "condition_status_concept_id:i stop_reason:s- provider_id:k visit_occurrence_id:k visit_detail_id:k "
    "condition_source_value:s- condition_source_concept_id:i condition_status_source_value:s-",
    "drug_exposure": "drug_exposure_id:k* person_id:k* drug_concept_id:i* drug_exposure_start_date:d* "
    "drug_exposure_start_datetime:t drug_exposure_end_date:d* drug_exposure_end_datetime:t verbatim_end_date:d "
    "drug_type_concept_id:i* stop_reason:s- refills:i quantity:n days_supply:i sig:s- route_concept_id:i "
    "lot_number:s- provider_id:k visit_occurrence_id:k visit_detail_id:k drug_source_value:s- "
    "drug_source_concept_id:i route_source_value:s- dose_unit_source_value:s-",
    "procedure_occurrence": "procedure_occurrence_id:k* person_id:k* procedure_concept_id:i* procedure_date:d* "
    "procedure_datetime:t procedure_end_date:d procedure_end_datetime:t procedure_type_concept_id:i* "
    "modifier_concept_id:i quantity:i provider_id:k visit_occurrence_id:k visit_detail_id:k "
    "procedure_source_value:s- procedure_source_concept_id:i modifier_source_value:s-",
    "device_exposure": "device_exposure_id:k* person_id:k* device_concept_id:i* device_exposure_start_date:d* "
    "device_exposure_start_datetime:t device_exposure_end_date:d device_exposure_end_datetime:t "
    "device_type_concept_id:i* unique_device_id:s- production_id:s- quantity:i provider_id:k visit_occurrence_id:k "
    "visit_detail_id:k device_source_value:s- device_source_concept_id:i unit_concept_id:i unit_source_value:s- "
    "unit_source_concept_id:i",
    "measurement": "measurement_id:k* person_id:k* measurement_concept_id:i* measurement_date:d* "
    "measurement_datetime:t measurement_time:s- measurement_type_concept_id:i* operator_concept_id:i "
    "value_as_number:n value_as_concept_id:i unit_concept_id:i range_low:n range_high:n provider_id:k "
    "visit_occurrence_id:k visit_detail_id:k measurement_source_value:s- measurement_source_concept_id:i "
    "unit_source_value:s- unit_source_concept_id:i value_source_value:s- measurement_event_id:k- "
    "meas_event_field_concept_id:i",
    "observation": "observation_id:k* person_id:k* observation_concept_id:i* observation_date:d* "
    "observation_datetime:t observation_type_concept_id:i* value_as_number:n value_as_string:s- "
    "value_as_concept_id:i qualifier_concept_id:i unit_concept_id:i provider_id:k visit_occurrence_id:k "
    "visit_detail_id:k observation_source_value:s- observation_source_concept_id:i unit_source_value:s- "
    "qualifier_source_value:s- value_source_value:s- observation_event_id:k- obs_event_field_concept_id:i",
    "death": "person_id:k* death_date:d* death_datetime:t death_type_concept_id:i cause_concept_id:i "
    "cause_source_value:s- cause_source_concept_id:i",
    "note": "note_id:k* person_id:k* note_date:d* note_datetime:t note_type_concept_id:i* note_class_concept_id:i* "
    "note_title:s- note_text:s*- encoding_concept_id:i* language_concept_id:i* provider_id:k visit_occurrence_id:k "
    "visit_detail_id:k note_source_value:s- note_event_id:k- note_event_field_concept_id:i",
    "note_nlp": "note_nlp_id:k* note_id:k* section_concept_id:i snippet:s- offset:s- lexical_variant:s*- "
    "note_nlp_concept_id:i note_nlp_source_concept_id:i nlp_system:s- nlp_date:d* nlp_datetime:t term_exists:s- "
    "term_temporal:s- term_modifiers:s-",
    "specimen": "specimen_id:k* person_id:k* specimen_concept_id:i* specimen_type_concept_id:i* specimen_date:d* "
    "specimen_datetime:t quantity:n unit_concept_id:i anatomic_site_concept_id:i disease_status_concept_id:i "
    "specimen_source_id:s- specimen_source_value:s- unit_source_value:s- anatomic_site_source_value:s- "
    "disease_status_source_value:s-",
    "fact_relationship": "domain_concept_id_1:i* fact_id_1:k*- domain_concept_id_2:i* fact_id_2:k*- "
    "relationship_concept_id:i*",
    "location": "location_id:k* address_1:s- address_2:s- city:s- state:s- zip:s- county:s- location_source_value:s- "
    "country_concept_id:i country_source_value:s- latitude:n- longitude:n-",
    "care_site": "care_site_id:k* care_site_name:s- place_of_service_concept_id:i location_id:k "
    "care_site_source_value:s- place_of_service_source_value:s-",
    "provider": "provider_id:k* provider_name:s- npi:s- dea:s- specialty_concept_id:i care_site_id:k "
    "year_of_birth:i- gender_concept_id:i- provider_source_value:s- specialty_source_value:s- "
    "specialty_source_concept_id:i gender_source_value:s- gender_source_concept_id:i-",
    "payer_plan_period": "payer_plan_period_id:k* person_id:k* payer_plan_period_start_date:d* "
    "payer_plan_period_end_date:d* payer_concept_id:i payer_source_value:s- payer_source_concept_id:i "
    "plan_concept_id:i plan_source_value:s- plan_source_concept_id:i sponsor_concept_id:i sponsor_source_value:s- "
    "sponsor_source_concept_id:i family_source_value:s- stop_reason_concept_id:i stop_reason_source_value:s- "
    "stop_reason_source_concept_id:i",
    "cost": "cost_id:k* cost_event_id:k*- cost_domain_id:s* cost_type_concept_id:i* currency_concept_id:i "
    "total_charge:n total_cost:n total_paid:n paid_by_payer:n paid_by_patient:n paid_patient_copay:n "
    "paid_patient_coinsurance:n paid_patient_deductible:n paid_by_primary:n paid_ingredient_cost:n "
    "paid_dispensing_fee:n payer_plan_period_id:k amount_allowed:n revenue_code_concept_id:i "
    "revenue_code_source_value:s- drg_concept_id:i drg_source_value:s-",
    "drug_era": "drug_era_id:k* person_id:k* drug_concept_id:i* drug_era_start_date:d* drug_era_end_date:d* "
    "drug_exposure_count:i gap_days:i",
    "dose_era": "dose_era_id:k* person_id:k* drug_concept_id:i* unit_concept_id:i* dose_value:n* "
    "dose_era_start_date:d* dose_era_end_date:d*",
    "condition_era": "condition_era_id:k* person_id:k* condition_concept_id:i* condition_era_start_date:d* "
    "condition_era_end_date:d* condition_occurrence_count:i",
    "episode": "episode_id:k* person_id:k* episode_concept_id:i* episode_start_date:d* episode_start_datetime:t "
    "episode_end_date:d episode_end_datetime:t episode_parent_id:k episode_number:i episode_object_concept_id:i* "
    "episode_type_concept_id:i* episode_source_value:s- episode_source_concept_id:i",
    "episode_event": "episode_id:k* event_id:k*- episode_event_field_concept_id:i*",
    "metadata": "metadata_id:k* metadata_concept_id:i* metadata_type_concept_id:i* name:s*- value_as_string:s- "
    "value_as_concept_id:i value_as_number:n metadata_date:d metadata_datetime:t",
    "cdm_source": "cdm_source_name:s*- cdm_source_abbreviation:s*- cdm_holder:s*- source_description:s- "
    "source_documentation_reference:s- cdm_etl_reference:s- source_release_date:d* cdm_release_date:d* "
    "cdm_version:s cdm_version_concept_id:i* vocabulary_version:s*",
    "concept": "concept_id:i* concept_name:s* domain_id:s* vocabulary_id:s* concept_class_id:s* standard_concept:s "
    "concept_code:s* valid_start_date:d* valid_end_date:d* invalid_reason:s",
    "vocabulary": "vocabulary_id:s* vocabulary_name:s* vocabulary_reference:s vocabulary_version:s "
    "vocabulary_concept_id:i*",
    "domain": "domain_id:s* domain_name:s* domain_concept_id:i*",
    "concept_class": "concept_class_id:s* concept_class_name:s* concept_class_concept_id:i*",
    "concept_relationship": "concept_id_1:i* concept_id_2:i* relationship_id:s* valid_start_date:d* "
    "valid_end_date:d* invalid_reason:s",
    "relationship": "relationship_id:s* relationship_name:s* is_hierarchical:s* defines_ancestry:s* "
    "reverse_relationship_id:s* relationship_concept_id:i*",
    "concept_synonym": "concept_id:i* concept_synonym_name:s* language_concept_id:i*",
    "concept_ancestor": "ancestor_concept_id:i* descendant_concept_id:i* min_levels_of_separation:i* "
    "max_levels_of_separation:i*",
    "source_to_concept_map": "source_code:s* source_concept_id:i* source_vocabulary_id:s* "
    "source_code_description:s- target_concept_id:i* target_vocabulary_id:s* valid_start_date:d* valid_end_date:d* "
    "invalid_reason:s",
    "drug_strength": "drug_concept_id:i* ingredient_concept_id:i* amount_value:n amount_unit_concept_id:i "
    "numerator_value:n numerator_unit_concept_id:i denominator_value:n denominator_unit_concept_id:i box_size:i "
    "valid_start_date:d* valid_end_date:d* invalid_reason:s",
    "cohort": "cohort_definition_id:i* subject_id:k* cohort_start_date:d* cohort_end_date:d*",
    "cohort_definition": "cohort_definition_id:i* cohort_definition_name:s*- cohort_definition_description:s- "
    "definition_type_concept_id:i* cohort_definition_syntax:s- subject_concept_id:i* cohort_initiation_date:d",
    "image_occurrence": "image_occurrence_id:k* person_id:k* procedure_occurrence_id:k* visit_occurrence_id:k "
    "anatomic_site_concept_id:i wadors_uri:s- local_path:s- image_occurrence_date:d* image_study_uid:s- "
    "image_series_uid:s- modality_concept_id:i* accession_id:s",
    "image_feature": "image_feature_id:k* person_id:k* image_occurrence_id:k* "
    "image_feature_event_field_concept_id:i image_feature_event_id:k- image_feature_concept_id:i* "
    "image_feature_type_concept_id:i image_finding_concept_id:i image_finding_id:k- anatomic_site_concept_id:i "
    "alg_system:s alg_datetime:t",
}

# Tables that hold nothing of a patient: vocabularies, places, staff, definitions.
REFERENCE: Final = frozenset(
    [
        "location",
        "care_site",
        "provider",
        "metadata",
        "cdm_source",
        "concept",
        "vocabulary",
        "domain",
        "concept_class",
        "concept_relationship",
        "relationship",
        "concept_synonym",
        "concept_ancestor",
        "source_to_concept_map",
        "drug_strength",
        "cohort_definition",
    ]
)
