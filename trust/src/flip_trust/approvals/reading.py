"""Everything there is to show of a project before somebody decides, for the command line and the trust's page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flip_contracts.sql_guard import SqlRefused
from flip_contracts.sql_guard.words import describe
from flip_contracts.statuses import Decision
from flip_trust.approvals.service import Approvals, PastDecision
from flip_trust.code_reviews.service import CodeReview, CodeReviews
from flip_trust.errors import FrozenCohortChanged, NotApproved, ProjectUnknown
from flip_trust.policy.file import PolicyFile
from flip_trust.sql.engine import Engine, EngineFailed
from flip_trust.store import ProjectRow, Store


@dataclass(frozen=True)
class ProjectSummary:
    """`standing`: PENDING, APPROVED, DECLINED, WITHDRAWN, or EXPIRED (approved, and over)."""

    project_id: UUID
    name: str
    owner: str
    imaging: bool
    standing: str
    decided_by: str
    decided_at: datetime | None
    expires_at: datetime | None
    open_runs: int
    code_waiting: int


@dataclass(frozen=True)
class SizeHere:
    """Exact and unsuppressed: it stays here."""

    persons: int
    accessions: int


@dataclass(frozen=True)
class Frozen:
    """The cohort as it is served. `intact`: it is the one that was signed. `shrunk_at`: when people were taken out."""

    rows: int
    persons: int | None
    accessions: int
    intact: bool
    shrunk_at: tuple[datetime, ...]


@dataclass(frozen=True)
class ProjectDetails:
    """`words`: the query in plain English, lines indented by two spaces a level. `columns`: what apps get.

    `size`: of the query now; None where it cannot be asked, and `why_no_size` says why. `problem`: the guard's refusal.
    """

    summary: ProjectSummary
    purpose: str
    dicom_to_nifti: bool
    series_rule: dict[str, Any] | None  # which image series the project wants, where it says so
    sql: str
    words: list[str]
    columns: tuple[str, ...]
    size: SizeHere | None
    why_no_size: str
    threshold: int
    conditions: str
    frozen: Frozen | None
    history: Sequence[PastDecision]
    code: list[CodeReview]


class ProjectReader:
    def __init__(self, store: Store, approvals: Approvals, code: CodeReviews, engine: Engine, policy: PolicyFile):
        self._store, self._approvals, self._code = store, approvals, code
        self._engine, self._policy = engine, policy

    def projects(self) -> list[ProjectSummary]:
        return [self._summary(project) for project in self._store.projects()]

    def project(self, project_id: UUID, with_size: bool = True) -> ProjectDetails:
        """`with_size` asks the database, which may take seconds. Raises `ProjectUnknown`."""
        project = self._store.project(project_id)
        if project is None:
            raise ProjectUnknown("This trust was not asked about such a project. `flip-trust projects` lists them.")
        review, size, why, columns = project.review, None, "not asked", tuple[str, ...]()
        try:
            checked = self._engine.check(review.sql)
            columns = checked.columns
            if with_size:
                counted = self._engine.summary(checked)
                size, why = SizeHere(counted.persons, counted.accessions), ""
        except (SqlRefused, EngineFailed) as failure:
            why = failure.message
        return ProjectDetails(
            summary=self._summary(project),
            purpose=review.purpose,
            dicom_to_nifti=review.dicom_to_nifti,
            series_rule=rule.model_dump(mode="json", exclude_defaults=True) if (rule := review.series_rule) else None,
            sql=review.sql,
            words=describe(review.sql),
            columns=columns,
            size=size,
            why_no_size=why,
            threshold=self._policy.last_good.disclosure.threshold,
            conditions=project.signed.conditions if project.signed else "",
            frozen=self._frozen(project),
            history=self._approvals.history(project_id),
            code=self._code.reviews(project_id),
        )

    def _summary(self, project: ProjectRow) -> ProjectSummary:
        made, review = project.signed, project.review
        expired = project.decision is Decision.APPROVED and self._approvals.has_expired(project)
        waiting = [c for c in self._code.reviews(review.project_id) if c.decision is Decision.PENDING]
        return ProjectSummary(
            project_id=review.project_id,
            name=review.project_name,
            owner=review.owner,
            imaging=review.imaging,
            standing="EXPIRED" if expired else str(project.decision),
            decided_by=made.decided_by if made else "",
            decided_at=made.decided_at if made else None,
            expires_at=self._approvals.ends_at(project),
            open_runs=sum(run.manifest.project_id == review.project_id for run in self._store.open_runs()),
            code_waiting=len(waiting),
        )

    def _frozen(self, project: ProjectRow) -> Frozen | None:
        cohort = self._store.cohort(project.review.project_id)
        if cohort is None:
            return None
        try:
            self._approvals.frozen.rows(project)
            intact = True
        except (FrozenCohortChanged, NotApproved):
            intact = False
        persons = {p for p in cohort.values("person_id") if p is not None}
        return Frozen(
            rows=len(cohort.rows),
            persons=len(persons) if "person_id" in [name for name, _ in cohort.columns] else None,
            accessions=len({a for a in cohort.values("accession_id") if a}),
            intact=intact,
            shrunk_at=tuple(self._approvals.frozen.shrunk_at(project.review.project_id)),
        )
