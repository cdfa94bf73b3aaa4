"""From *Initiate Training* to the end, whatever the net and the trusts do."""

import io
import zipfile
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hub.tests.conftest import QUERY
from hub.tests.rows import make_project, make_run

from flip_contracts.fl_api import EventKind
from flip_contracts.statuses import Decision, RunState
from flip_hub.db import now
from flip_hub.flower.port import FlRefused
from flip_hub.runs.schemas import read_run
from flip_hub.runs.tables import Run, RunLogLine


@pytest.fixture
def story(hub):
    alpha, beta = hub.trust("alpha"), hub.trust("beta")
    project = hub.approved_project(alpha, beta)
    model = hub.model(project)
    return hub, alpha, beta, project, model


def initiate(hub, model, **body) -> UUID:
    return UUID(hub.researcher.post(f"models/{model['id']}/runs", body)["id"])


def join(hub, run_id, *agents) -> None:
    """Each asked trust joins, is registered, starts its node and comes online."""
    hub.settle()
    for agent in agents:
        (task,) = agent.claim()
        assert task["payload"]["type"] == "join_run"
        agent.answer(task, {"public_key": f"ecdsa {agent.name}"})
    hub.settle()
    for agent in agents:
        (task,) = agent.claim()
        assert task["payload"]["type"] == "start_node"
        agent.answer(task, {})
    hub.fl.online(run_id, *(a.name for a in agents))
    hub.settle()


def read(hub, run_id) -> dict:
    return hub.researcher.get(f"runs/{run_id}")


def metric(value: float = 1.0, client_name: str = "alpha") -> dict:
    at = now().isoformat()
    return {"id": str(uuid4()), "label": "TRAIN_LOSS", "value": value, "round": 1, "client_name": client_name, "at": at}


def test_a_run_goes_from_the_queue_to_its_results(story):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model)
    assert read(hub, run_id)["queue_position"] == 1
    join(hub, run_id, alpha, beta)
    assert read(hub, run_id)["state"] == "running"
    hub.fl.emit(run_id, EventKind.APP_STATUS, status="INITIATED")
    hub.fl.emit(run_id, EventKind.APP_STATUS, status="PREPARED")
    hub.fl.emit(run_id, EventKind.TRAIN_SENT, round=1, nodes=2)
    hub.fl.emit(run_id, EventKind.ROUND_DONE, round=1, phase="train", results=2, failures=0, errors=[])
    hub.fl.emit(run_id, EventKind.LOG, lines=["hello"])
    alpha.send(kind="metrics", run_id=str(run_id), points=[metric(0.5)])
    hub.fl.emit(run_id, EventKind.APP_STATUS, status="RESULTS_UPLOADED")
    hub.settle()
    assert hub.researcher.get(f"models/{model['id']}")["status"] == "TRAINING_STARTED"

    hub.fl.finish(run_id, results={"model.safetensors": b"tensors"})
    hub.settle()
    run = read(hub, run_id)
    assert (run["state"], run["reason_code"]) == ("succeeded", "completed")
    history = [h["status"] for h in hub.researcher.get(f"models/{model['id']}")["history"]]
    assert history == ["INITIATED", "PREPARED", "TRAINING_STARTED", "RESULTS_UPLOADED"]
    archive = zipfile.ZipFile(io.BytesIO(hub.researcher.call("GET", f"runs/{run_id}/results").content))
    assert archive.read("model.safetensors") == b"tensors"
    assert hub.researcher.get(f"runs/{run_id}/metrics")[0]["trust"] == "alpha"
    assert hub.researcher.get(f"runs/{run_id}/log")["lines"][0]["text"] == "hello"
    assert hub.fl.forgotten == [run_id]
    assert [t["payload"]["type"] for t in (*alpha.claim(), *beta.claim())] == ["leave_run", "leave_run"]


def test_the_next_run_waits_for_the_slot_and_then_starts(story):
    hub, alpha, beta, project, model = story
    other = hub.model(project)
    first, second = initiate(hub, model), initiate(hub, other)
    join(hub, first, alpha, beta)
    assert read(hub, second)["state"] == "queued"
    hub.fl.finish(first, outcome="failed", reason="server_app_raised", text="ValueError: x")
    hub.settle()
    assert read(hub, first)["reason_text"] == "ValueError: x"
    assert hub.researcher.get(f"models/{model['id']}")["status"] == "ERROR"
    assert read(hub, second)["state"] == "starting"


