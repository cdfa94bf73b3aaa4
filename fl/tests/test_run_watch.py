"""A ClientApp does not work on for a run that is over; a SuperLink that cannot be asked is no reason to end it."""

from typing import Any

import httpx
import pytest
from flwr.supercore.run import RunNotRunningException

from flip_fl import run_watch
from flip_fl.run_watch import RUN_IS_OVER, RunWatch


class Working:
    """An executor with one process."""

    def __init__(self) -> None:
        self.killed: list[tuple[int, str]] = []

    def running(self) -> list[int]:
        return [7]

    def kill_run(self, flwr_run_id: int, why: str) -> None:
        self.killed.append((flwr_run_id, why))


def answered(status: int) -> Exception:
    request = httpx.Request("POST", "https://hub/v1/fleet/get-run")
    return httpx.HTTPStatusError("no", request=request, response=httpx.Response(status, request=request))


@pytest.mark.parametrize(
    ("error", "over"),
    [
        (RunNotRunningException(), True),
        (answered(404), True),  # pruned: the run goes on as another
        (answered(503), False),
        (httpx.ConnectError("away"), False),
        (None, False),
    ],
)
def test_it_ends_what_is_over_and_nothing_else(monkeypatch, error, over):
    looked: list[int] = []

    class Enough(BaseException):
        pass

    def sleep(_: float) -> None:
        if looked:
            raise Enough

    def get_run(flwr_run_id: int) -> Any:
        looked.append(flwr_run_id)
        if error is not None:
            raise error

    monkeypatch.setattr(run_watch.time, "sleep", sleep)
    working: Any = Working()
    watch = RunWatch(working)
    watch._get_run = get_run
    with pytest.raises(Enough):
        watch.run()
    assert working.killed == ([(7, RUN_IS_OVER)] if over else [])
