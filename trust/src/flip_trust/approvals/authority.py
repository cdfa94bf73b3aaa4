"""May this run go on here? The same answer when it asks to join, when its SuperNode starts, and while it is on."""

from datetime import UTC, datetime, timedelta

from flip_contracts.manifest import RunManifest
from flip_trust.approvals.service import Approvals
from flip_trust.code_reviews.service import CodeReviews
from flip_trust.errors import CohortChanged, ManifestTooOld, PeopleRemoved, RunsNotAllowed, TrustError
from flip_trust.policy.file import PolicyFile
from flip_trust.policy.schema import TrustPolicy
from flip_trust.store import ProjectRow, RunRow

CLOCKS_APART = timedelta(minutes=5)


class Authority:
    def __init__(self, policy: PolicyFile, approvals: Approvals, code: CodeReviews):
        self._policy, self._approvals, self._code = policy, approvals, code

    def demand(self, manifest: RunManifest) -> ProjectRow:
        """For a run that is to begin here. Raises a `TrustError` that says why not."""
        return self._demand(manifest, self._policy.current)

    def demand_fresh(self, manifest: RunManifest) -> None:
        """Raises `ManifestTooOld` for one that was kept to be sent later."""
        hours = self._policy.current.runs.manifest_hours
        age = datetime.now(UTC) - (
            manifest.issued_at if manifest.issued_at.tzinfo else datetime.min.replace(tzinfo=UTC)
        )
        if not -CLOCKS_APART <= age <= timedelta(hours=hours):
            raise ManifestTooOld(
                f"The run manifest was not signed within the last {hours} hours by this trust's clock. "
                "Start the run again; if that does not help, compare the clocks of hub and trust."
            )

    def why_not_any_more(self, run: RunRow) -> TrustError | None:
        """For a run that is on; None if it may go on."""
        try:
            project = self._demand(run.manifest, self._policy.last_good)
        except TrustError as refusal:
            return refusal
        now = self._approvals.frozen.sha256(project.review.project_id)
        if run.cohort_sha256 and run.cohort_sha256 != now:
            return PeopleRemoved(
                "The cohort at this trust has changed since the run began, so the trust has left the run. "
                "Start it again to go on without the people who were removed."
            )
        return None

    def _demand(self, manifest: RunManifest, policy: TrustPolicy) -> ProjectRow:
        if not policy.runs.allowed:
            raise RunsNotAllowed("This trust's policy lets it take part in no run at present. Ask its staff.")
        project = self._approvals.valid_for_run(manifest.project_id)
        if project.review.query_id != manifest.query_id or not self._approvals.frozen.exists(manifest.project_id):
            raise CohortChanged("The run is about another cohort than the one this trust approved.")
        if policy.code.review == "manual":
            self._code.demand(manifest)
        return project

    def limited(self, manifest: RunManifest) -> RunManifest:
        """With the limits of this trust's policy, where they are lower."""
        own, asked = self._policy.current.runs, manifest.limits
        lower = {name: min(getattr(asked, name), getattr(own, name)) for name in type(asked).model_fields}
        return manifest.model_copy(update={"limits": asked.model_copy(update=lower)})
