"""Bodies and answers of the model endpoints."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from flip_hub.paging import Page

Name = Annotated[str, Field(min_length=1, max_length=75, pattern=r"^[^<>&\x00-\x1f\x7f]+$")]
Description = Annotated[str, Field(max_length=250, pattern=r"^[^\x00]*$")]


class ModelCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Name
    description: Description = ""


class ModelEdit(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")
    name: Name = ""
    description: Description = ""


class ModelClone(BaseModel):
    """`project_id`: null clones within the same project. `name`: empty takes the model's name with "(copy)"."""

    model_config = ConfigDict(extra="forbid")
    project_id: UUID | None = None
    name: Annotated[str, Field(max_length=75, pattern=r"^[^<>&\x00-\x1f\x7f]*$")] = ""


class StatusRead(BaseModel):
    status: str
    source: str
    at: datetime


class ModelRead(BaseModel):
    """`history`: the statuses of the newest run, in order."""

    id: UUID
    project_id: UUID
    name: str
    description: str
    status: str
    status_reason: str
    created_at: datetime
    history: list[StatusRead]


class ModelSummary(BaseModel):
    """`queue_position`: 1 is the next to start; null unless the newest run is queued."""

    id: UUID
    project_id: UUID
    project: str
    name: str
    description: str
    status: str
    status_reason: str
    created_by: str
    created_at: datetime
    run_id: UUID | None
    run_state: str | None
    queue_position: int | None


class ModelPage(Page[ModelSummary]):
    """`counts`: models by status, under the same filters but that of the status."""

    counts: dict[str, int]
