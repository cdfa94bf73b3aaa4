"""SQL around a checked query, the same for both engines: what a cohort's persons, accessions and studies are."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import sqlglot
from sqlglot import exp

from flip_contracts.sql_guard import CheckedQuery

SOURCES = ("cohort", "persons", "accessions", "studies")


@dataclass(frozen=True)
class Prepared:
    """`sources` define those of `SOURCES` that the queries need, each by the ones before it."""

    sources: dict[str, str]
    queries: dict[str, str]


def prepare(checked: CheckedQuery, queries: Mapping[str, str], dialect: str, schema: str) -> Prepared:
    translated = {name: _translate(sql, dialect, schema) for name, sql in queries.items()}
    needed = {table for _, tables in translated.values() for table in tables}
    person, image = f'"{schema}"."person"', f'"{schema}"."image_occurrence"'
    persons = (
        f"SELECT DISTINCT c.person_id FROM cohort AS c JOIN {person} AS o ON o.person_id = c.person_id"
        if checked.has_person_id
        else f"SELECT DISTINCT i.person_id FROM cohort AS c JOIN {image} AS i ON i.accession_id = c.accession_id"
    )
    accessions = (
        f"SELECT DISTINCT c.accession_id FROM cohort AS c JOIN {image} AS i ON i.accession_id = c.accession_id"
        if checked.has_accession_id
        else f"SELECT DISTINCT i.accession_id FROM {image} AS i JOIN persons AS p ON p.person_id = i.person_id"
    )
    chosen = "JOIN accessions AS a ON a.accession_id = i.accession_id " if checked.has_accession_id else ""
    studies = (
        f"SELECT DISTINCT i.person_id, i.accession_id FROM {image} AS i {chosen}"
        "JOIN persons AS p ON p.person_id = i.person_id WHERE i.accession_id IS NOT NULL"
    )
    sources = dict(zip(SOURCES, (checked.emitted, persons, accessions, studies), strict=True))
    if "studies" in needed:
        needed |= {"persons", "accessions"} if checked.has_accession_id else {"persons"}
    if "accessions" in needed and not checked.has_accession_id:
        needed.add("persons")
    kept = {name: sql for name, sql in sources.items() if name in needed or name == "cohort"}
    return Prepared(kept, {name: sql for name, (sql, _) in translated.items()})


@lru_cache(maxsize=256)
def _translate(sql: str, dialect: str, schema: str) -> tuple[str, frozenset[str]]:
    """Our own query in the engine's dialect, and which of the sources it reads."""
    tree = sqlglot.parse_one(sql, read="postgres")
    for table in tree.find_all(exp.Table):
        if table.db == "omop":
            table.set("db", exp.to_identifier(schema, quoted=True))
    read = frozenset(table.name for table in tree.find_all(exp.Table) if not table.db)
    return tree.sql(dialect=dialect, comments=False), read


def with_sources(prepared: Prepared, query: str) -> str:
    """One statement: the sources as CTEs, then the query."""
    ctes = ", ".join(f"{name} AS ({sql})" for name, sql in prepared.sources.items())
    return f"WITH {ctes} {query}"


PERSONS = "SELECT person_id FROM persons WHERE person_id IS NOT NULL ORDER BY person_id"
_PEOPLE = "FROM persons AS p JOIN omop.person AS o ON o.person_id = p.person_id"
SUMMARY = {
    "persons": "SELECT count(person_id) FROM persons",
    "accessions": "SELECT count(accession_id) FROM accessions",
    "sex": f"SELECT o.gender_concept_id, count(*) {_PEOPLE} GROUP BY 1",
    "age_band": "SELECT CAST(floor(CAST(extract(year FROM current_date) - o.year_of_birth AS DOUBLE PRECISION) / 10) "
    f"* 10 AS INTEGER), count(*) {_PEOPLE} WHERE o.year_of_birth IS NOT NULL GROUP BY 1",
    "modality": "SELECT i.modality_concept_id, count(DISTINCT i.person_id) FROM accessions AS a "
    "JOIN omop.image_occurrence AS i ON i.accession_id = a.accession_id GROUP BY 1",
}
