"""Bodies and answers of the project endpoints."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from flip_contracts.imaging import SeriesRule

Kind = Literal["imaging", "tabular"]
Name = Annotated[str, Field(min_length=1, max_length=75, pattern=r"^[^<>&\x00-\x1f\x7f]+$")]
Purpose = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]
Email = Annotated[str, Field(max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]


class SeriesRuleBody(SeriesRule):
    """Which image series of a study the trusts take; an empty one takes every series that can be converted."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProjectCreate(BaseModel):
    """`dicom_to_nifti` and `series_rule` mean nothing to a tabular project."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    purpose: Purpose
    kind: Kind
    dicom_to_nifti: bool = True
    series_rule: SeriesRuleBody | None = None


class ProjectEdit(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")
    name: Name = ""
    purpose: Purpose = ""
    kind: Kind = "imaging"
    dicom_to_nifti: bool = True
    series_rule: SeriesRuleBody | None = None


class MemberAdd(BaseModel):
    model_config = ConfigDict(extra="forbid")
    email: Email


class StageRequest(BaseModel):
    """Names of trusts."""

    model_config = ConfigDict(extra="forbid")
    trusts: Annotated[list[Annotated[str, Field(max_length=63)]], Field(min_length=1, max_length=1000)]


class DeleteRequest(BaseModel):
    """`name`: the project's name, typed, so that nobody deletes the wrong one."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=75)]


class PersonRead(BaseModel):
    id: UUID
    name: str
    email: str


class ImagingRead(BaseModel):
    """Counts of accessions by stage and by reason of exclusion, rounded; those in `suppressed` are under `threshold`.

    Without a threshold the trust is of an older version and its counts are exact.
    """

    stages: dict[str, int]
    excluded: dict[str, int]
    suppressed: list[str] = []
    threshold: int | None = None
    rounded_to: int | None = None
    final: bool


class HubRequestRead(BaseModel):
    """What the trust's admin asked of it here. `state`: waiting, done or refused (then `code`, `message`)."""

    action: str
    by: str
    at: datetime
    state: str
    code: str = ""
    message: str = ""


class DecisionAsk(BaseModel):
    """`approve` and `renew` take conditions and an end; `renew` keeps the frozen cohort."""

    model_config = ConfigDict(extra="forbid")
    action: Literal["approve", "decline", "withdraw", "renew"]
    conditions: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] = ""
    expires_days: Annotated[int, Field(ge=1, le=3650)] | None = None


class ProjectTrustRead(BaseModel):
    """`valid`: approved, not expired, and the trust is not revoked; what a run may use now.

    `decides_here`: the trust's policy lets its admins decide through the hub.
    """

    trust_id: UUID
    trust: str
    decision: str
    decided_at: datetime | None
    decided_by: str
    expires_at: datetime | None
    conditions: str
    valid: bool
    decides_here: bool
    hub_request: HubRequestRead | None
    imaging: ImagingRead | None
    imaging_ready_at: datetime | None


class TrustDecisionRead(BaseModel):
    trust: str
    decision: str


class MomentRead(BaseModel):
    """`kind`: created, cohort_saved, staged, approved, declined, withdrawn, imaging_ready, model_created,
    run_finished. `trust` and `model` say whose, where that applies."""

    at: datetime
    kind: str
    trust: str | None
    model: str | None
    text: str


class SavedCohortRead(BaseModel):
    """The saved cohort query in short. `persons` and `accessions` add up what was answered; null if nothing was."""

    query_id: UUID
    sql: str
    saved_at: datetime | None
    persons: int | None
    accessions: int | None
    states: dict[str, int]


class ProjectRead(BaseModel):
    """All that a project's page shows, but for the models' and queries' own details."""

    id: UUID
    name: str
    purpose: str
    kind: str
    dicom_to_nifti: bool
    series_rule: SeriesRule | None
    status: str
    owner_id: UUID
    owner: PersonRead
    members: list[PersonRead]
    query_id: UUID | None
    cohort: SavedCohortRead | None
    query_count: int
    created_at: datetime
    staged_at: datetime | None
    approved_at: datetime | None
    trusts: list[ProjectTrustRead]
    models: dict[str, int]
    active_runs: int
    timeline: list[MomentRead]


class ProjectSummary(BaseModel):
    """`cohort_persons` adds up what was answered to the saved query; null if nothing was, or none is saved."""

    id: UUID
    name: str
    kind: str
    status: str
    owner_id: UUID
    owner: str
    created_at: datetime
    staged_at: datetime | None
    approved_at: datetime | None
    trusts: list[TrustDecisionRead]
    query_id: UUID | None
    cohort_persons: int | None
    model_count: int
    active_runs: int
