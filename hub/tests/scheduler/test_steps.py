"""A step that takes long (a push of gigabytes, a net that hangs) holds up no other run, and not its own end."""

import threading
import time
from collections.abc import Callable

import pytest
from hub.tests.rows import make_project

from flip_hub.nets.tables import NetRow
from flip_hub.scheduler.loop import in_a_thread

pytestmark = pytest.mark.commits  # threads


def until(what: Callable[[], bool], look: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        look()
        time.sleep(0.02)


@pytest.fixture
def held(hub):
    """Two runs on a net that answers the first one's `prepare` when it is let go."""
    hub.alpha = hub.trust("alpha")
    sql = "SELECT person_id FROM omop.person"
    model, other = (hub.model({"id": str(make_project(hub, "alpha", sql=sql, name=name))}) for name in "AB")
    first = hub.researcher.post(f"models/{model['id']}/runs")["id"]
    second = hub.researcher.post(f"models/{other['id']}/runs")["id"]
    hub.let_go, hub.asked, hub.threads = threading.Event(), [], []
    with hub.database.session() as session:
        session.get_one(NetRow, hub.net_id).slots = 2
    prepare = hub.fl.prepare

    def slow(run_id, *rest):
        hub.asked.append(str(run_id))
        assert str(run_id) != first or hub.let_go.wait(10)
        return prepare(run_id, *rest)

    hub.fl.prepare = slow
    hub.beside = lambda: hub.scheduler(lambda step: hub.threads.append(in_a_thread(step)))
    yield hub, first, second
    hub.let_go.set()
    for thread in hub.threads:
        thread.join(10)


def state(hub, run_id: str) -> str:
    return hub.researcher.get(f"runs/{run_id}")["state"]


def test_another_run_begins_and_stops_meanwhile(held):
    hub, first, second = held
    scheduler = hub.beside()
    until(lambda: set(hub.asked) == {first, second}, scheduler.tick)
    hub.researcher.post(f"runs/{second}/stop", status=202)
    scheduler.tick()
    assert (state(hub, first), state(hub, second)) == ("starting", "stopped")
    until(lambda: [str(run) for run in hub.fl.forgotten] == [second], scheduler.tick)
    assert hub.asked.count(first) == 1, "one step of a run at a time"
    hub.let_go.set()
    joins: list[str] = []
    until(
        lambda: first in joins,
        lambda: joins.extend(t["payload"]["signed"]["manifest"]["run_id"] for t in hub.alpha.claim() if join(t)),
    )


def join(task: dict) -> bool:
    return task["payload"]["type"] == "join_run"


def test_a_run_that_is_aborted_during_its_own_long_step_ends_at_once_and_asks_nobody(held):
    hub, first, _ = held
    scheduler = hub.beside()
    until(lambda: first in hub.asked, scheduler.tick)
    hub.researcher.post(f"runs/{first}/abort", status=202)
    scheduler.tick()
    assert state(hub, first) == "stopped"
    hub.let_go.set()
    until(lambda: [str(run) for run in hub.fl.forgotten] == [first], scheduler.tick)
    asked = [t["payload"]["signed"]["manifest"]["run_id"] for t in hub.alpha.claim() if join(t)]
    assert first not in asked


def test_of_two_hubs_one_takes_the_step(held):
    hub, first, _ = held
    one, other = hub.beside(), hub.beside()
    until(lambda: first in hub.asked, one.tick)
    for _ in range(3):
        other.tick()
    assert hub.asked.count(first) == 1
