"""A run's SuperNode: started with a token of its own, told about, and ended with everything it started."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from flip_contracts.tasks import LeaveRun, StartNode
from flip_trust.errors import RunUnknown
from flip_trust.flower.supervisor import MOST_REJOINS, Supervisor


@pytest.fixture
def review(site):
    return site.approved()


def events(site, run_id):
    told = [m for m in site.outbox("node_event") if m["run_id"] == str(run_id) and m["event"] != "rejoin"]
    return [(m["event"], m["code"], m["text"]) for m in told]


def rejoins(site, run_id):
    return [m for m in site.outbox("node_event") if m["run_id"] == str(run_id) and m["event"] == "rejoin"]


def write(site, run_id, line: bytes):
    with (site.folder(run_id) / "events.jsonl").open("ab") as sink:
        sink.write(line)


def gone(site, pids):
    """Killed; a process that nobody waits for may take a moment to be gone."""
    site.eventually(lambda: not any(site.alive(pid) for pid in pids))


def test_a_started_node_is_told_with_its_events_scrubbed(site, review, monkeypatch):
    monkeypatch.setenv("HUB_SECRET", "must not reach a SuperNode")
    run_id = site.started(review)
    pid, _ = site.pids(run_id)
    site.eventually(lambda: len(events(site, run_id)) == 2)
    assert events(site, run_id) == [("started", "", ""), ("client_failed", "boom", "no [value] here")]
    with open(f"/proc/{pid}/environ", "rb") as environment:
        assert b"HUB_SECRET" not in environment.read()
    assert os.getpgid(pid) == pid  # a group of its own


def test_what_a_node_sends_to_the_superlink_is_in_the_ledger_also_what_was_cut_off(site, review):
    run_id = site.started(review)

    def replies():
        return [
            (e.sha256[0], e.bytes, e.code)
            for e in site.agent.what_left.entries(run_id=str(run_id), kind="reply: train")
        ]

    site.eventually(lambda: replies() == [("a", 1234, "")])
    os.killpg(site.pids(run_id)[0], signal.SIGKILL)
    site.eventually(lambda: replies() == [("a", 1234, ""), ("b", 0, "cut_off")])
    assert "sending" not in str(site.outbox())


def test_the_node_gets_what_the_manifest_says_within_the_trusts_limits(site, review):
    run_id = site.started(review, limits={"wall_seconds": 10**6, "memory_bytes": 5})
    spec = site.spec(run_id)
    assert (spec["run_id"], spec["trust"], spec["superlink"]) == (str(run_id), site.name, "127.0.0.1:1")
    assert spec["limits"] == {
        "wall_seconds": site.agent.settings.run_wall_seconds,
        "memory_bytes": 5,
        "processes": 256,
        "disk_bytes": site.agent.settings.run_disk_bytes,
    }
    assert spec["readable"] == [str(site.agent.settings.data_dir / "imaging" / "cache" / str(review.project_id))]
    assert spec["app_env"]["FLIP_PROJECT_ID"] == str(review.project_id)
    folder = site.folder(run_id)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {(folder / name).stat().st_mode & 0o777 for name in ("spec.json", "node.key")} == {0o600}


WAYS = [  # what is set for the agent, what is in its environment, what its SuperNode gets
    (None, {}, (None, "127.0.0.1,localhost")),
    ("http://p:1", {"HTTPS_PROXY": "http://q:2", "NO_PROXY": "*"}, ("http://p:1", "127.0.0.1,localhost")),
    (None, {"https_proxy": "http://q:2", "no_proxy": ".lan"}, ("http://q:2", "127.0.0.1,localhost,.lan")),
]


@pytest.mark.parametrize(("own", "around", "expected"), WAYS)
def test_a_node_takes_the_agents_way_to_the_hub(site, review, monkeypatch, own, around, expected):
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in around.items():
        monkeypatch.setenv(name, value)
    settings = site.agent.settings.model_copy(update={"hub_proxy": own})
    monkeypatch.setattr(site.agent.supervisor, "_settings", settings)
    pid, _ = site.pids(site.started(review))
    found = dict(e.split("=", 1) for e in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in e)
    assert (found.get("HTTPS_PROXY"), found["NO_PROXY"]) == expected
    assert (found.get("https_proxy"), found["no_proxy"]) == expected


def test_starting_twice_keeps_the_process_and_its_token(site, review):
    run_id = site.started(review)
    pid, token = site.pids(run_id)[0], site.token(run_id)
    assert site.code(StartNode(run_id=run_id)) is None
    assert (site.pids(run_id)[0], site.token(run_id)) == (pid, token)


def test_a_node_that_died_is_started_again_with_another_token(site, review):
    run_id = site.started(review)
    (pid, child), old = site.pids(run_id), site.token(run_id)
    os.killpg(pid, signal.SIGKILL)
    site.eventually(lambda: not site.alive(pid))
    assert site.code(StartNode(run_id=run_id)) is None
    assert site.agent.store.run(run_id).pid != pid
    assert site.token(run_id) != old
    gone(site, [child])


def test_leaving_kills_the_node_and_its_child_deletes_the_folder_and_ends_the_token(site, review):
    run_id, other = site.started(review), site.started(review)
    pids, others = site.pids(run_id), site.pids(other)
    api, params = site.api(run_id), {"project_id": str(review.project_id)}
    assert api.get("/data/v1/cohort", params=params).status_code == 200
    assert site.code(LeaveRun(run_id=run_id)) is None
    gone(site, pids)
    assert not site.folder(run_id).exists()
    assert api.get("/data/v1/cohort", params=params).status_code == 401
    assert site.agent.store.run(run_id).ended
    assert all(site.alive(pid) for pid in others)
    assert site.api(other).get("/data/v1/cohort", params=params).status_code == 200
    assert site.code(LeaveRun(run_id=run_id)) is None  # a repeat does no harm


def test_leaving_kills_the_child_of_a_node_that_died_by_itself(site, review):
    run_id = site.started(review)
    pid, child = site.pids(run_id)
    os.kill(pid, signal.SIGKILL)
    site.eventually(lambda: not site.alive(pid))
    assert site.alive(child)
    assert site.code(LeaveRun(run_id=run_id)) is None
    site.eventually(lambda: not site.alive(child))


def test_a_node_that_ignores_the_signal_is_killed_after_the_deadline(site, review, monkeypatch):
    monkeypatch.setattr("flip_trust.flower.supervisor.LEAVE_SECONDS", 0.2)
    site.agent.settings.fl_command.write_text(
        '#!/bin/sh\ntrap \'\' TERM\nsleep 300 &\necho $! > "$(dirname "$3")/child.pid"\nwait\nsleep 300\n'
    )
    run_id = site.started(review)
    pids = site.pids(run_id)
    assert site.code(LeaveRun(run_id=run_id)) is None
    gone(site, pids)


def test_a_withdrawn_approval_ends_the_runs_of_that_project_only(site, review):
    other_review = site.approved()
    run_id, other = site.started(review), site.started(other_review)
    pids, others = site.pids(run_id), site.pids(other)
    site.agent.approvals.withdraw(review.project_id)
    site.agent.apply_decisions()
    gone(site, pids)
    assert not site.folder(run_id).exists()
    assert all(site.alive(pid) for pid in others)
    assert site.code(StartNode(run_id=run_id)) == "run_unknown"


def test_nothing_starts_once_the_agent_goes_down(site, review):
    run_id = site.started(review)
    pids = site.pids(run_id)
    site.agent.supervisor.stop_all()
    gone(site, pids)
    assert site.code(StartNode(run_id=run_id)) == "run_unknown"
    with pytest.raises(RunUnknown):
        site.agent.supervisor.start(site.agent.store.run(run_id).manifest)


def test_a_command_that_is_not_there_is_a_plain_failure(site, review):
    site.agent.settings.fl_command.unlink()
    join = site.join(review)
    site.do(join)
    assert site.code(StartNode(run_id=join.signed.manifest.run_id)) == "supernode_failed"


def test_lines_that_are_no_events_are_passed_over_without_their_text(site, review, caplog):
    run_id = site.started(review)
    site.eventually(lambda: len(events(site, run_id)) == 2)
    write(site, run_id, b'CANARY is not JSON\n[1, "CANARY"]\n{"event": "CANARY"}\n')
    ended = json.dumps({"event": "ended", "code": "done", "extra": "CANARY"}).encode()
    write(site, run_id, ended[:9])
    write(site, run_id, ended[9:] + b"\n")
    site.eventually(lambda: len(events(site, run_id)) == 3)
    assert events(site, run_id)[2] == ("ended", "done", "")
    assert "CANARY" not in caplog.text + json.dumps(site.outbox())


def test_clean_up_after_a_crash_kills_what_a_previous_agent_left(site, review):
    run_id = site.started(review)
    pids = site.pids(run_id)
    after = Supervisor(
        site.agent.settings, site.agent.store, site.agent.outbox, site.agent.witness
    )  # knows nothing of the process
    after.clean_up_after_crash()
    gone(site, pids)
    (asked,) = rejoins(site, run_id)
    assert (asked["code"], asked["public_key"]) == ("agent_restarted", site.agent.store.run(run_id).public_key)
    assert not site.agent.store.run(run_id).ended
    assert site.code(StartNode(run_id=run_id)) is None  # as the hub answers, once it has registered the key


def test_clean_up_keeps_runs_that_were_joined_and_not_started(site, review):
    join = site.join(review)
    site.do(join)
    site.agent.supervisor.clean_up_after_crash()
    assert [r.manifest.run_id for r in site.agent.store.open_runs()] == [join.signed.manifest.run_id]
    assert site.code(StartNode(run_id=join.signed.manifest.run_id)) is None


def test_clean_up_does_not_kill_a_stranger_who_has_the_old_number(site, review):
    join = site.join(review)
    run_id = join.signed.manifest.run_id
    site.do(join)
    stranger = subprocess.Popen(["sleep", "300"], start_new_session=True)
    try:
        site.agent.store.update_run(run_id, pid=stranger.pid, pid_started="1")
        site.agent.supervisor.clean_up_after_crash()
        assert stranger.poll() is None
        assert rejoins(site, run_id)
    finally:
        stranger.kill()
        stranger.wait()


def test_clean_up_kills_the_child_of_a_leader_that_is_dead_already(site, review):
    run_id = site.started(review)
    pid, child = site.pids(run_id)
    os.kill(pid, signal.SIGKILL)  # as PDEATHSIG ends it with the agent
    site.eventually(lambda: not os.path.exists(f"/proc/{pid}"))
    try:
        Supervisor(site.agent.settings, site.agent.store, site.agent.outbox, site.agent.witness).clean_up_after_crash()
        site.eventually(lambda: not site.alive(child), 0.5)
    finally:
        if site.alive(child):
            os.kill(child, signal.SIGKILL)


def test_the_code_of_an_event_carries_no_value_of_the_cohort(site, review):
    run_id = site.started(review)
    site.eventually(lambda: len(events(site, run_id)) == 2)
    write(site, run_id, b'{"event": "client_failed", "code": "CANARY-A-0001"}\n')
    site.eventually(lambda: len(events(site, run_id)) == 3)
    assert "CANARY" not in json.dumps(site.outbox("node_event"))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_line_that_is_no_utf8_does_not_silence_the_node(site, review):
    run_id = site.started(review)
    site.eventually(lambda: len(events(site, run_id)) == 2)
    write(site, run_id, b'\xff\xfe\n{"event": "ended"}\n')
    site.eventually(lambda: len(events(site, run_id)) == 3)


def test_a_node_that_was_lost_is_replaced_with_a_key_of_its_own(site, review):
    run_id = site.started(review)
    pid, child = site.pids(run_id)
    key, file = site.agent.store.run(run_id).public_key, (site.folder(run_id) / "node.key").read_bytes()
    site.eventually(lambda: len(events(site, run_id)) == 2)
    os.kill(pid, signal.SIGKILL)
    site.eventually(lambda: rejoins(site, run_id))
    gone(site, [child])
    (asked,) = rejoins(site, run_id)
    assert asked["code"] == "supernode_died"
    assert asked["public_key"] == site.agent.store.run(run_id).public_key != key
    assert (site.folder(run_id) / "node.key").read_bytes() != file
    assert site.code(StartNode(run_id=run_id)) is None
    assert site.pids(run_id)[0] != pid


def test_a_node_that_was_refused_does_not_try_again(site, review):
    run_id = site.started(review)
    pid, _ = site.pids(run_id)
    write(site, run_id, b'{"event": "refused", "code": "fab_hash_mismatch"}\n')
    site.eventually(lambda: any(e[0] == "refused" for e in events(site, run_id)))
    os.killpg(pid, signal.SIGKILL)
    gone(site, [pid])
    site.agent.supervisor.leave(run_id)
    assert rejoins(site, run_id) == []


def test_a_node_that_dies_again_and_again_is_given_up_and_told(site, review):
    run_id = site.started(review)
    for deaths in range(MOST_REJOINS):
        os.killpg(site.agent.store.run(run_id).pid, signal.SIGKILL)
        # The hub's next task comes after the agent has noticed, never before.
        site.eventually(lambda n=deaths: len(rejoins(site, run_id)) == n + 1)
        assert site.code(StartNode(run_id=run_id)) is None
    os.killpg(site.agent.store.run(run_id).pid, signal.SIGKILL)
    site.eventually(lambda: any(e[0] == "ended" for e in events(site, run_id)))
    (ended,) = [e for e in events(site, run_id) if e[0] == "ended"]
    assert "is not started again" in ended[2]
    assert len(rejoins(site, run_id)) == MOST_REJOINS


def test_a_run_that_was_left_does_not_come_back(site, review):
    run_id = site.started(review)
    pids = site.pids(run_id)
    assert site.code(LeaveRun(run_id=run_id)) is None
    gone(site, pids)
    Supervisor(site.agent.settings, site.agent.store, site.agent.outbox, site.agent.witness).clean_up_after_crash()
    assert rejoins(site, run_id) == []
