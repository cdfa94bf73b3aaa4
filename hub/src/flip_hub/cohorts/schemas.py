"""Bodies and answers of the cohort endpoints."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from flip_contracts.messages import TaskError
from flip_contracts.tasks import CohortCountResult
from flip_hub.cohorts.charts import ChartRead
from flip_hub.projects.schemas import Kind

Sql = Annotated[str, Field(min_length=1, max_length=20_000)]


class CohortQueryCreate(BaseModel):
    """`trusts`: names, or null for every enrolled trust. `save`: make it the project's query at once."""

    model_config = ConfigDict(extra="forbid")
    sql: Sql
    trusts: Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=1000)] | None = None
    save: bool = True


class CohortQueryCheck(BaseModel):
    """`kind` of the project that it is for; null tells what holds for either."""

    model_config = ConfigDict(extra="forbid")
    sql: Sql
    kind: Kind | None = None


class SqlProblemRead(BaseModel):
    """`line` and `column` count from 1; null where the whole query is meant. `message` says what to write instead."""

    code: str
    message: str
    line: int | None
    column: int | None


class CohortCheckRead(BaseModel):
    """`columns`: what the query selects. `warnings`: what would hold it up later, in words.

    `words`: the query in plain English, a line for each part; two spaces in front of a line for each level.
    """

    ok: bool
    problem: SqlProblemRead | None
    columns: list[str]
    warnings: list[str]
    words: list[str]


class SavedQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    query_id: UUID


class CohortAnswerRead(BaseModel):
    """`state`: queued, running, answered, suppressed, refused, error, offline (it will answer when it is back) or
    cancelled."""

    trust: str
    state: str
    result: CohortCountResult | None
    error: TaskError | None
    answered_at: datetime | None


class CohortQueryRead(BaseModel):
    """Totals add up what was answered and are null if nothing was; a suppressed answer is unknown, not zero."""

    id: UUID
    project_id: UUID
    sql: str
    saved: bool
    created_at: datetime
    created_by: str
    cancelled_at: datetime | None
    answers: list[CohortAnswerRead]
    states: dict[str, int]
    done: bool
    total_persons: int | None
    total_accessions: int | None
    suppressed_trusts: int
    charts: list[ChartRead]


class CohortQuerySummary(BaseModel):
    id: UUID
    sql: str
    saved: bool
    created_at: datetime
    created_by: str
    cancelled_at: datetime | None
    states: dict[str, int]
    total_persons: int | None
    total_accessions: int | None


class DifferenceRead(BaseModel):
    """One trust's two answers. `difference` is null where one of them is not a number."""

    trust: str
    before: int | None
    after: int | None
    before_state: str | None
    after_state: str | None
    difference: int | None


class ComparisonRead(BaseModel):
    """`sql_diff`: lines of a unified diff of the two queries."""

    before: CohortQuerySummary
    after: CohortQuerySummary
    sql_diff: list[str]
    persons: list[DifferenceRead]
