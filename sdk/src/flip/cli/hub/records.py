"""What the hub answers, as far as the commands read it. Further keys are left as they are."""

from __future__ import annotations

from typing import Any, Final, TypedDict

ENDED: Final = frozenset({"succeeded", "failed", "stopped"})
BAR: Final = ("INITIATED", "PREPARED", "TRAINING_STARTED", "RESULTS_UPLOADED")


class Account(TypedDict):
    id: str
    email: str
    name: str
    role: str


class Login(TypedDict):
    """`next`: what this login must do on the hub's page before it opens anything else; None: nothing."""

    token: str
    expires_at: str
    next: str | None
    user: Account


class ProjectTrust(TypedDict):
    trust: str
    decision: str


class Project(TypedDict):
    id: str
    name: str
    status: str
    kind: str
    trusts: list[ProjectTrust]


class ListedModel(TypedDict):
    """A model in the list across projects; `project` is its project's name."""

    id: str
    project_id: str
    project: str
    name: str


class StatusChange(TypedDict):
    status: str
    source: str
    at: str


class Model(TypedDict):
    id: str
    project_id: str
    name: str
    status: str
    status_reason: str
    created_at: str
    history: list[StatusChange]


class RemoteFile(TypedDict):
    """`state`: UPLOADING, SCANNING, READY, or REJECTED for `reason`."""

    path: str
    state: str
    reason_code: str
    reason: str
    size_bytes: int
    sha256: str


class Check(TypedDict):
    ok: bool
    findings: list[dict[str, Any]]


class RunTrust(TypedDict):
    trust: str
    state: str
    reason: str


class Round(TypedDict):
    round: int
    phase: str
    results: int
    failures: int
    errors: list[str]


class Run(TypedDict):
    id: str
    model_id: str
    project_id: str
    state: str
    reason_code: str
    reason_text: str
    queue_position: int | None
    created_at: str
    finished_at: str | None
    trusts: list[RunTrust]
    rounds: list[Round]


class Results(TypedDict):
    run_id: str
    state: str
    size_bytes: int
    sha256: str
    stored_at: str


class Event(TypedDict):
    id: int
    at: str
    kind: str
    text: str


class LogLine(TypedDict):
    id: int
    at: str
    text: str


class Series(TypedDict):
    """`trust` is None for what the ServerApp sent. `points` are [x, value], by x."""

    trust: str | None
    label: str
    x_label: str
    points: list[tuple[float, float]]