def test_a_refused_app_fails_with_the_words_of_the_net(story):
    hub, _, _, _, model = story
    hub.fl.refuse = FlRefused("fab_too_large", "The app is too large.")
    run_id = initiate(hub, model)
    hub.settle()
    run = read(hub, run_id)
    assert (run["state"], run["reason_code"], run["reason_text"]) == ("failed", "app_refused", "The app is too large.")


def test_a_run_that_every_trust_refuses_fails_with_their_reasons(story):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model)
    hub.settle()
    for agent in (alpha, beta):
        (task,) = agent.claim()
        agent.answer(task, error={"code": "cohort_changed", "message": "Another cohort."})
    hub.settle()
    run = read(hub, run_id)
    assert (run["state"], run["reason_code"]) == ("failed", "no_trust_joined")
    assert "alpha: cohort_changed" in run["reason_text"]


def test_a_trust_that_refuses_is_left_out(story):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model)
    hub.settle()
    (task,) = beta.claim()
    beta.answer(task, error={"code": "cohort_changed", "message": "Another cohort."})
    join(hub, run_id, alpha)
    run = read(hub, run_id)
    assert run["state"] == "running"
    assert {t["trust"]: t["state"] for t in run["trusts"]} == {"alpha": "online", "beta": "refused"}


def test_stop_works_in_every_state(story):
    hub, alpha, beta, _, model = story
    for before in ("queued", "starting", "running"):
        run_id = initiate(hub, model)
        if before == "starting":
            hub.settle()
        if before == "running":
            join(hub, run_id, alpha, beta)
        assert read(hub, run_id)["state"] == before
        hub.researcher.post(f"runs/{run_id}/stop", status=202)
        hub.settle()
        run = read(hub, run_id)
        assert (run["state"], run["reason_code"]) == ("stopped", "stopped_by_user")
        assert hub.researcher.refused("POST", f"runs/{run_id}/stop") == "run_ended"
        for agent in (alpha, beta):
            for task in agent.claim():
                agent.answer(task, {"public_key": "k"})


def test_a_withdrawal_ends_that_trusts_part_at_once(story):
    hub, alpha, beta, project, model = story
    run_id = initiate(hub, model)
    join(hub, run_id, alpha, beta)
    beta.decide(project, QUERY, Decision.WITHDRAWN)
    hub.settle()
    assert {t["trust"]: t["state"] for t in read(hub, run_id)["trusts"]} == {"alpha": "online", "beta": "left"}
    alpha.decide(project, QUERY, Decision.WITHDRAWN)
    hub.settle()
    run = read(hub, run_id)
    assert (run["state"], run["reason_code"]) == ("stopped", "approval_withdrawn")


def test_a_net_that_is_down_for_a_while_loses_nothing(story):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model)
    hub.fl.down = True
    hub.settle()
    assert read(hub, run_id)["state"] == "starting"
    hub.fl.down = False
    join(hub, run_id, alpha, beta)
    assert read(hub, run_id)["state"] == "running"


def test_metrics_belong_to_the_authenticated_trust_and_count_once(story):
    hub, alpha, beta, _, model = story
    gamma = hub.trust("gamma")
    run_id = initiate(hub, model)
    join(hub, run_id, alpha, beta)
    point = metric(0.5, client_name="unknown_client")
    for _ in range(2):
        alpha.send(kind="metrics", run_id=str(run_id), points=[point])
    refused = gamma.send(kind="metrics", run_id=str(run_id), points=[metric()])
    assert refused["rejected"][0]["code"] == "message_refused"
    series = hub.researcher.get(f"runs/{run_id}/metrics")
    assert [(s["trust"], s["label"], s["points"]) for s in series] == [("alpha", "TRAIN_LOSS", [[1.0, 0.5]])]
    events = hub.researcher.get(f"runs/{run_id}/events")["events"]
    warnings = [e["payload"] for e in events if e["kind"] == "client_name_differs"]
    assert warnings == [{"trust": "alpha", "client_names": ["unknown_client"]}]


