"""What the hub needs of a net. `http.py` talks to a real FL API; only this folder knows that Flower exists."""

from collections.abc import Iterable, Iterator
from typing import Protocol
from uuid import UUID

from flip_contracts.fl_api import EventsPage, FlRunView, NetHealth, NodeSpec, NodeView, RunPrepared, RunSpec


class FlRefused(Exception):
    """The FL API says no for good: the same call would be refused again."""

    def __init__(self, code: str, message: str):
        self.code, self.message = code, message
        super().__init__(code)


class FlUnavailable(Exception):
    """The FL API does not answer, or cannot now: try again."""


class FlPort(Protocol):
    """Every call is safe to repeat. Raises `FlRefused` or `FlUnavailable`."""

    def prepare(self, run_id: UUID, spec: RunSpec, app: bytes) -> RunPrepared: ...
    def put_file(self, run_id: UUID, sha256: str, content: Iterable[bytes]) -> None: ...
    def add_node(self, run_id: UUID, node: NodeSpec) -> NodeView: ...
    def view(self, run_id: UUID) -> FlRunView: ...
    def start(self, run_id: UUID) -> None: ...
    def stop(self, run_id: UUID) -> None: ...
    def results(self, run_id: UUID) -> Iterator[bytes]: ...
    def forget(self, run_id: UUID) -> None: ...
    def events(self, after: int, wait_seconds: float) -> EventsPage: ...
    def health(self) -> NetHealth: ...
