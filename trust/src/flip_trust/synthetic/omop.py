"""A synthetic OMOP CDM 5.4 database with MI-CDM tables: for the demo, for tests, and a million persons for benchmarks.

Visits grow with age, concepts are Zipf-distributed, laboratory values log-normal, imaging hangs on procedures. With
`canaries` every text column that cohort SQL may not ask holds the word CANARY, so that a leak is visible wherever it
happens. Concept ids are plain numbers of public vocabularies; the small concept table uses our own words.
"""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flip_contracts.sql_guard.schema import OMOP, Columns
from flip_trust.sql.mart import Mart, building

MALE, FEMALE = 8507, 8532
CT, MR, ULTRASOUND, ABDOMEN = 4013636, 4013634, 4037672, 4194129
EHR = 32817
NAMED_CONDITIONS = [320128, 201826, 255573, 317576, 432867, 312437, 378253, 80180, 257012, 4058705]
CONDITIONS = np.array([*NAMED_CONDITIONS, *range(4_000_000, 4_000_390)])
DRUGS = np.array([1503297, 1545958, 1308216, 1332418, 1124300, 1127433, *range(1_100_000, 1_100_594)])
PROCEDURES = np.array([4163872, 4019823, *range(2_100_000, 2_100_198)])
LABS = {3004410: (6.0, 0.2), 3016723: (85.0, 0.25), 3027114: (190.0, 0.2), 3000963: (13.5, 0.12)}
MEASUREMENTS = np.array([*LABS, *range(3_030_000, 3_030_096)])
CONCEPTS = {
    MALE: ("male", "Gender"),
    FEMALE: ("female", "Gender"),
    CT: ("computed tomography", "Procedure"),
    MR: ("magnetic resonance", "Procedure"),
    ULTRASOUND: ("ultrasound", "Procedure"),
    ABDOMEN: ("abdomen", "Spec Anatomic Site"),
    201826: ("type 2 diabetes", "Condition"),
    320128: ("high blood pressure", "Condition"),
    4058705: ("enlarged spleen", "Condition"),
    3004410: ("haemoglobin A1c", "Measurement"),
    1503297: ("metformin", "Drug"),
}
FIRST_YEAR, YEARS = 2015, 10
FIRST_DAY, DAYS = (dt.date(FIRST_YEAR, 1, 1) - dt.date(1970, 1, 1)).days, 365 * YEARS

Accession = tuple[str, str, dt.date]
Ints = NDArray[Any]
Told = Callable[[str, int], None]  # a table and its rows


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
    start = dt.date(FIRST_YEAR, 1, 1)
    return [
        (f"CANARY-{trust[0].upper()}-{number:04d}", str(person), start + dt.timedelta(days=int(day)))
        for number, (person, day) in enumerate(zip(chosen, days, strict=True), start=1)
    ]


def write_omop(path: Path, seed: int, persons: int, accessions: list[Accession]) -> None:
    """The demo's hospital: all columns, canaries in them, and exactly these images."""
    with building(path, None) as mart:
        _Synthetic(mart, seed, persons, lambda table, rows: None).write(accessions)
        _plant_canaries(mart)


def synthesise(
    path: Path, seed: int, persons: int, told: Told, *, allowed: Columns = OMOP, canaries: bool = False
) -> None:
    """A mart of `persons` with imaging of its own; an existing file is replaced at the end, in one step."""
    with building(path, None if canaries else allowed) as mart:
        _Synthetic(mart, seed, persons, told).write(None)
        if canaries:
            _plant_canaries(mart)


