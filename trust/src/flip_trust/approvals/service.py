"""The trust decides. Approval freezes the cohort; every use checks the approval again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from flip_contracts.messages import DecisionMessage, ProjectDecision
from flip_contracts.sql_guard import CheckedQuery, SqlRefused
from flip_contracts.statuses import Decision
from flip_trust.approvals.frozen import CHANGED, FrozenCohorts
from flip_trust.errors import (
    CohortTooSmall,
    DecisionImpossible,
    FrozenCohortChanged,
    NotApproved,
    NotEnrolled,
    PolicyInvalid,
    ProjectNotApproved,
    ProjectUnknown,
)
from flip_trust.keys import TrustKey
from flip_trust.policy.file import PolicyFile
from flip_trust.sql.engine import Engine, EngineFailed, Rows
from flip_trust.store import ProjectRow, Store

MAX_EXPIRY_DAYS = 3650
OWNERS = (
    "SELECT DISTINCT a.accession_id, i.person_id FROM accessions AS a "
    "JOIN omop.image_occurrence AS i ON i.accession_id = a.accession_id"
)


@dataclass(frozen=True)
class PastDecision:
    """`persons`: of the cohort when it was approved; stays here. `at_hub`: the trust's admin asked through the hub."""

    decision: ProjectDecision
    persons: int | None
    at_hub: bool


