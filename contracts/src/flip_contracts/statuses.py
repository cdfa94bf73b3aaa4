"""Status machines shared by hub, trust and FL side. State drives logic; a reason code and text are for people."""

from enum import StrEnum
from typing import Final


class ModelStatus(StrEnum):
    """The seed's lifecycle of a model, as shown by the progress bar."""

    PENDING = "PENDING"
    INITIATED = "INITIATED"
    PREPARED = "PREPARED"
    TRAINING_STARTED = "TRAINING_STARTED"
    RESULTS_UPLOADED = "RESULTS_UPLOADED"
    ERROR = "ERROR"
    STOPPED = "STOPPED"


_BAR: Final = (
    ModelStatus.PENDING,
    ModelStatus.INITIATED,
    ModelStatus.PREPARED,
    ModelStatus.TRAINING_STARTED,
    ModelStatus.RESULTS_UPLOADED,
)
TERMINAL_MODEL_STATUSES: Final = frozenset({ModelStatus.RESULTS_UPLOADED, ModelStatus.ERROR, ModelStatus.STOPPED})


def next_model_status(current: ModelStatus, wanted: ModelStatus) -> ModelStatus:
    """The status after `wanted` is reported while the model is in `current`.

    Repeats are idempotent, late arrivals never move the bar back, a terminal status stays terminal.
    A new *Initiate Training* does not come this way: it resets the model to INITIATED explicitly.
    """
    if current in TERMINAL_MODEL_STATUSES:
        return current
    if wanted in (ModelStatus.ERROR, ModelStatus.STOPPED):
        return wanted
    return max(current, wanted, key=_BAR.index)


class ProjectStatus(StrEnum):
    UNSTAGED = "UNSTAGED"
    STAGED = "STAGED"
    APPROVED = "APPROVED"


class Decision(StrEnum):
    """What one trust says of one project."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"


class RunState(StrEnum):
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"


TERMINAL_RUN_STATES: Final = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED})
RUN_TRANSITIONS: Final[dict[RunState, frozenset[RunState]]] = {
    RunState.QUEUED: frozenset({RunState.STARTING, RunState.FAILED, RunState.STOPPED}),
    RunState.STARTING: frozenset({RunState.RUNNING, RunState.FAILED, RunState.STOPPED}),
    RunState.RUNNING: TERMINAL_RUN_STATES,
    RunState.SUCCEEDED: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.STOPPED: frozenset(),
}


class RunReason(StrEnum):
    """Why a run is where it is. Plays no part in the state machine."""

    WAITING_FOR_SLOT = "waiting_for_slot"
    WAITING_FOR_TRUSTS = "waiting_for_trusts"
    WAITING_FOR_CODE_REVIEW = "waiting_for_code_review"  # a trust's staff look at the app first
    COMPLETED = "completed"
    COMPLETED_UNANNOUNCED = "completed_unannounced"  # the app never said RESULTS_UPLOADED
    SERVER_APP_RAISED = "server_app_raised"
    SERVER_APP_EXITED = "server_app_exited"
    NO_CLIENT_RESULTS = "no_client_results"
    NO_TRUST_JOINED = "no_trust_joined"
    APP_REFUSED = "app_refused"
    NET_UNAVAILABLE = "net_unavailable"
    NET_SILENT = "net_silent"  # for now: the run goes on when the net is back
    CRASHED = "crashed"  # and could not go on: by the run's choice, by its app's nature, or too often in one round
    NO_PROGRESS = "no_progress"
    STOPPED_BY_USER = "stopped_by_user"
    ABORTED_BY_USER = "aborted_by_user"  # at once, without collecting results
    TOO_FEW_TRUSTS = "too_few_trusts"
    TIME_LIMIT = "time_limit"
    APPROVAL_WITHDRAWN = "approval_withdrawn"


class RunTrustState(StrEnum):
    """One trust's part in one run."""

    ASKED = "asked"
    CODE_REVIEW = "code_review"  # its staff have to look at the app first; it is asked again after that
    JOINED = "joined"  # its public key is here
    REGISTERED = "registered"  # the SuperLink knows the key; the trust may start its SuperNode
    ONLINE = "online"
    REFUSED = "refused"
    LOST = "lost"
    LEFT = "left"


class TaskState(StrEnum):
    QUEUED = "QUEUED"
    LEASED = "LEASED"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class ImagingStage(StrEnum):
    """The imaging ledger of one accession at one trust."""

    REQUESTED = "REQUESTED"
    FOUND = "FOUND"
    PULLED = "PULLED"
    DEIDENTIFIED = "DEIDENTIFIED"
    CONVERTED = "CONVERTED"
    CHECKED = "CHECKED"
    READY = "READY"
    EXCLUDED = "EXCLUDED"