class _Synthetic:
    def __init__(self, mart: Mart, seed: int, persons: int, told: Told):
        self._mart, self._persons, self._told = mart, persons, told
        self._random = np.random.default_rng(seed)

    def write(self, accessions: list[Accession] | None) -> None:
        self._vocabulary()
        self._places()
        age = self._people()
        self._visits(age)
        visits, days = self._visit_person, self._visit_day
        self._clinical(visits, days)
        if accessions is None:
            self._imaging()
        else:
            self._given_imaging(accessions)
        self._derived()

    def _insert(self, table: str, arrays: dict[str, Any], **computed: str) -> None:
        self._told(table, self._mart.insert(table, arrays, computed))

    def _zipf(self, values: Ints, count: int) -> Ints:
        weights = np.cumsum(1 / np.arange(1, len(values) + 1) ** 1.1)
        return values[np.searchsorted(weights, self._random.random(count) * weights[-1])]

    def _people(self) -> Ints:
        random, count = self._random, self._persons
        ids = np.arange(1, count + 1)
        age = np.clip(random.gamma(3.2, 16, count), 0, 100).astype(np.int32)
        self._insert(
            "person",
            {
                "person_id": ids,
                "gender_concept_id": random.choice([MALE, FEMALE], count, p=[0.49, 0.51]),
                "year_of_birth": FIRST_YEAR + YEARS - 1 - age,
                "month_of_birth": random.integers(1, 13, count),
                "day_of_birth": random.integers(1, 29, count),
                "race_concept_id": random.choice([8527, 8516, 8515, 0], count, p=[0.62, 0.13, 0.10, 0.15]),
                "location_id": random.integers(1, 21, count),
            },
            ethnicity_concept_id="0",
            care_site_id="1 + person_id % 5",
            provider_id="1 + person_id % 40",
            person_source_value="'CANARY-P' || person_id",
        )
        self._insert(
            "observation_period",
            {"observation_period_id": ids},
            person_id="observation_period_id",
            observation_period_start_date=f"DATE '{FIRST_YEAR}-01-01'",
            observation_period_end_date=f"DATE '{FIRST_YEAR}-01-01' + {DAYS}",
            period_type_concept_id=str(EHR),
        )
        dead = ids[random.random(count) < 0.4 / (1 + np.exp((85 - age) / 4.0))]
        day = FIRST_DAY + random.integers(DAYS - 700, DAYS, len(dead)).astype(np.int32)
        self._insert(
            "death", {"person_id": dead, "death_date": day}, death_type_concept_id=str(EHR), cause_concept_id="0"
        )
        return age

    def _visits(self, age: Ints) -> None:
        random = self._random
        count = random.poisson(0.6 + age / 19.0) + 1
        person = np.repeat(np.arange(1, self._persons + 1), count)
        day = (FIRST_DAY + random.integers(0, DAYS - 60, len(person))).astype(np.int32)
        kind = random.choice([9202, 9201, 9203], len(person), p=[0.78, 0.12, 0.10])
        stay = np.where(kind == 9201, random.geometric(0.25, len(person)), 0).astype(np.int32)
        self._visit_person, self._visit_day = person, day
        self._insert(
            "visit_occurrence",
            {
                "visit_occurrence_id": np.arange(1, len(person) + 1),
                "person_id": person,
                "visit_concept_id": kind,
                "visit_start_date": day,
                "visit_start_datetime": day,
                "visit_end_date": day + stay,
                "visit_end_datetime": day + stay,
            },
            visit_type_concept_id=str(EHR),
            care_site_id="1 + visit_occurrence_id % 5",
            provider_id="1 + visit_occurrence_id % 40",
        )

    def _events(self, table: str, rate: float, concept: str, start: str, values: Ints) -> tuple[Ints, dict[str, Any]]:
        at = np.repeat(np.arange(len(self._visit_person)), self._random.poisson(rate, len(self._visit_person)))
        return at, {
            f"{table}_id": np.arange(1, len(at) + 1),
            "person_id": self._visit_person[at],
            "visit_occurrence_id": at + 1,
            concept: self._zipf(values, len(at)),
            start: self._visit_day[at],
        }

    def _clinical(self, visits: Ints, days: Ints) -> None:
        random = self._random
        _, rows = self._events("condition_occurrence", 1.3, "condition_concept_id", "condition_start_date", CONDITIONS)
        rows["condition_end_date"] = rows["condition_start_date"] + random.integers(
            0, 30, len(rows["person_id"]), np.int32
        )
        self._insert("condition_occurrence", rows, condition_type_concept_id=str(EHR), condition_status_concept_id="0")
        at, rows = self._events("drug_exposure", 1.5, "drug_concept_id", "drug_exposure_start_date", DRUGS)
        supply = random.choice([7, 14, 28, 90], len(at)).astype(np.int32)
        rows |= {
            "drug_exposure_end_date": days[at] + supply,
            "days_supply": supply,
            "refills": random.integers(0, 4, len(at)),
            "quantity": random.integers(1, 90, len(at)).astype(float),
        }
        self._insert("drug_exposure", rows, drug_type_concept_id=str(EHR), route_concept_id="0")
        at, rows = self._events("measurement", 2.6, "measurement_concept_id", "measurement_date", MEASUREMENTS)
        concept = rows["measurement_concept_id"]
        middle, spread = (concept % 97 + 20).astype(float), np.full(len(at), 0.25)
        for lab, (value, sd) in LABS.items():
            middle[concept == lab], spread[concept == lab] = value, sd
        rows["value_as_number"] = np.round(middle * np.exp(random.standard_normal(len(at)) * spread), 2)
        self._insert(
            "measurement",
            rows,
            measurement_type_concept_id=str(EHR),
            operator_concept_id="0",
            unit_concept_id="8840",
            range_low="0",
            range_high="200",
        )
        _, rows = self._events("observation", 0.2, "observation_concept_id", "observation_date", np.array([4275495]))
        self._insert("observation", rows, observation_type_concept_id=str(EHR), value_as_number="0")
        _, rows = self._events(
            "device_exposure", 0.02, "device_concept_id", "device_exposure_start_date", np.array([4])
        )
        self._insert("device_exposure", rows, device_type_concept_id=str(EHR))
        _, rows = self._events("specimen", 0.02, "specimen_concept_id", "specimen_date", np.array([4001225]))
        self._insert("specimen", rows, specimen_type_concept_id=str(EHR))
        _, rows = self._events("note", 0.05, "note_type_concept_id", "note_date", np.array([44814645]))
        self._insert(
            "note",
            rows,
            note_class_concept_id="0",
            encoding_concept_id="0",
            language_concept_id="4180186",
            note_text="'CANARY note of person ' || person_id",
        )
        at, rows = self._events("procedure_occurrence", 0.35, "procedure_concept_id", "procedure_date", PROCEDURES)
        self._procedure_at = at
        self._insert("procedure_occurrence", rows, procedure_type_concept_id=str(EHR), modifier_concept_id="0")

    def _imaging(self) -> None:
        """A quarter of the procedures is imaging; a study is one accession and one to three series."""
        random, at = self._random, self._procedure_at
        procedure = np.nonzero(random.random(len(at)) < 0.25)[0]
        study = np.repeat(np.arange(len(procedure)), random.choice([1, 2, 3], len(procedure), p=[0.7, 0.2, 0.1]))
        visit = at[procedure][study]
        modality = random.choice([MR, CT, ULTRASOUND], len(procedure), p=[0.45, 0.25, 0.30])[study]
        site = random.choice([ABDOMEN, 4122108, 4165732, 4302601], len(procedure))[study]
        numbers = np.arange(1, len(study) + 1)
        self._insert(
            "image_occurrence",
            {
                "image_occurrence_id": numbers,
                "person_id": self._visit_person[visit],
                "procedure_occurrence_id": procedure[study] + 1,
                "visit_occurrence_id": visit + 1,
                "anatomic_site_concept_id": site,
                "image_occurrence_date": self._visit_day[visit],
                "modality_concept_id": modality,
                "study": study + 1,
            },
            accession_id="'ACC' || lpad(CAST(study AS VARCHAR), 9, '0')",
        )
        of = np.repeat(numbers, random.poisson(0.6, len(numbers)))
        self._features(of, self._visit_person[visit][of - 1])

    def _given_imaging(self, accessions: list[Accession]) -> None:
        numbers = np.arange(1, len(accessions) + 1)
        person = np.array([int(p) for _, p, _ in accessions])
        self._insert(
            "image_occurrence",
            {
                "image_occurrence_id": numbers,
                "person_id": person,
                "procedure_occurrence_id": numbers,
                # The first visit of the person: visits are in order of persons.
                "visit_occurrence_id": np.searchsorted(self._visit_person, person) + 1,
                "image_occurrence_date": np.array(
                    [(day - dt.date(1970, 1, 1)).days for _, _, day in accessions], np.int32
                ),
                "accession_id": np.array([a for a, _, _ in accessions], object),
            },
            anatomic_site_concept_id=str(ABDOMEN),
            modality_concept_id=str(CT),
        )
        self._features(numbers, person)

    def _features(self, image: Ints, person: Ints) -> None:
        self._insert(
            "image_feature",
            {"image_feature_id": np.arange(1, len(image) + 1), "person_id": person, "image_occurrence_id": image},
            image_feature_concept_id="4058705",
            image_feature_type_concept_id=str(EHR),
            image_finding_concept_id="0",
            anatomic_site_concept_id=str(ABDOMEN),
            alg_system="'demo'",
        )

    def _derived(self) -> None:
        """Eras from exposures and conditions; a payer for one person in ten."""
        for era, source, start, end, count in (
            ("drug", "drug_exposure", "drug_exposure_start_date", "drug_exposure_end_date", "drug_exposure_count"),
            (
                "condition",
                "condition_occurrence",
                "condition_start_date",
                "condition_end_date",
                "condition_occurrence_count",
            ),
        ):
            listed = f"{era}_era_id, person_id, {era}_concept_id, {era}_era_start_date, {era}_era_end_date, {count}"
            grouped = (
                f"SELECT person_id, {era}_concept_id, min({start}), max({end}), count(*) FROM omop.{source} "
                f"WHERE {era}_concept_id IN (1503297, 1545958, 201826, 320128) GROUP BY ALL ORDER BY ALL"
            )
            query = f"SELECT row_number() OVER (), * FROM ({grouped})"
            self._told(f"{era}_era", self._mart.select(f"{era}_era", listed, query))
        self._insert(
            "payer_plan_period",
            {"payer_plan_period_id": np.arange(10, self._persons + 1, 10)},
            person_id="payer_plan_period_id",
            payer_plan_period_start_date=f"DATE '{FIRST_YEAR}-01-01'",
            payer_plan_period_end_date=f"DATE '{FIRST_YEAR + YEARS}-01-01'",
            payer_concept_id="0",
        )

    def _places(self) -> None:
        self._insert("location", {"location_id": np.arange(1, 21)}, country_concept_id="4330442")
        self._insert("care_site", {"care_site_id": np.arange(1, 6)}, location_id="care_site_id")
        self._insert("provider", {"provider_id": np.arange(1, 41)}, specialty_concept_id="38004456")

    def _vocabulary(self) -> None:
        everything = np.concatenate([CONDITIONS, DRUGS, PROCEDURES, MEASUREMENTS, list(CONCEPTS)])
        ids = np.unique(everything[everything > 0])
        words = [CONCEPTS.get(int(i), (f"concept {i}", "Other")) for i in ids]
        dates = {"valid_start_date": "DATE '1970-01-01'", "valid_end_date": "DATE '2099-12-31'"}
        self._insert(
            "concept",
            {
                "concept_id": ids,
                "concept_name": np.array([name for name, _ in words], object),
                "domain_id": np.array([domain for _, domain in words], object),
            },
            vocabulary_id="'demo'",
            concept_class_id="'demo'",
            standard_concept="'S'",
            concept_code="CAST(concept_id AS VARCHAR)",
            **dates,
        )
        self._insert(
            "concept_ancestor",
            {"ancestor_concept_id": ids},
            descendant_concept_id="ancestor_concept_id",
            min_levels_of_separation="0",
            max_levels_of_separation="0",
        )
        self._insert(
            "concept_relationship",
            {"concept_id_1": ids},
            concept_id_2="concept_id_1",
            relationship_id="'Maps to'",
            **dates,
        )
        self._insert(
            "domain",
            {"domain_id": np.array(sorted({domain for _, domain in words}), object)},
            domain_name="domain_id",
            domain_concept_id="0",
        )


def _plant_canaries(mart: Mart) -> None:
    """Text that may not be asked, in every table; one that has no row gets one, of the first person."""
    something = {"bigint": "1", "int": "0", "double": "0", "date": f"DATE '{FIRST_YEAR}-01-01'", "varchar": "'x'"}
    for table, allowed in OMOP.items():
        hidden = [c.name for c in mart.columns(table) if c.type == "varchar" and c.name not in allowed]
        if hidden:
            required = [c for c in mart.columns(table) if c.required]
            listed = ", ".join(f'"{c.name}"' for c in required)
            values = ", ".join(something[c.type] for c in required)
            empty = f'NOT EXISTS (SELECT 1 FROM omop."{table}")'
            mart.db.execute(f'INSERT INTO omop."{table}" ({listed}) SELECT {values} WHERE {empty}')
            planted = "CASE WHEN contains(\"{name}\", 'CANARY') THEN \"{name}\" ELSE 'CANARY-{table}-{name}' END"
            values = ", ".join(f'"{name}" = {planted.format(name=name, table=table)}' for name in hidden)
            mart.db.execute(f'UPDATE omop."{table}" SET {values}')
