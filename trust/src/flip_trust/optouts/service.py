"""People who are not to be in any cohort: taken out of the frozen ones at once, and in no new query."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from flip_trust.approvals.frozen import FrozenCohorts, Removed
from flip_trust.errors import OptOutFileInvalid
from flip_trust.store import Store

COLUMN = "person_id"
LARGEST_BYTES = 64 * 2**20
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Added:
    """`new`: people who were not on the list. `cohorts`: frozen cohorts that some of them were in. Stays here."""

    new: int
    known: int
    cohorts: tuple[Removed, ...]


class OptOuts:
    def __init__(self, store: Store, frozen: FrozenCohorts):
        self._store, self._frozen = store, frozen
        self._persons: tuple[tuple[int, int], frozenset[int]] = ((0, -1), frozenset())

    def add(self, persons: Iterable[int], added_by: str = "") -> Added:
        """All of them or none. Runs that use a cohort with any of them are left by the agent, within seconds."""
        asked, at = frozenset(persons), datetime.now(UTC).isoformat()
        with self._store.transaction() as db:
            before = self.count()
            db.executemany("INSERT OR IGNORE INTO optouts VALUES (?, ?, ?)", [(p, at, added_by) for p in sorted(asked)])
            new = self.count() - before
            removed = self._frozen.remove(asked)
        self._store.touch()
        return Added(new, len(asked) - new, tuple(removed))

    def remove(self, persons: Iterable[int]) -> int:
        """They may be in cohorts that are frozen from now on; they do not come back into one. Returns how many."""
        with self._store.transaction() as db:
            before = self.count()
            db.executemany("DELETE FROM optouts WHERE person_id = ?", [(p,) for p in persons])
            gone = before - self.count()
        self._store.touch()
        return gone

    def count(self) -> int:
        row = self._store.one("SELECT count(*) FROM optouts")
        return row[0] if row else 0

    def persons(self) -> frozenset[int]:
        """Kept between calls, for as long as nothing in the store has changed."""
        version = self._store.version()
        if self._persons[0] != version:
            rows = self._store.all("SELECT person_id FROM optouts")
            self._persons = version, frozenset(row[0] for row in rows)
        return self._persons[1]


def projects_of(added: Added) -> list[UUID]:
    return [removed.project_id for removed in added.cohorts]


def read_csv(source: Path | bytes) -> list[int]:
    """Person ids (OMOP `person_id`), one a line, or in a column `person_id`.

    Raises `OptOutFileInvalid`, which names the line and never its content.
    """
    try:
        content = source if isinstance(source, bytes) else source.read_bytes()
        text = content[: LARGEST_BYTES + 1].decode("utf-8-sig")
    except OSError as error:
        raise OptOutFileInvalid(f"The file cannot be read: {error.strerror or type(error).__name__}.") from None
    except UnicodeDecodeError:
        raise OptOutFileInvalid("The file is not UTF-8 text. Save it as CSV in UTF-8.") from None
    if len(content) > LARGEST_BYTES:
        raise OptOutFileInvalid(f"The file is larger than {LARGEST_BYTES // 2**20} MiB. Split it.")
    try:
        lines = [
            (number, row) for number, row in enumerate(csv.reader(io.StringIO(text)), 1) if any(map(str.strip, row))
        ]
    except csv.Error:
        raise OptOutFileInvalid("The file is not CSV. Write one person_id a line.") from None
    column = 0
    if lines and COLUMN in [name.strip().lower() for name in lines[0][1]]:
        column = [name.strip().lower() for name in lines[0][1]].index(COLUMN)
        lines = lines[1:]
    elif any(len(row) > 1 for _, row in lines):
        raise OptOutFileInvalid("The file has several columns and none is called person_id. Name it in the first line.")
    persons = [_person(number, row, column) for number, row in lines]
    if not persons:
        raise OptOutFileInvalid("The file names nobody. Write one person_id a line.")
    return persons


def _person(number: int, row: list[str], column: int) -> int:
    word = row[column].strip() if column < len(row) else ""
    if not (word.isascii() and word.isdigit()) or int(word) > LARGEST_ID:
        raise OptOutFileInvalid(f"Line {number} has no person_id, which is a whole number. Nobody was taken out.")
    return int(word)
