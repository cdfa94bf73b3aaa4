"""Expected failures at a trust. `code` is stable; `public` holds no patient value and may leave."""

from typing import ClassVar


class TrustError(Exception):
    code: ClassVar[str] = "trust_error"
    status: ClassVar[int] = 400

    def __init__(self, public: str):
        self.public = public
        super().__init__(public)


class NotEnrolled(TrustError):
    code = "not_enrolled"


class SettingsInvalid(TrustError):
    """A setting is missing or wrong; each is named, with what it is for."""

    code = "settings_invalid"


class CaUnreadable(TrustError):
    """The hub's CA certificate cannot be read; `FLIP_TRUST_HUB_CA_FILE` has to name a PEM file."""

    code = "ca_unreadable"


class ProjectUnknown(TrustError):
    code, status = "project_unknown", 404


class DecisionImpossible(TrustError):
    code, status = "decision_impossible", 409


class CohortTooSmall(TrustError):
    code, status = "cohort_too_small", 403


class NotApproved(TrustError):
    code, status = "not_approved", 403


class ProjectNotApproved(NotApproved):
    """The same, as the hub is told it when a run asks."""

    code = "project_not_approved"


class FrozenCohortChanged(NotApproved):
    """The frozen cohort is not the one that was approved. The trust's staff withdraw it and approve it again."""

    code, status = "frozen_cohort_changed", 403


class PolicyInvalid(TrustError):
    """The trust's policy file cannot be read, so nothing new is allowed there until its staff have mended it."""

    code, status = "policy_invalid", 409


class DecideAtTheHospital(TrustError):
    """This trust's policy lets nobody decide through the hub. Its staff decide at the hospital."""

    code, status = "decide_at_the_hospital", 403


class RunsNotAllowed(TrustError):
    """This trust's policy lets it take part in no run at present."""

    code, status = "runs_not_allowed", 403


class CodeNotApproved(TrustError):
    """This trust's staff look at every app before it runs there, and have not approved this one yet."""

    code, status = "code_not_approved", 403


class CodeUnknown(TrustError):
    code, status = "code_unknown", 404


class CodeNotAsAnnounced(TrustError):
    """The bundle that the hub gave for review does not have the hash that it announced."""

    code, status = "code_not_as_announced", 409


class ManifestTooOld(TrustError):
    """The run manifest was signed too long ago, or in the future. Start the run again; check the hub's clock."""

    code, status = "manifest_too_old", 409


class ManifestReplayed(TrustError):
    """A run id is good for one app and cohort. Start a new run."""

    code, status = "manifest_replayed", 409


class PeopleRemoved(TrustError):
    """People were removed from the frozen cohort while the run was on. Start the run again to go on without them."""

    code, status = "people_removed", 409


class OptOutFileInvalid(TrustError):
    code, status = "optout_file_invalid", 422


class ManifestInvalid(TrustError):
    code = "manifest_signature_invalid"


class NotInvited(TrustError):
    code = "trust_not_in_manifest"


class CohortChanged(TrustError):
    code = "cohort_changed"


class RunUnknown(TrustError):
    code, status = "run_unknown", 404


class NodeFailed(TrustError):
    code = "supernode_failed"


class StagedFilesTooLarge(TrustError):
    code = "staged_files_too_large"


class StagedPickleRefused(TrustError):
    code = "staged_pickle_refused"


class StagedFileUnavailable(TrustError):
    code = "staged_file_unavailable"


class StagedFileWrong(TrustError):
    code = "staged_file_wrong"


class SandboxTooLow(TrustError):
    code = "sandbox_below_policy"


class GpuSlotsTaken(TrustError):
    code = "gpu_slots_taken"


class TokenRefused(TrustError):
    code, status = "token_refused", 401


class QueryMismatch(TrustError):
    code, status = "cohort_query_mismatch", 409


class AccessionNotInCohort(TrustError):
    code, status = "accession_not_found", 404


class MetricRefused(TrustError):
    code, status = "metric_refused", 422


class TooManyColumns(TrustError):
    code = "too_many_columns"


class QueryTooClose(TrustError):
    code = "query_too_close"


class QueryBudgetSpent(TrustError):
    code = "query_budget_spent"


class EpsilonSpent(TrustError):
    code = "epsilon_spent"


class HubUnreachable(Exception):
    """The hub does not answer; everything waits in the outbox."""


class HubRefused(Exception):
    """The hub answered with a problem."""

    def __init__(self, status: int, code: str, message: str):
        self.status, self.code, self.message = status, code, message
        super().__init__(code)