REFUSALS = {
    "run_config_key_undeclared": {"run_config": {"nope": 1}},
    "run_config_type_wrong": {"run_config": {"num-server-rounds": "2"}},
    "run_config_key_reserved": {"run_config": {"flip-model-id": "x"}},
    "trust_unknown": {"trusts": ["nowhere"]},
    "min_trusts_too_high": {"options": {"min_trusts": 3}},
    "invalid_request": {"run_config": {"num-server-rounds": [1]}},
}


@pytest.mark.parametrize("code", REFUSALS)
def test_bad_input_is_refused_and_nothing_is_queued(story, code):
    hub, _, _, _, model = story
    assert hub.researcher.refused("POST", f"models/{model['id']}/runs", json=REFUSALS[code]) == code
    assert hub.researcher.get(f"models/{model['id']}/runs") == []
    assert hub.researcher.get(f"models/{model['id']}")["status"] == "PENDING"


def test_an_expired_approval_is_no_approval(story):
    hub, alpha, beta, project, model = story
    for agent in (alpha, beta):
        agent.decide(project, QUERY, expires_at=now())
    assert hub.researcher.refused("POST", f"models/{model['id']}/runs", json={}) == "no_trust_approved"


def test_files_do_not_change_under_a_run(story):
    hub, _, _, _, model = story
    initiate(hub, model)
    path = f"models/{model['id']}/files/app/client_app.py"
    assert hub.researcher.refused("PUT", path, content=b"x = 1") == "model_busy"
    assert hub.researcher.refused("POST", f"models/{model['id']}/runs", json={}) == "model_busy"


def test_the_app_that_reaches_the_net_is_what_was_uploaded(story, monkeypatch):
    hub, _, _, _, model = story
    seen = {}
    prepare = hub.fl.prepare
    monkeypatch.setattr(hub.fl, "prepare", lambda run_id, spec, app: seen.update(app=app) or prepare(run_id, spec, app))
    initiate(hub, model)
    hub.settle()
    names = set(zipfile.ZipFile(io.BytesIO(seen["app"])).namelist())
    assert names == {"pyproject.toml", "app/__init__.py", "app/client_app.py", "app/server_app.py"}


def test_options_reach_the_net_and_the_trusts(story):
    hub, alpha, beta, _, model = story
    options = {"rounds": 7, "min_trusts": 2, "join_seconds": 30, "resources": {"memory_bytes": 2**30}}
    run_id = initiate(hub, model, options=options)
    hub.settle()
    assert hub.fl.runs[run_id].spec.run_config["num-server-rounds"] == 7
    (task,) = alpha.claim()
    assert task["payload"]["signed"]["manifest"]["limits"]["memory_bytes"] == 2**30
    beta.answer(*beta.claim(), error={"code": "cohort_changed", "message": "Another cohort."})
    hub.settle()
    run = read(hub, run_id)
    assert (run["state"], run["reason_code"]) == ("failed", "too_few_trusts")
    assert "beta: cohort_changed" in run["reason_text"]


def test_a_run_is_repeated_with_its_config_and_options(story):
    hub, _, _, _, model = story
    first = initiate(hub, model, run_config={"num-server-rounds": 2}, trusts=["beta"], options={"join_seconds": 30})
    hub.researcher.post(f"runs/{first}/abort", status=202)
    hub.settle()
    assert (read(hub, first)["state"], read(hub, first)["reason_code"]) == ("stopped", "aborted_by_user")
    again = hub.researcher.post(f"runs/{first}/rerun")
    assert (again["rerun_of"], again["run_config"]) == (str(first), {"num-server-rounds": 2})
    assert [t["trust"] for t in again["trusts"]] == ["beta"]
    assert again["options"]["join_seconds"] == 30


