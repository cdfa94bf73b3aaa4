"""uvicorn inside a process that has more to do than to serve."""

import contextlib
from collections.abc import Iterator

import uvicorn


class QuietServer(uvicorn.Server):
    """Several share one loop, so none may own the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
