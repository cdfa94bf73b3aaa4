"""Two hub processes schedule on one database: each step is done once, and either takes over from the other."""

import threading

import pytest
from hub.tests.rows import make_project

from flip_hub.flower.port import FlUnavailable
from flip_hub.keys import SecretBox
from flip_hub.nets.directory import NetDirectory

pytestmark = pytest.mark.commits  # threads


def test_of_two_schedulers_one_acts_at_a_time_and_no_trust_is_asked_twice(hub):
    alpha = hub.trust("alpha")
    model = hub.model({"id": str(make_project(hub, "alpha", sql="SELECT person_id FROM omop.person"))})
    hub.researcher.post(f"models/{model['id']}/runs")
    prepared, inside, most = [], 0, 0
    prepare = hub.fl.prepare

    def watched(*arguments):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        prepared.append(arguments[0])
        threading.Event().wait(0.2)
        inside -= 1
        return prepare(*arguments)

    hub.fl.prepare = watched
    both = [threading.Thread(target=hub.scheduler().tick) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    for other in (hub.scheduler(), hub.scheduler()):
        other.tick()
    assert (most, len(prepared)) == (1, 1)
    assert [task["payload"]["type"] for task in alpha.claim()] == ["join_run"]


def test_what_one_hub_began_and_did_not_end_another_goes_on_with(hub):
    hub.trust("alpha")
    model = hub.model({"id": str(make_project(hub, "alpha", sql="SELECT person_id FROM omop.person"))})
    run = hub.researcher.post(f"models/{model['id']}/runs")
    prepare, hub.fl.prepare = hub.fl.prepare, lambda *_: (_ for _ in ()).throw(FlUnavailable("killed half-way"))
    hub.scheduler().tick()
    assert hub.researcher.get(f"runs/{run['id']}")["state"] == "starting"
    hub.fl.prepare = prepare
    hub.scheduler().tick()
    assert list(hub.fl.runs) != []


def test_two_hubs_that_start_at_once_know_the_same_net(hub):
    (hub.settings.data_dir / "k").write_text("key")
    settings = hub.settings.model_copy(update={"nets": [hub.net.model_copy(update={"name": "new"})]})
    known, barrier = [], threading.Barrier(4)

    def start() -> None:
        barrier.wait()
        box = SecretBox(settings.secret_key_file)
        nets = NetDirectory(settings, hub.database, box, lambda url, key: hub.fl)
        nets.refresh()
        known.append(set(nets))

    hubs = [threading.Thread(target=start) for _ in range(4)]
    for thread in hubs:
        thread.start()
    for thread in hubs:
        thread.join()
    assert len(known) == 4
    assert len(set.union(*known)) == 1
