"""A synthetic OMOP CDM 5.4 database with MI-CDM tables, in DuckDB.

Text columns that cohort SQL may not ask hold the word CANARY, so that a leak is visible wherever it happens.
Concept ids are plain numbers of public vocabularies; the small concept table uses our own words.
"""

import datetime as dt
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

MALE, FEMALE = 8507, 8532
CT, ABDOMEN = 4013636, 4194129
CONDITIONS = [320128, 201826, 255573, 317576, 432867, 312437, 378253, 80180, 257012, 4058705]
DRUGS = [1503297, 1545958, 1308216, 1332418, 1124300, 1127433]
LABS = {3004410: (6.0, 1.2), 3016723: (85, 20), 3027114: (190, 40), 3000963: (13.5, 1.6)}
CONCEPTS = {
    MALE: ("male", "Gender"),
    FEMALE: ("female", "Gender"),
    CT: ("computed tomography", "Procedure"),
    ABDOMEN: ("abdomen", "Spec Anatomic Site"),
    201826: ("type 2 diabetes", "Condition"),
    320128: ("high blood pressure", "Condition"),
    4058705: ("enlarged spleen", "Condition"),
}
FIRST_DAY, DAYS = np.datetime64("2015-01-01"), 365 * 10

Accession = tuple[str, str, dt.date]


def demo_query() -> str:
    """The cohort of the demo: one row per CT of the abdomen, with who and when."""
    return (
        "SELECT io.accession_id, io.person_id, p.year_of_birth, p.gender_concept_id, io.image_occurrence_date\n"
        "FROM omop.image_occurrence AS io\n"
        "JOIN omop.person AS p ON p.person_id = io.person_id\n"
        f"WHERE io.modality_concept_id = {CT} AND io.anatomic_site_concept_id = {ABDOMEN}"
    )


def choose_accessions(trust: str, seed: int, persons: int, count: int) -> list[Accession]:
    """`count` distinct persons with one accession each. The ids carry the word CANARY."""
    random = np.random.default_rng([seed, 1])
    chosen = random.choice(np.arange(1, persons + 1), size=count, replace=False)
    days = random.integers(0, DAYS, count)
    start = dt.date(2015, 1, 1)
    return [
        (f"CANARY-{trust[0].upper()}-{number:04d}", str(person), start + dt.timedelta(days=int(day)))
        for number, (person, day) in enumerate(zip(chosen, days, strict=True), start=1)
    ]


def write_omop(path: Path, seed: int, persons: int, accessions: list[Accession]) -> None:
    """Write the whole database; an existing file is replaced at the end, in one step."""
    part = path.with_name(f"building-{path.name}")  # DuckDB names the catalog after the file: not `omop`
    part.unlink(missing_ok=True)
    with duckdb.connect(str(part)) as db:
        db.execute("CREATE SCHEMA omop")
        for name, frame in _tables(seed, persons, accessions).items():
            db.register("frame", frame)
            # pandas knows nanosecond times only; the CDM has dates and times
            chosen = ", ".join(_cast(column) for column in frame.columns)
            db.execute(f'CREATE TABLE omop."{name}" AS SELECT {chosen} FROM frame')
            db.unregister("frame")
    part.replace(path)


def _cast(column: str) -> str:
    if column.endswith("_date"):
        return f'"{column}"::DATE AS "{column}"'
    return f'"{column}"::TIMESTAMP AS "{column}"' if column.endswith("_datetime") else f'"{column}"'


