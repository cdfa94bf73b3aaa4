"""What the SDK and the run's local APIs say to each other: environment names, paths, and JSON bodies.

Standard library only, so that a trust can import it and a Flower app pays nothing for it. Two servers
speak it: the FL API's relay (`RELAY_PREFIX`, for the ServerApp) and a trust's data API (`DATA_PREFIX`, for
its ClientApps). Every request carries `Authorization: Bearer <run token>`. Errors carry a `ProblemBody`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self, cast

# --- environment of an app process ---
ENV_MODE: Final = "FLIP_MODE"
ENV_URL: Final = "FLIP_URL"
ENV_RUN_TOKEN: Final = "FLIP_RUN_TOKEN"  # the variable's name, not a token
ENV_MODEL_ID: Final = "FLIP_MODEL_ID"
ENV_PROJECT_ID: Final = "FLIP_PROJECT_ID"
ENV_RESULTS_DIR: Final = "FLIP_RESULTS_DIR"
ENV_FILES_DIR: Final = "FLIP_FILES_DIR"  # what `[tool.flip.files]` brings to this side; not set where that is nothing
ENV_TRUST_COUNT: Final = "FLIP_TRUST_COUNT"
ENV_TURN: Final = "FLIP_TURN"  # names the work of one message; the same when it is repeated after a crash
ENV_SUPERNODE_NAME: Final = "SUPERNODE_NAME"
ENV_DEV_DATAFRAME: Final = "DEV_DATAFRAME"
ENV_DEV_IMAGES_DIR: Final = "DEV_IMAGES_DIR"
ENV_LOCAL_DIR: Final = "FLIP_LOCAL_DIR"  # local runs: where reports go instead of flip-local/<time>
ENV_LOCAL_OWN_DATA: Final = "FLIP_LOCAL_OWN_DATA"  # local runs: set where each simulated trust has data of its own

MODE_SERVER: Final = "server"
MODE_CLIENT: Final = "client"

# --- paths ---
RELAY_PREFIX: Final = "/relay/v1"
DATA_PREFIX: Final = "/data/v1"
COHORT_PATH: Final = f"{DATA_PREFIX}/cohort"  # GET ?project_id=&query= -> Cohort; &layout=packed -> PackedCohort
LAYOUT_PACKED: Final = "packed"
IMAGES_PATH: Final = f"{DATA_PREFIX}/images"  # POST ImagesRequest -> ImagesReply
RESOURCES_PATH: Final = f"{DATA_PREFIX}/resources"  # POST ?project_id=&accession_id=&resource_type=&name=, the file
DATA_METRICS_PATH: Final = f"{DATA_PREFIX}/metrics"  # POST MetricsBody -> 202
DATA_EXCEPTIONS_PATH: Final = f"{DATA_PREFIX}/exceptions"  # POST ExceptionBody -> 202
RELAY_STATUS_PATH: Final = f"{RELAY_PREFIX}/status"  # POST StatusBody -> 204
RELAY_METRICS_PATH: Final = f"{RELAY_PREFIX}/metrics"
RELAY_EXCEPTIONS_PATH: Final = f"{RELAY_PREFIX}/exceptions"

# --- error codes of the data API, known to `flip.errors` ---
CODE_QUERY_MISMATCH: Final = "cohort_query_mismatch"  # 409
CODE_NOT_APPROVED: Final = "not_approved"  # 403
CODE_ACCESSION_NOT_FOUND: Final = "accession_not_found"  # 404
CODE_RESOURCE_MISSING: Final = "resource_missing"  # 404
CODE_COHORT_TOO_SMALL: Final = "cohort_too_small"  # 403
CODE_TOKEN_REFUSED: Final = "token_refused"  # 401

MAX_METRIC_POINTS: Final = 500  # per request
MAX_EXCEPTION_TEXT: Final = 2000


class ColumnType(StrEnum):
    """Type of a cohort column. `date` is `YYYY-MM-DD`, `timestamp` ISO 8601; null is allowed in all."""

    INT64 = "int64"
    FLOAT64 = "float64"
    STRING = "string"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


CellValue = int | float | str | bool | None


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: ColumnType

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "type": str(self.type)}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(name=str(body["name"]), type=ColumnType(body["type"]))


@dataclass(frozen=True, slots=True)
class Cohort:
    """`GET cohort`: the frozen cohort of the approval, row-wise."""

    columns: tuple[Column, ...]
    rows: list[list[CellValue]]

    def to_json(self) -> dict[str, Any]:
        return {"columns": [c.to_json() for c in self.columns], "rows": self.rows}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            columns=tuple(Column.from_json(c) for c in body["columns"]),
            rows=[list(row) for row in body["rows"]],
        )


@dataclass(frozen=True, slots=True)
class PackedColumn:
    """One column. `values` is base64 of little-endian numbers, or a list of texts.

    int64 and float64 are themselves; boolean is one byte each; date and timestamp are int64 microseconds since 1970
    without a zone, or texts in ISO 8601 where a value has one. A string column is a list of texts, or int32 numbers of
    the texts in `words`. What is missing is named by `missing`, base64 of one bit per row (first row highest); it is
    null in a list, -1 in numbers of words, and any number elsewhere.
    """

    name: str
    type: ColumnType
    values: str | list[str | None]
    words: list[str] | None = None
    missing: str = ""  # none is

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": str(self.type),
            "values": self.values,
            "words": self.words,
            "missing": self.missing,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            name=str(body["name"]),
            type=ColumnType(body["type"]),
            values=body["values"],
            words=body.get("words"),
            missing=str(body.get("missing", "")),
        )


@dataclass(frozen=True, slots=True)
class PackedCohort:
    """`GET cohort` with `layout=packed`: column-wise, so that 100,000 rows are read in a fraction of a second."""

    rows: int
    columns: tuple[PackedColumn, ...]

    def to_json(self) -> dict[str, Any]:
        return {"layout": LAYOUT_PACKED, "rows": self.rows, "columns": [c.to_json() for c in self.columns]}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(rows=int(body["rows"]), columns=tuple(PackedColumn.from_json(c) for c in body["columns"]))


def cohort_from_json(body: Mapping[str, Any]) -> Cohort | PackedCohort:
    """Packed where the trust knows how; an older one answers row-wise whatever it is asked."""
    return PackedCohort.from_json(body) if body.get("layout") == LAYOUT_PACKED else Cohort.from_json(body)


@dataclass(frozen=True, slots=True)
class ImagesRequest:
    """`POST images`: everything wanted of one accession, in one call."""

    project_id: str
    accession_id: str
    resource_types: tuple[str, ...]  # values of `flip.constants.ResourceType`

    def to_json(self) -> dict[str, Any]:
        return {
            "project_id": self.project_id,
            "accession_id": self.accession_id,
            "resource_types": list(self.resource_types),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            project_id=str(body["project_id"]),
            accession_id=str(body["accession_id"]),
            resource_types=tuple(str(t) for t in body["resource_types"]),
        )


@dataclass(frozen=True, slots=True)
class ImagesReply:
    """`path`: absolute folder with `input_*.nii.gz` and, when asked for, `label_*.nii.gz` beside it."""

    path: str

    def to_json(self) -> dict[str, Any]:
        return {"path": self.path}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(path=str(body["path"]))


@dataclass(frozen=True, slots=True)
class ResourceReply:
    """`path`: where the added file can be read now; `version`: from 1, one more each time its content changes."""

    path: str
    version: int

    def to_json(self) -> dict[str, Any]:
        return {"path": self.path, "version": self.version}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(path=str(body["path"]), version=int(body["version"]))


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One value of `send_metrics`. The same fields as `flip_contracts.messages.MetricPoint`."""

    id: str  # a UUID; makes delivery idempotent
    label: str
    value: float
    round: int
    at: str  # ISO 8601 with offset
    x_label: str = "round"
    x_value: float | None = None
    client_name: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "label": self.label,
            "value": self.value,
            "round": self.round,
            "x_label": self.x_label,
            "x_value": self.x_value,
            "client_name": self.client_name,
            "at": self.at,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        datetime.fromisoformat(str(body["at"]))  # refuse what the hub would refuse
        value, x_value = float(body["value"]), body.get("x_value")
        if not math.isfinite(value) or (x_value is not None and not math.isfinite(float(x_value))):
            raise ValueError("a metric is a finite number")
        return cls(
            id=str(body["id"]),
            label=str(body["label"]),
            value=value,
            round=int(body["round"]),
            at=str(body["at"]),
            x_label=str(body.get("x_label", "round")),
            x_value=None if x_value is None else float(x_value),
            client_name=str(body.get("client_name", "")),
        )


