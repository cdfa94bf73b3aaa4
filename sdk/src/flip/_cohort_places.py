"""Where an accession stands in the cohort, so that an error can point at it without repeating its number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_accessions: Final[dict[str, Sequence[object]]] = {}


def remember(project_id: str, accessions: Sequence[object]) -> None:
    """Keep the accession column of the project's cohort, in its order."""
    _accessions[project_id] = accessions


def place_of(project_id: str, accession_id: str) -> int | None:
    """The first row of that accession, from 0; None where this process has not read the cohort."""
    for index, value in enumerate(_accessions.get(project_id, ())):
        if str(value) == accession_id:
            return index
    return None


def forget() -> None:
    _accessions.clear()
