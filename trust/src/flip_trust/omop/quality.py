"""What in a CDM will surprise those who use it: accessions, dates, orphans. Counts only; they stay at the trust."""

from collections.abc import Iterable
from dataclasses import dataclass

from flip_trust.sql.engine import Engine, EngineFailed


@dataclass(frozen=True)
class Check:
    name: str
    sql: str  # one number; anything but zero is a problem
    says: str
    serious: bool = True


@dataclass(frozen=True)
class Finding:
    check: Check
    count: int | None  # None: the database could not answer

    @property
    def fine(self) -> bool:
        return self.count == 0


def _no_concept(table: str, column: str) -> Check:
    return Check(
        f"concepts of {table}.{column}",
        f"SELECT count(*) FROM omop.{table} AS t WHERE t.{column} <> 0 AND NOT EXISTS "
        f"(SELECT 1 FROM omop.concept AS c WHERE c.concept_id = t.{column})",
        "rows have a concept that the vocabulary does not have; load the vocabulary it belongs to",
    )


def _of_nobody(table: str) -> Check:
    return Check(
        f"persons of {table}",
        f"SELECT count(*) FROM omop.{table} AS t WHERE NOT EXISTS "
        "(SELECT 1 FROM omop.person AS p WHERE p.person_id = t.person_id)",
        "rows are of persons who are not in person; they count for nobody",
    )


def _order(table: str, start: str, end: str) -> Check:
    return Check(
        f"order of dates in {table}",
        f"SELECT count(*) FROM omop.{table} WHERE {end} < {start}",
        "rows end before they start",
        serious=False,
    )


def _future(table: str, date: str) -> Check:
    return Check(
        f"dates of {table}",
        f"SELECT count(*) FROM omop.{table} AS t JOIN omop.person AS p ON p.person_id = t.person_id "
        f"WHERE t.{date} > CURRENT_DATE OR extract(year FROM t.{date}) < p.year_of_birth",
        "rows are in the future or before their person's birth",
        serious=False,
    )


IMAGES = "omop.image_occurrence"
CHECKS = (
    Check("persons", "SELECT CASE WHEN count(*) = 0 THEN 1 ELSE 0 END FROM omop.person", "person is empty"),
    Check(
        "vocabulary", "SELECT CASE WHEN count(*) = 0 THEN 1 ELSE 0 END FROM omop.concept", "concept is empty; load one"
    ),
    Check(
        "concept_ancestor",
        "SELECT CASE WHEN count(*) = 0 THEN 1 ELSE 0 END FROM omop.concept_ancestor",
        "concept_ancestor is empty: cohorts by descendants find nobody, without an error",
    ),
    Check(
        "accessions are there",
        f"SELECT count(*) FROM {IMAGES} WHERE accession_id IS NULL OR trim(accession_id) = ''",
        "image rows have no accession_id; their studies cannot be fetched",
    ),
    Check(
        "accessions fit DICOM",
        f"SELECT count(*) FROM {IMAGES} WHERE length(accession_id) > 16 OR trim(accession_id) <> accession_id",
        "accession_id values are longer than DICOM's 16 characters or have blanks around them",
    ),
    Check(
        "an accession is of one person",
        f"SELECT count(*) FROM (SELECT accession_id FROM {IMAGES} GROUP BY accession_id "
        "HAVING count(DISTINCT person_id) > 1) AS t",
        "accessions belong to more than one person; suppression counts them wrongly",
    ),
    Check(
        "an accession is of one day",
        f"SELECT count(*) FROM (SELECT accession_id FROM {IMAGES} GROUP BY accession_id "
        "HAVING count(DISTINCT image_occurrence_date) > 1) AS t",
        "accessions have more than one date",
        serious=False,
    ),
    Check(
        "features have an image",
        f"SELECT count(*) FROM omop.image_feature AS f WHERE NOT EXISTS "
        f"(SELECT 1 FROM {IMAGES} AS i WHERE i.image_occurrence_id = f.image_occurrence_id)",
        "image features belong to no image",
    ),
    Check(
        "years of birth",
        "SELECT count(*) FROM omop.person WHERE NOT year_of_birth BETWEEN 1900 AND extract(year FROM CURRENT_DATE)",
        "persons were born before 1900 or after today",
        serious=False,
    ),
    Check(
        "observation periods",
        "SELECT count(*) FROM omop.person AS p WHERE NOT EXISTS "
        "(SELECT 1 FROM omop.observation_period AS o WHERE o.person_id = p.person_id)",
        "persons have no observation period",
        serious=False,
    ),
    *(
        _of_nobody(table)
        for table in (
            "visit_occurrence",
            "condition_occurrence",
            "drug_exposure",
            "measurement",
            "procedure_occurrence",
            "image_occurrence",
        )
    ),
    _order("visit_occurrence", "visit_start_date", "visit_end_date"),
    _order("condition_occurrence", "condition_start_date", "condition_end_date"),
    _order("drug_exposure", "drug_exposure_start_date", "drug_exposure_end_date"),
    _order("observation_period", "observation_period_start_date", "observation_period_end_date"),
    _future("visit_occurrence", "visit_start_date"),
    _future("image_occurrence", "image_occurrence_date"),
    _future("death", "death_date"),
    _no_concept("person", "gender_concept_id"),
    _no_concept("condition_occurrence", "condition_concept_id"),
    _no_concept("drug_exposure", "drug_concept_id"),
    _no_concept("measurement", "measurement_concept_id"),
    _no_concept("procedure_occurrence", "procedure_concept_id"),
    _no_concept("image_occurrence", "modality_concept_id"),
)


def examine(engine: Engine) -> list[Finding]:
    everybody = engine.check("SELECT person_id FROM omop.person")

    def counts(checks: Iterable[Check]) -> dict[str, int | None]:
        return {name: rows[0][0] for name, rows in engine.aggregate(everybody, {c.name: c.sql for c in checks}).items()}

    try:
        found = counts(CHECKS)
    except EngineFailed:  # one by one, to tell which of them cannot be answered
        found = {}
        for check in CHECKS:
            try:
                found |= counts([check])
            except EngineFailed:
                found[check.name] = None
    return [Finding(check, found[check.name]) for check in CHECKS]