@dataclass(frozen=True, slots=True)
class MetricsBody:
    """`POST metrics`."""

    points: tuple[MetricPoint, ...]

    def to_json(self) -> dict[str, Any]:
        return {"points": [p.to_json() for p in self.points]}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(points=tuple(MetricPoint.from_json(p) for p in body["points"]))


@dataclass(frozen=True, slots=True)
class ExceptionBody:
    """`POST exceptions`: what `send_handled_exception` reports."""

    error_class: str
    text: str

    def to_json(self) -> dict[str, Any]:
        return {"error_class": self.error_class, "text": self.text}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(error_class=str(body["error_class"]), text=str(body["text"])[:MAX_EXCEPTION_TEXT])


@dataclass(frozen=True, slots=True)
class StatusBody:
    """`POST status` at the relay. `status` is a value of `ModelStatus`."""

    model_id: str
    status: str

    def to_json(self) -> dict[str, Any]:
        return {"model_id": self.model_id, "status": self.status}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(model_id=str(body["model_id"]), status=str(body["status"]))


@dataclass(frozen=True, slots=True)
class ProblemBody:
    """Every error answer, in the shape of `flip_contracts.wire.Problem`."""

    code: str
    message: str
    details: dict[str, Any] = field(default_factory=lambda: cast("dict[str, Any]", {}))
    request_id: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "details": self.details,
            "request_id": self.request_id,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            code=str(body["code"]),
            message=str(body["message"]),
            details=dict(body.get("details") or {}),
            request_id=str(body.get("request_id", "")),
        )
