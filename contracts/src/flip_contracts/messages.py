"""Trust-to-hub messages. They go through the trust's outbox, are sent in batches and are idempotent by id."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, FiniteFloat

from flip_contracts.manifest import Net
from flip_contracts.statuses import Decision
from flip_contracts.wire import Code, Sha256, TrustName, Wire


class EnrolRequest(Wire):
    """`public_key`: base64 of the 32 raw bytes of the trust's Ed25519 key, made at the trust."""

    code: str
    public_key: str
    agent_version: str
    protocol_version: int


class EnrolResponse(Wire):
    """`token` is shown once and stored hashed at the hub. `hub_public_key`: base64 raw Ed25519."""

    trust_id: UUID
    name: TrustName
    token: str
    hub_public_key: str


class Rotation(Wire):
    """From `asked_at`, by the trust's own clock, `public_key` is this trust's; `previous_key` is no more soon after."""

    public_key: str
    asked_at: datetime
    previous_key: str = ""

    @property
    def old_until(self) -> datetime:
        """A process that decides while the keys change may still hold the old one."""
        return self.asked_at + timedelta(minutes=5)


class RotateRequest(Wire):
    """Ask for a new token, and bring a new public key if there is one.

    `signature`: base64 Ed25519 over `canonical_bytes(rotation)` by the key that the hub knows. `signature_by_new`: the
    same by the new key, which shows that it is held and vouches for the one before it.
    """

    rotation: Rotation
    signature: str
    signature_by_new: str = ""


class RotateResponse(Wire):
    """The old token is worth nothing once the new one has been used."""

    token: str


class Nets(Wire):
    """Where SuperNodes of the trust will dial: it can try the way before the first run."""

    nets: list[Net]


LONGEST_COMPONENT = 200


class HeartbeatRequest(Wire):
    """`components`: health by name, and `versions`: version by name of software (agent, python, flower, …).

    `omop` and `pacs` are `ok` or `missing`, `disk` is `ok` or `low`, `outbox` is `ok` or `refused`; `sandbox` and
    `sandbox_minimum` are levels of `SandboxLevel`, the other `sandbox_…` say what its probe found. An agent of another
    version may leave some out and have others. Never a count of patients, a name or a path.
    """

    agent_version: str
    protocol_version: int
    components: dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=LONGEST_COMPONENT)]] = {}
    versions: dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=64)]] = {}


class MessageKind(StrEnum):
    TASK_RESULT = "task_result"
    DECISION = "decision"
    IMAGING = "imaging"
    METRICS = "metrics"
    NODE_EVENT = "node_event"
    CODE_DECISION = "code_decision"


class TaskError(Wire):
    """`message` is written by us and holds no patient value; driver and tool texts are dropped at the trust."""

    code: Code
    message: Annotated[str, Field(max_length=2000)]
    position: list[int] | None = None  # [line, column] in the SQL, 1-based


class TaskResultMessage(Wire):
    kind: Literal[MessageKind.TASK_RESULT] = MessageKind.TASK_RESULT
    id: UUID
    task_id: UUID
    result: dict[str, Any] | None = None
    error: TaskError | None = None


class ProjectDecision(Wire):
    """What the trust's staff decided. Signed whole, so the hub can neither make nor change one.

    `cohort_sha256`: of the frozen cohort that an approval is about; None of older trusts and of other decisions.
    """

    project_id: UUID
    query_id: UUID
    trust: TrustName
    decision: Decision
    sql_sha256: Sha256
    decided_at: datetime
    expires_at: datetime | None = None
    conditions: str = ""
    decided_by: Annotated[str, Field(max_length=200)] = ""  # of the trust's staff; the trust says who
    cohort_sha256: Sha256 | None = None


class DecisionMessage(Wire):
    """`signature`: base64 Ed25519 over `canonical_bytes(decision)`, by the trust's key."""

    kind: Literal[MessageKind.DECISION] = MessageKind.DECISION
    id: UUID
    decision: ProjectDecision
    signature: str


