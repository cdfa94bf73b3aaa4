"""What cohort SQL may name: the allowed columns of a trust, and which of all columns are identifiers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from flip_contracts.sql_guard.cdm import REFERENCE, TABLES

TYPES: Final = {"k": "bigint", "i": "int", "n": "double", "d": "date", "t": "timestamp", "s": "varchar"}


@dataclass(frozen=True)
class CdmColumn:
    name: str
    type: str
    required: bool
    allowed: bool  # unless a trust says otherwise


def _parsed(text: str) -> tuple[CdmColumn, ...]:
    pairs = (item.split(":") for item in text.split())
    return tuple(CdmColumn(name, TYPES[kind[0]], "*" in kind, "-" not in kind) for name, kind in pairs)


CDM: Final[Mapping[str, tuple[CdmColumn, ...]]] = {name: _parsed(text) for name, text in TABLES.items()}

Columns = Mapping[str, Mapping[str, str]]  # table -> column -> type


@lru_cache(maxsize=32)
def allowed_columns(also: frozenset[str] = frozenset(), never: frozenset[str] = frozenset()) -> Columns:
    """The default allow-list with `table.column` names added and taken away. Raises ValueError for an unknown name."""
    known = {f"{table}.{column.name}" for table, columns in CDM.items() for column in columns}
    if unknown := sorted((also | never) - known):
        raise ValueError(f"OMOP CDM 5.4 has no column {unknown[0]!r}; write table.column, such as note.note_text.")
    return {
        table: {
            column.name: column.type
            for column in columns
            if (column.allowed or f"{table}.{column.name}" in also) and f"{table}.{column.name}" not in never
        }
        for table, columns in CDM.items()
    }


def names(text: str | Iterable[str]) -> frozenset[str]:
    """`table.column` names out of a setting: separated by commas or white space."""
    return frozenset(text.replace(",", " ").lower().split() if isinstance(text, str) else text)


OMOP: Final = allowed_columns()

# The same key by another name.
_CANONICAL: Final = {
    "subject_id": "person_id",
    "preceding_visit_occurrence_id": "visit_occurrence_id",
    "preceding_visit_detail_id": "visit_detail_id",
    "parent_visit_detail_id": "visit_detail_id",
    "episode_parent_id": "episode_id",
}
_PLACES: Final = frozenset({"location_id", "care_site_id", "provider_id"})
_OPAQUE: Final = frozenset(
    [
        "person_source_value",
        "specimen_source_id",
        "unique_device_id",
        "production_id",
        "lot_number",
        "npi",
        "dea",
        "image_study_uid",
        "image_series_uid",
        "wadors_uri",
        "local_path",
        "zip",
        "address_1",
        "address_2",
        "latitude",
        "longitude",
        "accession_id",
    ]
)
_KEYS: Final = frozenset(c.name for columns in CDM.values() for c in columns if c.type == "bigint")

# A literal compared with one of these aims at a person: the way around suppression (differencing).
IDENTIFIERS: Final = _KEYS | _OPAQUE
# Each belongs to one person, so that joining on it stays within that person. Facts of unknown kind do not.
PERSON_KEYS: Final = (
    frozenset(
        c.name
        for table, columns in CDM.items()
        if table not in REFERENCE
        for c in columns
        if c.type == "bigint" and not c.name.startswith("fact_id_") and not c.name.endswith(("event_id", "finding_id"))
    )
    | {"accession_id"}
) - _PLACES


def same_key(left: str, right: str) -> bool:
    """True if both names are of one kind of identifier: person_id and the subject_id of a cohort, for example."""
    left, right = left.lower(), right.lower()
    return left in IDENTIFIERS and _CANONICAL.get(left, left) == _CANONICAL.get(right, right)