def _tables(seed: int, persons: int, accessions: list[Accession]) -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(seed)
    ids = np.arange(1, persons + 1)
    born = 2024 - np.clip(random.gamma(3.2, 16, persons), 0, 100).astype(int)
    age = 2024 - born
    visits = np.repeat(ids, random.poisson(1 + age / 25) + 1)
    visit_day = FIRST_DAY + random.integers(0, DAYS, len(visits)).astype("timedelta64[D]")
    visit_ids = np.arange(1, len(visits) + 1)

    def events(rate: float) -> np.ndarray:
        return np.repeat(np.arange(len(visits)), random.poisson(rate, len(visits)))

    def base(name: str, at: np.ndarray) -> dict[str, object]:
        return {
            f"{name}_id": np.arange(1, len(at) + 1),
            "person_id": visits[at],
            "visit_occurrence_id": visit_ids[at],
        }

    person = {
        "person_id": ids,
        "gender_concept_id": random.choice([MALE, FEMALE], persons),
        "year_of_birth": born,
        "month_of_birth": random.integers(1, 13, persons),
        "race_concept_id": random.choice([8527, 8516, 8515, 0], persons, p=[0.62, 0.13, 0.10, 0.15]),
        "ethnicity_concept_id": np.zeros(persons, int),
        "location_id": random.integers(1, 20, persons),
        "care_site_id": np.ones(persons, int),
        "person_source_value": [f"CANARY-P{i:06d}" for i in ids],
    }
    c, d, m, p, o = events(0.9), events(0.6), events(1.4), events(0.3), events(0.2)
    lab = random.choice(list(LABS), len(m))
    tables: dict[str, dict[str, object]] = {
        "person": person,
        "observation_period": {
            "observation_period_id": ids,
            "person_id": ids,
            "observation_period_start_date": np.full(persons, FIRST_DAY),
            "observation_period_end_date": np.full(persons, FIRST_DAY + np.timedelta64(DAYS, "D")),
            "period_type_concept_id": np.full(persons, 32817),
        },
        "visit_occurrence": {
            "visit_occurrence_id": visit_ids,
            "person_id": visits,
            "visit_concept_id": random.choice([9202, 9201, 9203], len(visits), p=[0.78, 0.12, 0.10]),
            "visit_start_date": visit_day,
            "visit_start_datetime": visit_day.astype("datetime64[s]"),
            "visit_end_date": visit_day,
            "visit_end_datetime": visit_day.astype("datetime64[s]"),
            "visit_type_concept_id": np.full(len(visits), 32817),
            "care_site_id": np.ones(len(visits), int),
            "visit_source_value": ["CANARY-VISIT"] * len(visits),
        },
        "condition_occurrence": base("condition_occurrence", c)
        | {
            "condition_concept_id": random.choice(CONDITIONS, len(c)),
            "condition_start_date": visit_day[c],
            "condition_end_date": visit_day[c],
            "condition_type_concept_id": np.full(len(c), 32817),
            "condition_status_concept_id": np.zeros(len(c), int),
            "condition_source_value": ["CANARY-CONDITION"] * len(c),
        },
        "drug_exposure": base("drug_exposure", d)
        | {
            "drug_concept_id": random.choice(DRUGS, len(d)),
            "drug_exposure_start_date": visit_day[d],
            "drug_exposure_end_date": visit_day[d] + np.timedelta64(28, "D"),
            "drug_type_concept_id": np.full(len(d), 32817),
            "refills": random.integers(0, 4, len(d)),
            "quantity": random.integers(1, 90, len(d)).astype(float),
            "days_supply": np.full(len(d), 28),
            "route_concept_id": np.zeros(len(d), int),
            "drug_source_value": ["CANARY-DRUG"] * len(d),
        },
        "measurement": base("measurement", m)
        | {
            "measurement_concept_id": lab,
            "measurement_date": visit_day[m],
            "measurement_type_concept_id": np.full(len(m), 32817),
            "operator_concept_id": np.zeros(len(m), int),
            "value_as_number": np.round([random.normal(*LABS[k]) for k in lab], 2),
            "value_as_concept_id": np.zeros(len(m), int),
            "unit_concept_id": np.full(len(m), 8840),
            "range_low": np.zeros(len(m)),
            "range_high": np.full(len(m), 200.0),
            "measurement_source_value": ["CANARY-LAB"] * len(m),
        },
        "procedure_occurrence": base("procedure_occurrence", p)
        | {
            "procedure_concept_id": np.full(len(p), CT),
            "procedure_date": visit_day[p],
            "procedure_type_concept_id": np.full(len(p), 32817),
            "modifier_concept_id": np.zeros(len(p), int),
        },
        "device_exposure": base("device_exposure", o[:0])
        | {
            "device_concept_id": np.zeros(0, int),
            "device_exposure_start_date": visit_day[:0],
            "device_exposure_end_date": visit_day[:0],
            "device_type_concept_id": np.zeros(0, int),
        },
        "observation": base("observation", o)
        | {
            "observation_concept_id": np.full(len(o), 4275495),
            "observation_date": visit_day[o],
            "observation_type_concept_id": np.full(len(o), 32817),
            "value_as_number": np.zeros(len(o)),
            "value_as_concept_id": np.zeros(len(o), int),
            "unit_concept_id": np.zeros(len(o), int),
            "value_as_string": ["CANARY-NOTE"] * len(o),
        },
        "death": {
            "person_id": ids[age > 90],
            "death_date": np.full((age > 90).sum(), np.datetime64("2024-06-01")),
            "death_type_concept_id": np.full((age > 90).sum(), 32817),
            "cause_concept_id": np.zeros((age > 90).sum(), int),
        },
    }
    first_visit = dict(zip(visits[::-1].tolist(), visit_ids[::-1].tolist(), strict=True))
    tables |= _vocabulary() | _imaging(accessions, first_visit)
    return {name: pd.DataFrame(columns) for name, columns in tables.items()}


