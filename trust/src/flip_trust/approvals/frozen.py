"""Frozen cohorts: taken at approval, served as they were signed. People can be taken out later; nobody comes in.

The signed decision holds the SHA-256 of its cohort. Where people were taken out, a record of that, signed with the
trust's key, leads from the hash before to the hash after; it stays here, since even its time would tell something.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flip_contracts.wire import Sha256, Wire
from flip_trust.data_api.packing import packed
from flip_trust.errors import FrozenCohortChanged, NotApproved
from flip_trust.keys import TrustKey
from flip_trust.store import CohortRow, ProjectRow, Store, both, cohort_of

NO_COHORT = "This trust holds no frozen cohort of this project. Ask its staff to approve the project again."
CHANGED = (
    "The frozen cohort at this trust is not the one that its staff approved, so it is not served. "
    "They withdraw the approval and approve the project again."
)


class Shrink(Wire):
    """People were taken out of a frozen cohort."""

    project_id: UUID
    before_sha256: Sha256
    after_sha256: Sha256
    at: datetime


@dataclass(frozen=True)
class Removed:
    """What was taken out of one cohort. Stays at the trust."""

    project_id: UUID
    rows: int
    accessions: frozenset[str]


class FrozenCohorts:
    def __init__(self, store: Store, key: TrustKey):
        self._store, self._key = store, key
        self._accessions: dict[UUID, tuple[str, frozenset[str]]] = {}

    # --- at approval ---
    def freeze(
        self,
        project_id: UUID,
        columns: list[tuple[str, str]],
        rows: list[list[Any]],
        owners: Mapping[str, Iterable[int]],
    ) -> str:
        """Keep these rows; returns the hash for the decision. `owners`: whose each accession is."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM cohort_owners WHERE project_id = ?", (str(project_id),))
            db.execute("DELETE FROM cohort_shrinks WHERE project_id = ?", (str(project_id),))
            known = [(str(project_id), a, person) for a, persons in owners.items() for person in persons]
            db.executemany("INSERT OR IGNORE INTO cohort_owners VALUES (?, ?, ?)", known)
            self._put(project_id, columns, rows)
            # Somebody may have opted out while the database was asked.
            gone = frozenset(row[0] for row in db.execute("SELECT person_id FROM optouts"))
            if gone and self._remove_from(project_id, gone) is not None:
                db.execute("DELETE FROM cohort_shrinks WHERE project_id = ?", (str(project_id),))
            sha256 = self.sha256(project_id)
        assert sha256 is not None  # it was just put
        return sha256

    def _put(self, project_id: UUID, columns: list[tuple[str, str]], rows: list[list[Any]]) -> str:
        names, values, body = json.dumps(columns), json.dumps(rows), packed(columns, rows)
        rows_sha256, packed_sha256 = _rows_sha256(names, values), hashlib.sha256(body).hexdigest()
        at = datetime.now(UTC).isoformat()
        with self._store.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO packed_cohorts (project_id, rows, body, sha256) VALUES (?, ?, ?, ?)",
                (str(project_id), len(rows), body, packed_sha256),
            )
            db.execute(
                "INSERT OR REPLACE INTO cohorts (project_id, columns, rows, frozen_at, rows_sha256)"
                " VALUES (?, ?, ?, ?, ?)",
                (str(project_id), names, values, at, rows_sha256),
            )
        return both(rows_sha256, packed_sha256)

    # --- at use ---
    def sha256(self, project_id: UUID) -> str | None:
        """Of what is stored now, by the stored hashes of its parts; None where there is none of this version."""
        return self._store.cohort_sha256(project_id)

    def exists(self, project_id: UUID) -> bool:
        return self._store.one("SELECT 1 FROM cohorts WHERE project_id = ?", str(project_id)) is not None

    def rows(self, project: ProjectRow) -> CohortRow:
        """Raises `NotApproved` where there is none, `FrozenCohortChanged` where it is not the approved one."""
        row = self._store.one(
            "SELECT c.columns, c.rows, p.sha256 FROM cohorts AS c LEFT JOIN packed_cohorts AS p USING (project_id)"
            " WHERE project_id = ?",
            str(project.review.project_id),
        )
        if row is None:
            raise NotApproved(NO_COHORT)
        self._compare(project, lambda: both(_rows_sha256(row["columns"], row["rows"]), row["sha256"] or ""))
        return cohort_of(row)

    def packed(self, project: ProjectRow) -> tuple[int, bytes]:
        """Rows, and `flip.protocol.PackedCohort` as JSON. Raises as `rows` does."""
        row = self._store.one(
            "SELECT p.rows, p.body, c.rows_sha256 FROM packed_cohorts AS p JOIN cohorts AS c USING (project_id)"
            " WHERE project_id = ?",
            str(project.review.project_id),
        )
        if row is None:  # approved by an older version
            cohort = self.rows(project)
            return len(cohort.rows), packed(cohort.columns, cohort.rows)
        body = row["body"]
        self._compare(project, lambda: both(row["rows_sha256"] or "", hashlib.sha256(body).hexdigest()))
        return row["rows"], body

    def accessions(self, project: ProjectRow) -> frozenset[str]:
        """Read once per state of the cohort: each image that an app asks for looks here. Raises as `rows` does."""
        project_id = project.review.project_id
        row = self._store.one("SELECT frozen_at FROM cohorts WHERE project_id = ?", str(project_id))
        if row is None:
            raise NotApproved(NO_COHORT)
        frozen_at, found = self._accessions.get(project_id, ("", frozenset[str]()))
        if frozen_at != row["frozen_at"]:
            found = frozenset(str(a) for a in self.rows(project).values("accession_id") if a)
            self._accessions[project_id] = row["frozen_at"], found
        return found

    def _compare(self, project: ProjectRow, actual: Any) -> None:
        wanted = self.expected(project)
        if wanted is not None and actual() != wanted:
            raise FrozenCohortChanged(CHANGED)

    def expected(self, project: ProjectRow) -> str | None:
        """The hash that the decision and the signed removals lead to; None of an older version's decision."""
        sha256 = project.signed.cohort_sha256 if project.signed else None
        if sha256 is None:
            return None
        rows = self._store.all(
            "SELECT record, signature FROM cohort_shrinks WHERE project_id = ? ORDER BY seq",
            str(project.review.project_id),
        )
        for row in rows:
            shrink = Shrink.model_validate_json(row["record"])
            if shrink.before_sha256 == sha256 and self._key.verifies(shrink, row["signature"], shrink.at):
                sha256 = shrink.after_sha256
        return sha256

    # --- afterwards ---
    def remove(self, persons: frozenset[int]) -> list[Removed]:
        """Take these people out of every cohort, all or nothing. Returns the cohorts that had any of them."""
        removed: list[Removed] = []
        with self._store.transaction():
            for row in self._store.all("SELECT project_id FROM cohorts"):
                found = self._remove_from(UUID(row["project_id"]), persons)
                if found is not None:
                    removed.append(found)
        return removed

    def _remove_from(self, project_id: UUID, persons: frozenset[int]) -> Removed | None:
        owned = self._store.all(
            "SELECT accession_id, person_id FROM cohort_owners WHERE project_id = ?", str(project_id)
        )
        theirs = frozenset(row["accession_id"] for row in owned if row["person_id"] in persons)
        cohort = self._store.cohort(project_id)
        assert cohort is not None  # it was just listed, in this transaction
        names = [name for name, _ in cohort.columns]
        person = names.index("person_id") if "person_id" in names else None
        accession = names.index("accession_id") if "accession_id" in names else None

        def goes(row: list[Any]) -> bool:
            return (person is not None and row[person] in persons) or (
                accession is not None and row[accession] in theirs
            )

        kept = [row for row in cohort.rows if not goes(row)]
        if len(kept) == len(cohort.rows):
            return None
        lost = frozenset(str(row[accession]) for row in cohort.rows if goes(row)) if accession is not None else theirs
        before = self.sha256(project_id)
        after = self._put(project_id, cohort.columns, kept)
        with self._store.transaction() as db:
            gone = [(str(project_id), a) for a in lost]
            db.executemany("DELETE FROM cohort_owners WHERE project_id = ? AND accession_id = ?", gone)
            if before is not None:
                shrink = Shrink(project_id=project_id, before_sha256=before, after_sha256=after, at=datetime.now(UTC))
                db.execute(
                    "INSERT INTO cohort_shrinks (project_id, record, signature) VALUES (?, ?, ?)",
                    (str(project_id), shrink.model_dump_json(), self._key.sign(shrink)),
                )
        return Removed(project_id, len(cohort.rows) - len(kept), lost)

    def shrunk_at(self, project_id: UUID) -> list[datetime]:
        """When people were taken out."""
        rows = self._store.all("SELECT record FROM cohort_shrinks WHERE project_id = ? ORDER BY seq", str(project_id))
        return [Shrink.model_validate_json(row["record"]).at for row in rows]


def _rows_sha256(columns: str, rows: str) -> str:
    return hashlib.sha256(f"{columns}\n{rows}".encode()).hexdigest()
