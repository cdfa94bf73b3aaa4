"""The trust decides. Approval freezes the cohort; every use checks the approval again."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from flip_contracts.messages import DecisionMessage, ProjectDecision
from flip_contracts.sql_guard import SqlRefused
from flip_contracts.statuses import Decision
from flip_trust.errors import (
    CohortTooSmall,
    DecisionImpossible,
    NotApproved,
    NotEnrolled,
    ProjectNotApproved,
    ProjectUnknown,
)
from flip_trust.keys import TrustKey
from flip_trust.sql.engine import Engine, EngineFailed
from flip_trust.store import ProjectRow, Store

MAX_EXPIRY_DAYS = 3650


class Approvals:
    def __init__(self, store: Store, key: TrustKey, engine: Engine, threshold: int):
        self._store, self._key, self._engine, self._threshold = store, key, engine, threshold

    def approve(
        self, project_id: UUID, conditions: str = "", expires_days: int | None = None, decided_by: str = ""
    ) -> int:
        """Freeze the cohort and say yes to exactly it. Returns the number of persons, which stays here."""
        if expires_days is not None and not 1 <= expires_days <= MAX_EXPIRY_DAYS:
            raise DecisionImpossible(f"An approval holds between 1 and {MAX_EXPIRY_DAYS} days.")
        project = self._need(project_id)
        if project.decision == Decision.APPROVED:
            raise DecisionImpossible("This project is approved already.")
        try:
            checked = self._engine.check(project.review.sql)
            persons = self._engine.summary(checked).persons
            if persons < self._threshold:
                raise CohortTooSmall(f"The cohort has fewer than {self._threshold} persons here; it is not approved.")
            cohort = self._engine.rows(checked)
        except SqlRefused as refusal:
            raise DecisionImpossible(f"The cohort query is refused: {refusal.message}") from None
        except EngineFailed as failure:
            raise DecisionImpossible(failure.message) from None
        if project.review.imaging and "accession_id" not in [name for name, _ in cohort.columns]:
            raise DecisionImpossible("An imaging project's query must select accession_id.")
        at = datetime.now(UTC)
        expires = at + timedelta(days=expires_days) if expires_days is not None else None
        with self._store.transaction():
            self._store.put_cohort(project_id, cohort.columns, cohort.rows, at.isoformat())
            self._decide(project, Decision.APPROVED, at, decided_by, conditions, expires)
        return persons

    def decline(self, project_id: UUID, decided_by: str = "") -> None:
        project = self._need(project_id)
        if project.decision != Decision.PENDING:
            raise DecisionImpossible(f"This project is {project.decision} already; withdraw an approval instead.")
        self._decide(project, Decision.DECLINED, datetime.now(UTC), decided_by)

    def withdraw(self, project_id: UUID, decided_by: str = "") -> None:
        project = self._need(project_id)
        if project.decision != Decision.APPROVED:
            raise DecisionImpossible("Only an approved project can be withdrawn.")
        self._decide(project, Decision.WITHDRAWN, datetime.now(UTC), decided_by)

    def _decide(
        self,
        project: ProjectRow,
        decision: Decision,
        at: datetime,
        decided_by: str,
        conditions: str = "",
        expires_at: datetime | None = None,
    ) -> None:
        name = self._store.identity().get("name")
        if name is None:
            raise NotEnrolled("This trust is not enrolled. Run `flip-trust enrol` first.")
        made = ProjectDecision(
            project_id=project.review.project_id,
            query_id=project.review.query_id,
            trust=name,
            decision=decision,
            sql_sha256=sql_sha256(project),
            decided_at=at,
            expires_at=expires_at,
            conditions=conditions,
            decided_by=decided_by,
        )
        signature = self._key.sign(made)
        message = DecisionMessage(id=uuid4(), decision=made, signature=signature)
        with self._store.transaction():
            self._store.put_decision(made, signature)
            self._store.put_message(message.id, message.model_dump_json())

    def valid(self, project_id: UUID) -> ProjectRow:
        """The project, if its approval holds now: signed by us, not expired, about this very query."""
        project = self._store.project(project_id)
        made = project.signed if project else None
        holds = (
            project is not None
            and made is not None
            and project.decision == made.decision == Decision.APPROVED
            and self._key.verifies(made, project.signature, made.decided_at)
            and made.project_id == project_id
            and made.query_id == project.review.query_id
            and made.sql_sha256 == sql_sha256(project)
            and (made.expires_at is None or made.expires_at > datetime.now(UTC))
        )
        if not holds or project is None:
            raise NotApproved("This trust has not approved the project, or its approval has ended.")
        return project

    def valid_for_run(self, project_id: UUID) -> ProjectRow:
        try:
            return self.valid(project_id)
        except NotApproved as refusal:
            raise ProjectNotApproved(refusal.public) from None

    def _need(self, project_id: UUID) -> ProjectRow:
        project = self._store.project(project_id)
        if project is None:
            raise ProjectUnknown("This trust was not asked about such a project. `flip-trust projects` lists them.")
        return project


def sql_sha256(project: ProjectRow) -> str:
    return hashlib.sha256(project.review.sql.encode()).hexdigest()
