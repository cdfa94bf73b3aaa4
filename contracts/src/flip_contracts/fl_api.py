"""What hub and FL API say to each other. The hub calls; the FL API never dials it and holds none of its credentials."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from flip_contracts.content import StagedFile
from flip_contracts.sandbox import SandboxReport
from flip_contracts.wire import Sha256, TrustName, Wire

RunConfig = dict[str, str | int | float | bool]


class OnCrash(StrEnum):
    """What becomes of a run whose ServerApp, SuperLink or machine died."""

    RESUME = "resume"  # from the last finished round; an app that cannot be resumed fails
    RESTART = "restart"  # from round 1, as if nothing had been
    FAIL = "fail"


class RoundPolicy(Wire):
    """How a round goes on when trusts are slow or lost.

    `drop`: it goes on without a trust whose node was lost, which takes part again from the next round after it is back.
    `wait`: a lost trust is waited for, and gets its message again. `minimum`: as `drop`; and once `seconds` have
    passed, the round ends with the replies that are there, if they are `minimum` or more. In all of them a round that
    has lost every trust waits for one, and the app's own timeout ends a round. `empty_rounds` in a row without any
    result fail the run.
    """

    kind: Literal["drop", "wait", "minimum"] = "drop"
    seconds: Annotated[float, Field(ge=1)] | None = None
    minimum: Annotated[int, Field(ge=1)] = 1
    rejoin_seconds: Annotated[float, Field(ge=1)] = 600.0
    empty_rounds: Annotated[int, Field(ge=1)] = 1


class RunSpec(Wire):
    """`PUT /v1/runs/{run_id}`: form field `spec` with this JSON, form file `app` with a zip of the app's files.

    `files`: what the ServerApp reads beside the FAB; those that `RunPrepared.missing_files` names follow by
    `PUT /v1/runs/{run_id}/files/{sha256}`, bytes as body.
    """

    model_id: UUID
    project_id: UUID
    cohort_query: str
    run_config: RunConfig = {}  # overrides chosen at Initiate Training; undeclared keys are refused
    trust_count: int
    on_crash: OnCrash = OnCrash.RESUME
    round_policy: RoundPolicy = RoundPolicy()
    files: list[StagedFile] = []


class RunPrepared(Wire):
    fab_sha256: Sha256
    fab_bytes: int
    notices: list[str] = []  # FLIP keys that were added, files that were left out and why
    missing_files: list[Sha256] = []  # contents that this net does not have yet


class NodeSpec(Wire):
    """`POST /v1/runs/{run_id}/nodes`: register a trust's key in this run's federation. Idempotent by trust."""

    trust: TrustName
    public_key: str


class NodeView(Wire):
    trust: TrustName
    node_id: str  # uint64 as text: it overflows BIGINT and JavaScript numbers
    online: bool


class FlRunState(StrEnum):
    PREPARED = "prepared"
    RUNNING = "running"
    FINISHED = "finished"


class FlRunView(Wire):
    run_id: UUID
    state: FlRunState
    nodes: list[NodeView]


class EventKind(StrEnum):
    """Events of a net, in order, durable. `GET /v1/events?after=SEQ&wait=SECONDS`."""

    RUN_STARTED = "run_started"  # {} the ServerApp process is up
    APP_STATUS = "app_status"  # {"status": ModelStatus}
    METRIC = "metric"  # {"points": [MetricPoint]} sent by the ServerApp
    TRAIN_SENT = "train_sent"  # {"round": int, "nodes": int}
    ROUND_DONE = (
        "round_done"  # {"round": int, "phase": "train"|"evaluate", "results": int, "failures": int, "errors": [str]}
    )
    EXCHANGES = "exchanges"  # {"aggregated_at": float, "trusts": [Exchange]}
    ATTEMPT = "attempt"  # {"attempt": int, "after_round": int, "why": str}: it goes on after a crash; 0: from its start
    LOG = "log"  # {"lines": [str]} ServerApp output
    NOTICE = "notice"  # {"text": str} what the platform changed or noticed
    APP_EXCEPTION = "app_exception"  # {"error_class": str, "text": str} send_handled_exception
    RUN_FINISHED = "run_finished"  # RunFinished


class Exchange(Wire):
    """One message to one trust's ClientApp and its reply, as the ServerApp's side saw it. Times: seconds since 1970."""

    trust: TrustName
    round: int
    phase: str  # Flower's message type: train, evaluate, query, …
    queued_at: float
    sent_bytes: int
    replied_at: float | None = None  # None: no answer while the round lasted
    reply_bytes: int = 0
    error: str = ""  # class and place of a ClientApp's failure


class FlEvent(Wire):
    seq: int
    run_id: UUID
    at: datetime
    kind: EventKind
    payload: dict[str, Any]


class EventsPage(Wire):
    events: list[FlEvent]
    next_after: int


class RunFinished(Wire):
    """`outcome`: succeeded, failed or stopped. `reason` is a RunReason value; `text` is for people.

    `results_sha256` is None when nothing was produced. `train_results` counts ClientApp replies over all rounds.
    """

    outcome: str
    reason: str
    text: str
    train_results: int
    results_sha256: Sha256 | None = None
    results_bytes: int = 0


class NetHealth(Wire):
    superlink_online: bool
    executor_online: bool
    flwr_version: str
    active_runs: int
    sandbox: SandboxReport | None = None