def test_a_stop_that_the_net_never_carries_out_is_given_up_and_a_page_is_told_each_step(story, monkeypatch):
    hub, alpha, beta, project, model = story
    run_id = initiate(hub, model)
    join(hub, run_id, alpha, beta)
    monkeypatch.setattr(hub.fl, "stop", lambda run_id: None)
    hub.researcher.post(f"runs/{run_id}/stop", status=202)
    hub.researcher.post(f"runs/{run_id}/stop", status=202)
    hub.settle()
    assert read(hub, run_id)["state"] == "running"
    with hub.database.session() as session:
        run = session.get_one(Run, run_id)
        run.stopping_at = now() - timedelta(seconds=hub.settings.stop_seconds + 1)
    hub.settle()
    assert (read(hub, run_id)["state"], run_id in hub.fl.forgotten) == ("stopped", True)
    kinds = [e["kind"] for e in hub.researcher.get(f"runs/{run_id}/events")["events"]]
    assert kinds.count("stop_requested") == kinds.count("stopping") == kinds.count("ended") == 1
    timeline = hub.researcher.get(f"runs/{run_id}/timeline")
    assert [p["name"] for p in timeline["phases"]] == ["queued", "starting", "running", "done"]
    assert [t["online_at"] is not None for t in timeline["trusts"]] == [True, True]
    activity = hub.researcher.get(f"projects/{project['id']}/activity?limit=2")
    assert activity["items"][0]["text"].startswith("The run stopped.")
    assert activity["next_cursor"]


def test_the_queue_shows_places_to_all_and_names_to_who_may_see(hub):
    ours, theirs = make_project(hub, name="ours"), make_project(hub, name="theirs")
    first, second = (make_run(hub, ours, state=RunState.QUEUED, starting_at=None) for _ in range(2))
    done = {"starting_at": now() - timedelta(hours=2), "finished_at": now() - timedelta(hours=1), "closed": True}
    make_run(hub, theirs, state=RunState.SUCCEEDED, **done)
    third = make_run(hub, theirs, state=RunState.QUEUED, starting_at=None)
    queue = hub.researcher.get("queue")
    assert [entry["run_id"] for entry in queue["waiting"]] == [str(first), str(third), str(second)]
    assert [entry["position"] for entry in queue["waiting"]] == [1, 2, 3]
    assert (queue["slots"], queue["deployment_mode"]) == (1, False)
    one, two, _ = [datetime.fromisoformat(entry["expected_start"]) for entry in queue["waiting"]]
    assert abs((two - one).total_seconds() - 3600) < 60
    assert read(hub, third)["queue_position"] == 2
    stranger = hub.person("researcher", "stranger@x.example").get("queue")
    assert {entry["run_id"] for entry in stranger["waiting"]} == {None}


def test_a_run_that_leaves_the_queue_while_it_is_read_has_no_place_in_it(hub):
    run_id = make_run(hub, make_project(hub), state=RunState.QUEUED, starting_at=None)
    with hub.database.session() as reading:
        run = reading.get_one(Run, run_id)
        with hub.database.session() as starting:
            starting.get_one(Run, run_id).state = RunState.STARTING
        assert read_run(reading, hub.settings, run).queue_position is None


def test_the_log_is_read_forward_backward_and_by_a_text(hub):
    run_id = make_run(hub, make_project(hub))
    with hub.database.session() as session:
        session.add_all([RunLogLine(run_id=run_id, at=now(), text=f"Line {n} 100%") for n in range(10)])
    log = hub.researcher.get(f"runs/{run_id}/log?limit=4")
    assert [line["text"][5] for line in log["lines"]] == ["0", "1", "2", "3"]
    newest = hub.researcher.get(f"runs/{run_id}/log?limit=4&before={2**62}")
    assert [line["text"][5] for line in newest["lines"]] == ["6", "7", "8", "9"]
    older = hub.researcher.get(f"runs/{run_id}/log?limit=4&before={newest['before']}")
    assert [line["text"][5] for line in older["lines"]] == ["2", "3", "4", "5"]
    assert len(hub.researcher.get(f"runs/{run_id}/log?search=line 3")["lines"]) == 1
    assert len(hub.researcher.get(f"runs/{run_id}/log?search=0%25")["lines"]) == 10
    assert hub.researcher.get(f"runs/{run_id}/log?search=1_0")["lines"] == []
