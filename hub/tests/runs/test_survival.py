"""What the hub does and says when something of a run was lost: never its end, unless its owner wanted that."""

import asyncio
from datetime import timedelta

import pytest
from hub.tests.runs.test_story import initiate, join, read, story

from flip_contracts.fl_api import EventKind
from flip_contracts.statuses import RunState
from flip_hub.db import now
from flip_hub.flower.follower import follow_net, tell_silence
from flip_hub.runs.tables import Run
from flip_hub.scheduler.diagnosis import diagnose
from flip_hub.trusts.tables import Trust

__all__ = ["story"]


def texts(hub, run_id) -> list[str]:
    return [event["text"] for event in hub.researcher.get(f"runs/{run_id}/events")["events"]]


def state_of(hub, run_id, trust: str) -> str:
    return next(t["state"] for t in read(hub, run_id)["trusts"] if t["trust"] == trust)


def lost(agent, run_id, key: str, code: str = "supernode_died") -> dict:
    event = {"event": "rejoin", "code": code, "public_key": key, "at": now().isoformat()}
    return agent.send(kind="node_event", run_id=str(run_id), **event)


def test_options_of_survival_reach_the_net(story):
    hub, _, _, _, model = story
    options = {
        "on_crash": "restart",
        "on_slow_trust": "minimum",
        "round_seconds": 60,
        "empty_rounds": 3,
        "min_trusts": 2,
    }
    run_id = initiate(hub, model, options=options)
    hub.settle()
    spec = hub.fl.runs[run_id].spec
    assert (spec.on_crash, spec.round_policy.kind, spec.round_policy.seconds) == ("restart", "minimum", 60)
    assert (spec.round_policy.minimum, spec.round_policy.empty_rounds) == (2, 3)
    for wrong in ({"on_slow_trust": "minimum"}, {"round_seconds": 5}, {"on_crash": "pray"}, {"empty_rounds": 0}):
        other = hub.model({"id": str(model["project_id"])})
        assert (
            hub.researcher.refused("POST", f"models/{other['id']}/runs", json={"options": wrong}) == "invalid_request"
        )


def test_a_trust_whose_node_was_lost_takes_part_again_with_a_new_key(story):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model)
    join(hub, run_id, alpha, beta)
    assert lost(beta, run_id, "ecdsa second")["rejected"] == []
    assert state_of(hub, run_id, "beta") == "joined"
    hub.fl.runs[run_id].nodes["beta"] = False
    hub.settle()
    (task,) = beta.claim()
    assert task["payload"]["type"] == "start_node"
    beta.answer(task, {})
    hub.settle()
    assert (read(hub, run_id)["state"], state_of(hub, run_id, "beta")) == ("running", "registered")
    hub.fl.online(run_id, "beta")
    hub.settle()
    assert state_of(hub, run_id, "beta") == "online"
    said = texts(hub, run_id)
    assert said[-3:-1] == ["beta was lost (its SuperNode ended) and comes back.", "beta is online."] or (
        "beta was lost (its SuperNode ended) and comes back." in said and said.count("beta is online.") == 2
    )
    lost(beta, run_id, "ecdsa third", "agent_restarted")
    hub.settle()
    (task,) = beta.claim()  # each time it is asked to start anew
    assert task["payload"]["type"] == "start_node"


def test_who_has_left_or_was_never_asked_does_not_come_back(story):
    hub, alpha, beta, _, model = story
    gamma = hub.trust("gamma")
    run_id = initiate(hub, model)
    join(hub, run_id, alpha, beta)
    assert lost(gamma, run_id, "ecdsa gamma")["rejected"][0]["code"] == "message_refused"
    hub.fl.finish(run_id)
    hub.settle()
    for agent in (alpha, beta):
        for task in agent.claim():
            agent.answer(task, {})
    assert lost(beta, run_id, "ecdsa late")["rejected"] == []
    hub.settle()
    assert beta.claim() == []
    assert state_of(hub, run_id, "beta") == "left"


def test_a_stop_ends_clientapps_before_the_net_has_told_its_end(story, monkeypatch):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model)
    join(hub, run_id, alpha, beta)
    monkeypatch.setattr(hub.fl, "stop", lambda run_id: None)  # it takes its time
    hub.researcher.post(f"runs/{run_id}/stop", status=202)
    hub.settle()
    assert read(hub, run_id)["state"] == "running"
    for agent in (alpha, beta):
        (task,) = agent.claim()
        assert task["payload"]["type"] == "leave_run"