class CodeDecision(Wire):
    """What the trust's staff said of one app, by the hash of its FAB. Signed whole, like a `ProjectDecision`.

    `files_sha256`: that of the files beside the FAB (`content.sha256_of_all`), or ''.
    """

    project_id: UUID
    model_id: UUID
    trust: TrustName
    fab_sha256: Sha256
    files_sha256: Sha256 | Literal[""] = ""
    decision: Decision  # APPROVED or DECLINED
    decided_at: datetime
    decided_by: Annotated[str, Field(max_length=200)] = ""


class CodeDecisionMessage(Wire):
    """Sent when the code counts as approved at the trust (by as many reviewers as it wants), or is declined."""

    kind: Literal[MessageKind.CODE_DECISION] = MessageKind.CODE_DECISION
    id: UUID
    decision: CodeDecision
    signature: str


class ImagingMessage(Wire):
    """Counts of the imaging ledger by stage, and of exclusions by reason. Never an accession number.

    Counts pass the trust's disclosure control: rounded to `rounded_to`, and not told below `threshold`. A stage or a
    reason whose count is suppressed is named in `suppressed` and is in neither map; it may also be nobody's. Both are
    None from an older trust, whose counts are exact. `final` is true when every accession is READY or EXCLUDED.
    """

    kind: Literal[MessageKind.IMAGING] = MessageKind.IMAGING
    id: UUID
    project_id: UUID
    stages: dict[str, int]
    excluded: dict[str, int] = {}
    suppressed: list[str] = []
    threshold: int | None = None
    rounded_to: int | None = None
    final: bool


class MetricPoint(Wire):
    """One value of `send_metrics`. `id` makes delivery idempotent; `client_name` is what the app said, a note only."""

    id: UUID
    label: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@/-]*$")]
    value: FiniteFloat
    round: Annotated[int, Field(ge=0)]
    x_label: Annotated[str, Field(max_length=64)] = "round"
    x_value: FiniteFloat | None = None
    client_name: Annotated[str, Field(max_length=128)] = ""
    at: datetime


class MetricsMessage(Wire):
    kind: Literal[MessageKind.METRICS] = MessageKind.METRICS
    id: UUID
    run_id: UUID
    points: Annotated[list[MetricPoint], Field(min_length=1, max_length=5000)]


class NodeEvent(StrEnum):
    STARTED = "started"
    REFUSED = "refused"
    ENDED = "ended"
    CLIENT_FAILED = "client_failed"
    CLIENT_DONE = "client_done"  # a ClientApp has answered one message
    REJOIN = "rejoin"  # the node was lost, and its trust asks to take part again with a new key
    LEFT = "left"  # this trust has left the run by its own decision; `code` and `text` say why


class NodeEventMessage(Wire):
    """Life of a run's SuperNode. `error_class` and a scrubbed text are all that leaves of a ClientApp's failure.

    `numbers` of CLIENT_DONE: `turn` (1 for the first message of its kind, which is `code`), `waited_seconds` (message
    here → process started), `seconds` (of the process). `public_key` comes with REJOIN, as in `JoinRunResult`.
    """

    kind: Literal[MessageKind.NODE_EVENT] = MessageKind.NODE_EVENT
    id: UUID
    run_id: UUID
    event: NodeEvent
    code: str = ""
    error_class: str = ""
    text: Annotated[str, Field(max_length=2000)] = ""
    numbers: dict[Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,31}$")], FiniteFloat] = {}
    public_key: Annotated[str, Field(max_length=1000)] = ""
    at: datetime


TrustMessage = Annotated[
    TaskResultMessage | DecisionMessage | ImagingMessage | MetricsMessage | NodeEventMessage | CodeDecisionMessage,
    Field(discriminator="kind"),
]


class MessageBatch(Wire):
    messages: Annotated[list[TrustMessage], Field(min_length=1, max_length=100)]


class Rejection(Wire):
    """The hub will never take this message; the trust keeps it in a dead-letter list and says so."""

    id: UUID
    code: Code
    message: str


class MessageReceipt(Wire):
    accepted: list[UUID]
    rejected: list[Rejection] = []
