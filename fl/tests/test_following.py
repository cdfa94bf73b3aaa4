"""A run is followed to its end whatever a SuperLink says that is dying, or just there again."""

import time
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from flip_contracts.fl_api import RunSpec
from flip_contracts.sandbox import SandboxLevel, SandboxReport
from flip_fl.api import service as module
from flip_fl.api.service import MOST_REFUSALS, FlService
from flip_fl.control import FlowerStatus
from flip_fl.errors import SuperLinkRefused
from flip_fl.settings import FlSettings
from flip_fl.store import Store

RUN, FLOWERS = UUID(int=1), 7
REFUSED = SuperLinkRefused("The SuperLink refused ListRuns: no details")
SPEC = RunSpec(model_id=UUID(int=2), project_id=UUID(int=3), cohort_query="SELECT 1", run_config={}, trust_count=1)
COMPLETED = FlowerStatus("finished", "completed", "")


class Control:
    """A SuperLink's answers, one after another; the last one stays."""

    def __init__(self, *statuses: Any, starts: Any = 8):
        self._statuses, self._starts = list(statuses), starts

    def status(self, flwr_run_id: int) -> FlowerStatus:
        return _said(self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0])

    def start_run(self, *_: Any) -> int:
        return _said(self._starts)

    def stop_run(self, flwr_run_id: int) -> None: ...

    def nodes(self) -> dict[int, str]:
        return {}


def _said(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.fixture
def follow(tmp_path, monkeypatch):
    """A running run, followed at a SuperLink that answers so; gives the run's end and its events."""
    for name in ("AWAY_SECONDS", "STATUS_SECONDS", "LAST_WORDS_SECONDS"):
        monkeypatch.setattr(module, name, 0.01)
    monkeypatch.setattr(module, "platform_imports", lambda fab: ())

    def followed(control: Control) -> Any:
        key = tmp_path / "key"
        settings = FlSettings(data_dir=tmp_path, net_key_file=key, signing_key_file=key)
        store = Store(settings.store_file)
        store.put_run(RUN, SPEC.model_dump(mode="json"), b"", "", "")
        store.update(RUN, flwr_run_id=str(FLOWERS), state="running", train_results=1)
        results = tmp_path / "runs" / str(RUN) / "results"
        results.mkdir(parents=True)
        (results / "model").write_text("x")
        sandbox = SandboxReport(level=SandboxLevel.PROCESS, stopped=[], open=[], why="")
        service = FlService(settings, store, control, SimpleNamespace(), sandbox)  # type: ignore[arg-type]
        service._launcher = SimpleNamespace(prepare=_nothing, preload=_nothing, release=_nothing)  # type: ignore[assignment]
        service._follow(RUN)
        deadline = time.monotonic() + 10
        while (run := store.run(RUN)) is None or run.finished is None:
            assert time.monotonic() < deadline, "nobody follows the run"
            time.sleep(0.01)
        return run.finished, [event.kind for event in store.events_after(0)]

    return followed


def _nothing(*_: Any) -> None: ...


@pytest.mark.parametrize("fault", [REFUSED, ValueError("a body that ends early")])
def test_one_wrong_answer_is_no_crash(follow, fault):
    finished, events = follow(Control(fault, COMPLETED))
    assert (finished["outcome"], events) == ("succeeded", ["run_finished"])


def test_a_run_that_the_superlink_does_not_know_goes_on_as_another(follow):
    _, events = follow(Control(*[REFUSED] * MOST_REFUSALS, COMPLETED))
    assert events == ["attempt", "run_finished"]


def test_a_superlink_that_never_lets_it_go_on_ends_the_run_in_words(follow):
    finished, events = follow(Control(REFUSED, starts=SuperLinkRefused("The SuperLink refused StartRun: it is full")))
    assert (finished["outcome"], finished["reason"], events) == ("failed", "crashed", ["run_finished"])
    assert (
        "no longer knew this run. The run could not go on: The SuperLink refused StartRun: it is full"
        in (finished["text"])
    )
