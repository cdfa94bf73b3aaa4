"""Hub-to-trust work. A trust claims tasks by long poll; each handler is idempotent."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from flip_contracts.manifest import SignedManifest
from flip_contracts.wire import Wire


class TaskType(StrEnum):
    COHORT_COUNT = "cohort_count"
    REVIEW_PROJECT = "review_project"
    JOIN_RUN = "join_run"
    START_NODE = "start_node"
    LEAVE_RUN = "leave_run"


class CohortCount(Wire):
    """Aggregate the cohort that `sql` defines. The trust applies its own threshold; the hub cannot lower it."""

    type: Literal[TaskType.COHORT_COUNT] = TaskType.COHORT_COUNT
    query_id: UUID
    project_id: UUID
    sql: str


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


TaskPayload = Annotated[CohortCount | ReviewProject | JoinRun | StartNode | LeaveRun, Field(discriminator="type")]


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
    """One cell of an aggregate. A cell that is not listed is zero or suppressed; `count` None says suppressed."""

    value: str
    count: int | None


class Histogram(Wire):
    name: str
    cells: list[Cell]


class CohortCountResult(Wire):
    """Rounded, suppressed aggregates. `persons` is None where there are fewer than `threshold`, zero included."""

    persons: int | None
    accessions: int | None
    suppressed: bool
    threshold: int
    rounded_to: int
    histograms: list[Histogram] = []


class JoinRunResult(Wire):
    """`public_key`: OpenSSH ecdsa-sha2-nistp384, made for this run alone."""

    public_key: str


class Empty(Wire):
    """The result of a task that has nothing to say but that it is done."""


TaskResult = CohortCountResult | JoinRunResult | Empty
RESULT_OF: dict[TaskType, type[CohortCountResult] | type[JoinRunResult] | type[Empty]] = {
    TaskType.COHORT_COUNT: CohortCountResult,
    TaskType.REVIEW_PROJECT: Empty,
    TaskType.JOIN_RUN: JoinRunResult,
    TaskType.START_NODE: Empty,
    TaskType.LEAVE_RUN: Empty,
}