def _vocabulary() -> dict[str, dict[str, object]]:
    ids = list(CONCEPTS)
    return {
        "concept": {
            "concept_id": ids,
            "concept_name": [CONCEPTS[i][0] for i in ids],
            "domain_id": [CONCEPTS[i][1] for i in ids],
            "vocabulary_id": ["demo"] * len(ids),
            "concept_class_id": ["demo"] * len(ids),
            "standard_concept": ["S"] * len(ids),
            "concept_code": [str(i) for i in ids],
        },
        "concept_ancestor": {
            "ancestor_concept_id": ids,
            "descendant_concept_id": ids,
            "min_levels_of_separation": [0] * len(ids),
            "max_levels_of_separation": [0] * len(ids),
        },
        "concept_relationship": {
            "concept_id_1": ids,
            "concept_id_2": ids,
            "relationship_id": ["Maps to"] * len(ids),
        },
    }


def _imaging(accessions: list[Accession], first_visit: dict[int, int]) -> dict[str, dict[str, object]]:
    count = len(accessions)
    numbers = np.arange(1, count + 1)
    person = np.array([int(p) for _, p, _ in accessions], int)
    return {
        "image_occurrence": {
            "image_occurrence_id": numbers,
            "person_id": person,
            "procedure_occurrence_id": numbers,
            "visit_occurrence_id": [first_visit[p] for p in person.tolist()],
            "anatomic_site_concept_id": np.full(count, ABDOMEN),
            "image_occurrence_date": np.array([d for _, _, d in accessions], "datetime64[D]"),
            "modality_concept_id": np.full(count, CT),
            "accession_id": [a for a, _, _ in accessions],
            "wadors_uri": ["CANARY-URI"] * count,
            "local_path": ["CANARY-PATH"] * count,
        },
        "image_feature": {
            "image_feature_id": numbers,
            "person_id": person,
            "image_occurrence_id": numbers,
            "image_feature_concept_id": np.full(count, 4058705),
            "image_feature_type_concept_id": np.full(count, 32817),
            "image_finding_concept_id": np.zeros(count, int),
            "anatomic_site_concept_id": np.full(count, ABDOMEN),
            "alg_system": ["demo"] * count,
        },
    }