class Approvals:
    def __init__(self, store: Store, key: TrustKey, engine: Engine, policy: PolicyFile):
        self._store, self._key, self._engine, self._policy = store, key, engine, policy
        self.frozen = FrozenCohorts(store, key)

    def approve(
        self,
        project_id: UUID,
        conditions: str = "",
        expires_days: int | None = None,
        decided_by: str = "",
        *,
        at_hub: bool = False,
    ) -> int:
        """Freeze the cohort and say yes to exactly it. Returns the number of persons, which stays here."""
        days = self._days(expires_days)
        project = self._need(project_id)
        if project.decision == Decision.APPROVED:
            raise DecisionImpossible("This project is approved already. `renew` changes conditions and expiry.")
        try:
            checked = self._engine.check(project.review.sql)
            persons = self._engine.summary(checked).persons
            threshold = self._policy.current.disclosure.threshold
            if persons < threshold:
                raise CohortTooSmall(f"The cohort has fewer than {threshold} persons here; it is not approved.")
            cohort = self._engine.rows(checked)
            owners = self._owners(checked, cohort)
        except SqlRefused as refusal:
            raise DecisionImpossible(f"The cohort query is refused: {refusal.message}") from None
        except EngineFailed as failure:
            raise DecisionImpossible(failure.message) from None
        if project.review.imaging and "accession_id" not in [name for name, _ in cohort.columns]:
            raise DecisionImpossible("An imaging project's query must select accession_id.")
        with self._store.transaction():
            sha256 = self.frozen.freeze(project_id, cohort.columns, cohort.rows, owners)
            self._decide(
                project,
                Decision.APPROVED,
                decided_by,
                conditions=conditions,
                days=days,
                cohort_sha256=sha256,
                persons=persons,
                at_hub=at_hub,
            )
        return persons

    def renew(
        self,
        project_id: UUID,
        conditions: str | None = None,
        expires_days: int | None = None,
        decided_by: str = "",
        *,
        at_hub: bool = False,
    ) -> None:
        """Approve the same frozen cohort for longer, also after the approval has expired. It is not read again."""
        days = self._days(expires_days)
        project = self._need(project_id)
        made = project.signed
        if made is None or not self._is_ours(project):
            raise DecisionImpossible("Only an approval can be renewed, also one that has expired. Approve it instead.")
        sha256 = self.frozen.sha256(project_id)
        if sha256 is None or sha256 != (self.frozen.expected(project) or sha256):
            raise FrozenCohortChanged(CHANGED)
        self.frozen.rows(project)  # what is stored is what was signed
        self._decide(
            project,
            Decision.APPROVED,
            decided_by,
            conditions=made.conditions if conditions is None else conditions,
            days=days,
            cohort_sha256=sha256,
            at_hub=at_hub,
        )

    def decline(self, project_id: UUID, decided_by: str = "", *, at_hub: bool = False) -> None:
        project = self._need(project_id)
        if project.decision != Decision.PENDING:
            raise DecisionImpossible(f"This project is {project.decision} already; withdraw an approval instead.")
        self._decide(project, Decision.DECLINED, decided_by, at_hub=at_hub)

    def withdraw(self, project_id: UUID, decided_by: str = "", *, at_hub: bool = False) -> None:
        project = self._need(project_id)
        if project.decision != Decision.APPROVED:
            raise DecisionImpossible("Only an approved project can be withdrawn.")
        self._decide(project, Decision.WITHDRAWN, decided_by, at_hub=at_hub)

    def _days(self, asked: int | None) -> int | None:
        longest = self._policy.current.decisions.longest_days
        if asked is not None and not 1 <= asked <= MAX_EXPIRY_DAYS:
            raise DecisionImpossible(f"An approval holds between 1 and {MAX_EXPIRY_DAYS} days.")
        if asked is not None and longest is not None and asked > longest:
            raise DecisionImpossible(f"This trust's policy lets an approval hold {longest} days at most.")
        return asked or longest

    def _owners(self, checked: CheckedQuery, cohort: Rows) -> dict[str, list[int]]:
        """Whose each accession is, so that people can be taken out later without asking the database again."""
        if "accession_id" not in [name for name, _ in cohort.columns]:
            return {}
        owners: dict[str, list[int]] = {}
        for accession, person in self._engine.aggregate(checked, {"owners": OWNERS})["owners"]:
            if accession is not None and person is not None:
                owners.setdefault(str(accession), []).append(int(person))
        return owners

    def _decide(
        self,
        project: ProjectRow,
        decision: Decision,
        decided_by: str,
        *,
        conditions: str = "",
        days: int | None = None,
        cohort_sha256: str | None = None,
        persons: int | None = None,
        at_hub: bool = False,
    ) -> None:
        name = self._store.identity().get("name")
        if name is None:
            raise NotEnrolled("This trust is not enrolled. Run `flip-trust enrol` first.")
        at = datetime.now(UTC)
        made = ProjectDecision(
            project_id=project.review.project_id,
            query_id=project.review.query_id,
            trust=name,
            decision=decision,
            sql_sha256=sql_sha256(project),
            decided_at=at,
            expires_at=at + timedelta(days=days) if days is not None else None,
            conditions=conditions,
            decided_by=decided_by,
            cohort_sha256=cohort_sha256,
        )
        signature = self._key.sign(made)
        message = DecisionMessage(id=uuid4(), decision=made, signature=signature)
        with self._store.transaction():
            self._store.put_decision(made, signature, persons, at_hub)
            self._store.put_message(message.id, message.model_dump_json())
        self._store.touch()

    def history(self, project_id: UUID | None = None) -> Sequence[PastDecision]:
        """Every decision of this project, or of all, the oldest first."""
        rows = self._store.all(
            "SELECT * FROM decisions WHERE ? IN ('', project_id) ORDER BY seq", str(project_id or "")
        )
        return [
            PastDecision(ProjectDecision.model_validate_json(r["signed"]), r["persons"], bool(r["at_hub"]))
            for r in rows
        ]

    def valid(self, project_id: UUID) -> ProjectRow:
        """The project, if its approval holds now: signed by us, not expired, about this very query."""
        project = self._store.project(project_id)
        asked = project is not None and project.review.project_id == project_id
        if project is None or not asked or not self._is_ours(project) or self.has_expired(project):
            raise NotApproved("This trust has not approved the project, or its approval has ended.")
        return project

    def _is_ours(self, project: ProjectRow) -> bool:
        """An approval that this trust signed, about this very project and query; it may have expired."""
        made = project.signed
        return (
            made is not None
            and project.decision == made.decision == Decision.APPROVED
            and self._key.verifies(made, project.signature, made.decided_at)
            and made.project_id == project.review.project_id
            and made.query_id == project.review.query_id
            and made.sql_sha256 == sql_sha256(project)
        )

    def has_expired(self, project: ProjectRow) -> bool:
        ends = self.ends_at(project)
        return ends is not None and ends <= datetime.now(UTC)

    def ends_at(self, project: ProjectRow) -> datetime | None:
        """When the approval ends: as signed, or sooner where the policy has become stricter since."""
        made = project.signed
        if made is None or made.decision != Decision.APPROVED:
            return None
        try:
            longest = self._policy.last_good.decisions.longest_days
        except PolicyInvalid:  # none was good since the start, and then nothing runs
            longest = None
        latest = made.decided_at + timedelta(days=longest) if longest is not None else None
        return min((end for end in (made.expires_at, latest) if end is not None), default=None)

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
