"""Hub-to-trust work. A trust claims tasks by long poll; each handler is idempotent."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from flip_contracts.content import StagedFile
from flip_contracts.imaging import SeriesRule
from flip_contracts.manifest import SignedManifest
from flip_contracts.wire import Sha256, Wire


class TaskType(StrEnum):
    COHORT_COUNT = "cohort_count"
    REVIEW_PROJECT = "review_project"
    CLOSE_PROJECT = "close_project"
    DECIDE_PROJECT = "decide_project"
    REVIEW_CODE = "review_code"
    JOIN_RUN = "join_run"
    START_NODE = "start_node"
    LEAVE_RUN = "leave_run"


class CohortCount(Wire):
    """Aggregate the cohort that `sql` defines. The trust applies its own threshold; the hub cannot lower it.

    `asked_by`: the stable id of the user who asks; the trust keeps a query budget per user. None from an older hub.
    """

    type: Literal[TaskType.COHORT_COUNT] = TaskType.COHORT_COUNT
    query_id: UUID
    project_id: UUID
    sql: str
    asked_by: UUID | None = None


class ReviewProject(Wire):
    """Put a staged project in front of the trust's own staff. Answered at once; the decision comes later."""

    type: Literal[TaskType.REVIEW_PROJECT] = TaskType.REVIEW_PROJECT
    project_id: UUID
    project_name: str
    purpose: str
    owner: str
    imaging: bool
    query_id: UUID
    sql: str
    dicom_to_nifti: bool = True
    series_rule: SeriesRule | None = None


class CloseProject(Wire):
    """The hub no longer asks about this project: it went back to draft, or was deleted. The cohort is forgotten."""

    type: Literal[TaskType.CLOSE_PROJECT] = TaskType.CLOSE_PROJECT
    project_id: UUID


class DecideProject(Wire):
    """The trust's admin has decided at the hub. The trust looks at its own policy, decides and signs itself.

    `asked_by`: the admin's name, which becomes part of the decision. `renew` keeps the frozen cohort.
    """

    type: Literal[TaskType.DECIDE_PROJECT] = TaskType.DECIDE_PROJECT
    project_id: UUID
    query_id: UUID
    action: Literal["approve", "decline", "withdraw", "renew"]
    conditions: Annotated[str, Field(max_length=2000)] = ""
    expires_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    asked_by: Annotated[str, Field(max_length=150)]


class ReviewCode(Wire):
    """Put an app in front of the trust's own staff. Its FAB is fetched by its hash, which the trust verifies.

    `files`: what its ClientApps read beside the FAB. The staff's decision holds for exactly these.
    """

    type: Literal[TaskType.REVIEW_CODE] = TaskType.REVIEW_CODE
    project_id: UUID
    model_id: UUID
    model_name: str
    fab_sha256: Sha256
    files: list[StagedFile] = []


class JoinRun(Wire):
    """Check the manifest against the trust's own approval; answer with a public key made for this run."""

    type: Literal[TaskType.JOIN_RUN] = TaskType.JOIN_RUN
    signed: SignedManifest


class StartNode(Wire):
    """The SuperLink knows the key: start the SuperNode of this run."""

    type: Literal[TaskType.START_NODE] = TaskType.START_NODE
    run_id: UUID


class LeaveRun(Wire):
    """The run has ended or this trust is no longer part of it: stop its SuperNode, delete its folder."""

    type: Literal[TaskType.LEAVE_RUN] = TaskType.LEAVE_RUN
    run_id: UUID


TaskPayload = Annotated[
    CohortCount | ReviewProject | CloseProject | DecideProject | ReviewCode | JoinRun | StartNode | LeaveRun,
    Field(discriminator="type"),
]


class Task(Wire):
    id: UUID
    payload: TaskPayload
    attempt: int
    lease_expires_at: datetime


class ClaimRequest(Wire):
    max_tasks: Annotated[int, Field(ge=1, le=32)] = 1


class ClaimResponse(Wire):
    tasks: list[Task]


class Cell(Wire):
    """Of older trusts: one cell of an aggregate. One that is not listed is zero or suppressed; so is `count` None."""

    value: str
    count: int | None


class Histogram(Wire):
    """Of older trusts, whose aggregates were the same for each query; now there is a `ColumnSummary` per column."""

    name: str
    cells: list[Cell]


class SummaryKind(StrEnum):
    CATEGORY = "category"
    HISTOGRAM = "histogram"
    DATE = "date"


class SummaryCell(Wire):
    """Distinct persons with a value in this cell. `count` None is suppressed: show "< threshold", never 0.

    In a category summary `label` is the value, and the one cell with `other` stands for every value that is not listed.
    In a histogram or a date summary the cell holds `low <= value < high`: numbers, or ISO dates; None is an open end.
    """

    label: str = ""
    low: float | str | None = None
    high: float | str | None = None
    other: bool = False
    count: int | None


class ColumnSummary(Wire):
    """One selected column. Cells are in the order to draw them in. `missing`: persons with a NULL; None is suppressed.

    A person with several values is counted in several cells, so cells may add up to more than `persons`.
    `epsilon`: set where counts hold differentially private noise instead of suppression and rounding; then a count is
    within `margin` of the truth in 95 % of cases.
    """

    name: str
    kind: SummaryKind
    cells: list[SummaryCell]
    missing: int | None
    epsilon: float | None = None
    margin: int | None = None


class QueryBudget(Wire):
    """What is left to ask at this trust after this query, until `resets_at`. None: no such limit (or asker unknown).

    `epsilon_left` of `epsilon_limit` is the project's differential privacy budget here, which never resets.
    """

    project_left: int
    project_limit: int
    user_left: int | None = None
    user_limit: int | None = None
    resets_at: datetime
    epsilon_left: float | None = None
    epsilon_limit: float | None = None


class CohortCountResult(Wire):
    """Rounded, suppressed aggregates. `persons` is None where there are fewer than `threshold`, zero included.

    `zero_told`: this trust's policy tells nobody from few: then a count of 0 is a true zero, and None is 1 up to
    `threshold` - 1. Otherwise None may be zero as well. `rows`, `columns` and `budget` are not in answers of older
    trusts.
    """

    persons: int | None
    accessions: int | None
    suppressed: bool
    threshold: int
    rounded_to: int
    histograms: list[Histogram] = []
    rows: int | None = None
    columns: list[ColumnSummary] = []
    zero_told: bool = False
    budget: QueryBudget | None = None


class JoinRunResult(Wire):
    """`public_key`: OpenSSH ecdsa-sha2-nistp384, made for this run alone."""

    public_key: str


class Empty(Wire):
    """The result of a task that has nothing to say but that it is done."""


TaskResult = CohortCountResult | JoinRunResult | Empty
RESULT_OF: dict[TaskType, type[CohortCountResult] | type[JoinRunResult] | type[Empty]] = {
    TaskType.COHORT_COUNT: CohortCountResult,
    TaskType.REVIEW_PROJECT: Empty,
    TaskType.CLOSE_PROJECT: Empty,
    TaskType.DECIDE_PROJECT: Empty,
    TaskType.REVIEW_CODE: Empty,
    TaskType.JOIN_RUN: JoinRunResult,
    TaskType.START_NODE: Empty,
    TaskType.LEAVE_RUN: Empty,
}