def test_an_attempt_is_told_and_what_was_under_way_is_done_again(story):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model)
    join(hub, run_id, alpha, beta)
    for number in (1, 2):
        hub.fl.emit(run_id, EventKind.TRAIN_SENT, round=number, nodes=2)
        hub.fl.emit(run_id, EventKind.ROUND_DONE, round=number, phase="train", results=2, failures=0)
    hub.fl.emit(run_id, EventKind.TRAIN_SENT, round=3, nodes=2)
    why = "The ServerApp's process was ended by signal 9."
    hub.fl.emit(run_id, EventKind.ATTEMPT, attempt=2, after_round=2, why=why)
    hub.settle()
    run = read(hub, run_id)
    assert (run["state"], run["reason_text"]) == ("running", f"Resumed after round 2. {why}")
    assert f"Resumed after round 2. {why}" in texts(hub, run_id)
    hub.fl.emit(run_id, EventKind.TRAIN_SENT, round=3, nodes=2)
    hub.fl.emit(run_id, EventKind.ROUND_DONE, round=3, phase="train", results=2, failures=0)
    hub.settle()
    rounds = hub.researcher.get(f"runs/{run_id}/timeline")["rounds"]
    assert [(r["round"], len(r["aggregated"])) for r in rounds] == [(1, 1), (2, 1), (3, 1)]


@pytest.mark.commits  # the follower is at work beside the requests
def test_while_the_net_is_silent_the_run_says_so_and_waits(story):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model)
    join(hub, run_id, alpha, beta)
    hub.fl.down = True

    async def followed(until) -> None:
        following = asyncio.create_task(follow_net(hub.database, hub.net_id, hub.fl))
        try:
            async with asyncio.timeout(30):
                while not await asyncio.to_thread(until):
                    await asyncio.sleep(0.05)
        finally:
            following.cancel()

    asyncio.run(followed(lambda: read(hub, run_id)["reason_code"] == "net_silent"))
    assert "goes on by itself" in read(hub, run_id)["reason_text"]
    tell_silence(hub.database, hub.net_id, True)  # said once
    assert [t for t in texts(hub, run_id) if "does not answer now" in t] == [texts(hub, run_id)[-1]]
    hub.settle()
    assert read(hub, run_id)["state"] == "running"
    hub.fl.down = False
    tell_silence(hub.database, hub.net_id, False)
    assert (read(hub, run_id)["reason_code"], texts(hub, run_id)[-1]) == ("", "The net answers again.")


def test_what_happened_while_no_hub_was_there_is_not_held_against_a_run(story):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model, options={"no_progress_seconds": 60})
    join(hub, run_id, alpha, beta)
    with hub.database.session() as session:
        session.get_one(Run, run_id).progress_at = now() - timedelta(days=1)
    hub.settle()  # a hub that has just come back
    assert read(hub, run_id)["state"] == "running"
    assert read(hub, run_id)["stop_requested"] is None


def test_a_run_without_progress_ends_with_a_diagnosis(story):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model, options={"no_progress_seconds": 60})
    join(hub, run_id, alpha, beta)
    hub.fl.emit(run_id, EventKind.TRAIN_SENT, round=3, nodes=2)
    hub.settle()
    done = {"event": "client_done", "code": "train", "numbers": {"turn": 3.0, "seconds": 1.0}, "at": now().isoformat()}
    alpha.send(kind="node_event", run_id=str(run_id), **done)
    with hub.database.session() as session:
        session.get_one(Run, run_id).progress_at = now() - timedelta(days=1)
    scheduler = hub.scheduler()
    scheduler._awake_since -= timedelta(days=2)
    scheduler.tick()
    hub.settle()
    run = read(hub, run_id)
    assert (run["state"], run["reason_code"]) == ("failed", "no_progress")
    assert run["reason_text"].endswith("Round 3 waits for beta, whose ClientApp has not answered.")


DIAGNOSES = [
    ([], "The ServerApp has not started: look at the net's executor."),
    ([(EventKind.RUN_STARTED, {})], "The ServerApp runs and has sent no message"),
    (
        [(EventKind.TRAIN_SENT, {"round": 1, "nodes": 2})],
        "Round 1 waits for alpha, whose agent is not heard of; beta, whose",
    ),
    (
        [(EventKind.ROUND_DONE, {"round": 1, "phase": "train", "results": 1, "failures": 0})],
        "Round 1 was combined, and the ServerApp has begun nothing since.",
    ),
]


@pytest.mark.parametrize(("told", "words"), DIAGNOSES)
def test_a_diagnosis_names_the_side_that_is_waited_for(story, told, words):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model)
    join(hub, run_id, alpha, beta)
    for kind, payload in told:
        hub.fl.emit(run_id, kind, **payload)
    hub.settle()
    with hub.database.session() as session:
        for trust in session.query(Trust):
            trust.last_seen_at = now() - timedelta(hours=1)
        run = session.get_one(Run, run_id)
        assert run.state == RunState.RUNNING
        assert diagnose(session, run).startswith(words)
