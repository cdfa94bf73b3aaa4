"""Apps that wait for the trust's staff: stored by the hash of their FAB, looked at, approved or declined.

A decision is about the bundle and the files beside it together: weights that are pickles are code, too.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from flip_contracts.app_check import Finding, check_app
from flip_contracts.content import StagedFile, sha256_of_all
from flip_contracts.manifest import RunManifest
from flip_contracts.messages import CodeDecision, CodeDecisionMessage
from flip_contracts.statuses import Decision
from flip_contracts.tasks import ReviewCode
from flip_trust.code_reviews.bundle import changes, files_of
from flip_trust.errors import CodeNotApproved, CodeNotAsAnnounced, CodeUnknown, DecisionImpossible, NotEnrolled
from flip_trust.keys import TrustKey
from flip_trust.policy.file import PolicyFile
from flip_trust.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS code_reviews (
  project_id TEXT NOT NULL, fab_sha256 TEXT NOT NULL, review TEXT NOT NULL, fab BLOB NOT NULL, findings TEXT NOT NULL,
  asked_at TEXT NOT NULL, PRIMARY KEY (project_id, fab_sha256)
);
CREATE TABLE IF NOT EXISTS code_decisions (
  seq INTEGER PRIMARY KEY, project_id TEXT NOT NULL, fab_sha256 TEXT NOT NULL, signed TEXT NOT NULL,
  signature TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class CodeReview:
    """`decision`: what counts now. `approved_by`: logins so far; `wanted`: how many the policy wants.

    `staged`: the files beside the bundle.
    """

    project_id: UUID
    model_id: UUID
    model_name: str
    fab_sha256: str
    staged: tuple[StagedFile, ...]
    asked_at: datetime
    decision: Decision
    approved_by: tuple[str, ...]
    declined_by: str
    wanted: int

    @property
    def files_sha256(self) -> str:
        return sha256_of_all(self.staged)


@dataclass(frozen=True)
class AppToReview:
    """Everything to look at. `diff`: since the last approved app of this model, else of this project; else all is new.

    `before_sha256`: of that app, or None.
    """

    review: CodeReview
    files: dict[str, bytes]
    findings: list[Finding]
    before_sha256: str | None
    diff: list[str]


class CodeReviews:
    def __init__(self, store: Store, key: TrustKey, policy: PolicyFile):
        self._store, self._key, self._policy = store, key, policy
        with store.transaction() as db:
            for statement in SCHEMA.split(";"):
                db.execute(statement)

    # --- what the hub asks ---
    def has(self, asked: ReviewCode) -> bool:
        row = self._row(asked.project_id, asked.fab_sha256)
        return row is not None and sha256_of_all(_asked(row).files) == sha256_of_all(asked.files)

    def put(self, asked: ReviewCode, fab: bytes) -> None:
        """In place of the same bundle with other files. Raises `CodeNotAsAnnounced` for other bytes than the hash's."""
        if hashlib.sha256(fab).hexdigest() != asked.fab_sha256:
            raise CodeNotAsAnnounced("The bundle does not have the hash that the hub announced; it was not kept.")
        found = [finding.model_dump(mode="json") for finding in check_app(files_of(fab), 0)]
        with self._store.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO code_reviews VALUES (?, ?, ?, ?, ?, ?)",
                (
                    str(asked.project_id),
                    asked.fab_sha256,
                    asked.model_dump_json(),
                    fab,
                    json.dumps(found),
                    datetime.now(UTC).isoformat(),
                ),
            )

    def demand(self, manifest: RunManifest) -> None:
        """Raises `CodeNotApproved` unless as many people as the policy wants have approved exactly this bundle, with
        exactly these files beside it."""
        row = self._row(manifest.project_id, manifest.fab_sha256)
        decision = self._standing(manifest.project_id, manifest.fab_sha256, sha256_of_all(manifest.files))[0]
        if row is None or decision is not Decision.APPROVED:
            said = "has been declined by" if decision is Decision.DECLINED else "waits for a review by"
            raise CodeNotApproved(f"The app {said} this trust's staff, who look at each app before it runs.")

    # --- what the staff see ---
    def reviews(self, project_id: UUID | None = None) -> list[CodeReview]:
        """Of this project, or of all, the newest first."""
        rows = self._store.all(
            "SELECT project_id, fab_sha256, review, asked_at FROM code_reviews WHERE ? IN ('', project_id)"
            " ORDER BY asked_at DESC, rowid DESC",
            str(project_id or ""),
        )
        return [self._review(row) for row in rows]

    def app(self, project_id: UUID, fab_sha256: str) -> AppToReview:
        row = self._need(project_id, fab_sha256)
        review, files = self._review(row), files_of(row["fab"])
        before = self._last_approved(review)
        old = files_of(self._need(project_id, before)["fab"]) if before else {}
        findings = [Finding.model_validate(finding) for finding in json.loads(row["findings"])]
        return AppToReview(review, files, findings, before, list(changes(old, files)))

    def find(self, beginning: str) -> CodeReview:
        """By the first characters of a bundle's hash, at least 8."""
        found = [r for r in self.reviews() if r.fab_sha256.startswith(beginning)] if len(beginning) >= 8 else []
        if len(found) != 1:
            said = "No app" if not found else "More than one app"
            raise CodeUnknown(
                f"{said} that waits or waited here has a hash beginning so. `flip-trust code list` shows all."
            )
        return found[0]

    # --- what they decide ---
    def approve(
        self, project_id: UUID, fab_sha256: str, decided_by: str, files_sha256: str | None = None
    ) -> CodeReview:
        """One person's yes. With two wanted, the second has to be another person.

        `files_sha256`: of the files that this person has seen, where that is known.
        """
        review = self._review(self._need(project_id, fab_sha256))
        if files_sha256 not in (None, review.files_sha256):
            raise DecisionImpossible("The app came again with other files while you looked. Look at it once more.")
        if not decided_by.strip():
            raise DecisionImpossible("An app is approved by somebody: say who.")
        if review.decision is Decision.APPROVED:
            raise DecisionImpossible("This app is approved already.")
        if decided_by in review.approved_by and review.decision is Decision.PENDING:
            raise DecisionImpossible("You have approved this app already; the policy wants a second person.")
        return self._decide(review, Decision.APPROVED, decided_by)

    def decline(self, project_id: UUID, fab_sha256: str, decided_by: str) -> CodeReview:
        """Also takes an approval back: a run of this app ends here."""
        self._need(project_id, fab_sha256)
        review = self._review(self._need(project_id, fab_sha256))
        if review.decision is Decision.DECLINED:
            raise DecisionImpossible("This app is declined already.")
        return self._decide(review, Decision.DECLINED, decided_by)

    def _decide(self, review: CodeReview, decision: Decision, decided_by: str) -> CodeReview:
        """About what `review` says, whatever the hub has given since."""
        name = self._store.identity().get("name")
        if name is None:
            raise NotEnrolled("This trust is not enrolled. Run `flip-trust enrol` first.")
        made = CodeDecision(
            project_id=review.project_id,
            model_id=review.model_id,
            trust=name,
            fab_sha256=review.fab_sha256,
            files_sha256=review.files_sha256,
            decision=decision,
            decided_at=datetime.now(UTC),
            decided_by=decided_by,
        )
        signature = self._key.sign(made)
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO code_decisions (project_id, fab_sha256, signed, signature) VALUES (?, ?, ?, ?)",
                (str(review.project_id), review.fab_sha256, made.model_dump_json(), signature),
            )
            now = self._standing(review.project_id, review.fab_sha256, review.files_sha256)[0]
            if now is not Decision.PENDING:  # the hub need not know that one of two has looked
                message = CodeDecisionMessage(id=uuid4(), decision=made, signature=signature)
                self._store.put_message(message.id, message.model_dump_json())
        self._store.touch()
        return self._review(self._need(review.project_id, review.fab_sha256))

    # --- how it stands ---
    def _standing(self, project_id: UUID, fab_sha256: str, files_sha256: str) -> tuple[Decision, tuple[str, ...], str]:
        """By the signed decisions alone: what counts, who approved since the last no, and who said that."""
        rows = self._store.all(
            "SELECT signed, signature FROM code_decisions WHERE project_id = ? AND fab_sha256 = ? ORDER BY seq",
            str(project_id),
            fab_sha256,
        )
        approved: list[str] = []
        declined = ""
        for row in rows:
            made = CodeDecision.model_validate_json(row["signed"])
            about = made.project_id, made.fab_sha256, made.files_sha256
            if about != (project_id, fab_sha256, files_sha256):
                continue
            if not self._key.verifies(made, row["signature"], made.decided_at):
                continue
            if made.decision is Decision.APPROVED:
                approved.append(made.decided_by)
                declined = ""
            else:
                approved, declined = [], made.decided_by
        if declined:
            return Decision.DECLINED, (), declined
        enough = len(set(approved)) >= self._policy.last_good.code.reviewers
        return Decision.APPROVED if enough else Decision.PENDING, tuple(dict.fromkeys(approved)), ""

    def _review(self, row: Any) -> CodeReview:
        asked = _asked(row)
        standing = self._standing(asked.project_id, asked.fab_sha256, sha256_of_all(asked.files))
        decision, approved_by, declined_by = standing
        return CodeReview(
            asked.project_id,
            asked.model_id,
            asked.model_name,
            asked.fab_sha256,
            tuple(asked.files),
            datetime.fromisoformat(row["asked_at"]),
            decision,
            approved_by,
            declined_by,
            self._policy.last_good.code.reviewers,
        )

    def _last_approved(self, review: CodeReview) -> str | None:
        others = [r for r in self.reviews(review.project_id) if r.fab_sha256 != review.fab_sha256]
        approved = [r for r in others if r.decision is Decision.APPROVED]
        same_model = [r for r in approved if r.model_id == review.model_id]
        return next((r.fab_sha256 for r in (*same_model, *approved)), None)

    def _row(self, project_id: UUID, fab_sha256: str) -> Any:
        return self._store.one(
            "SELECT * FROM code_reviews WHERE project_id = ? AND fab_sha256 = ?", str(project_id), fab_sha256
        )

    def _need(self, project_id: UUID, fab_sha256: str) -> Any:
        row = self._row(project_id, fab_sha256)
        if row is None:
            raise CodeUnknown("This trust has no such app to look at. `flip-trust code list` shows those that it has.")
        return row


def _asked(row: Any) -> ReviewCode:
    return ReviewCode.model_validate_json(row["review"])
