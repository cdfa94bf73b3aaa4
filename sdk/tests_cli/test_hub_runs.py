"""`flip train`, `watch`, `logs` and `stop`, from the queue to every kind of end."""

import re
import signal
import time

import pytest
from sdk.tests_cli.hub_fixtures import Story, flip, hub, story  # noqa: F401  fixtures

# ruff: noqa: F811  pytest hands fixtures over by name


@pytest.fixture
def ready(story: Story) -> Story:
    return story.uploaded()


def ended(watching) -> tuple[int, str, str]:
    out, err = watching.communicate(timeout=90)
    return watching.returncode, out, err


def a_round(story: Story, run_id: str, number: int = 1) -> None:
    """One round as a net and two trusts tell it."""
    story.hub.do("emit", run_id=run_id, kind="train_sent", round=number, nodes=2)
    for trust in ("trust-alpha", "trust-beta"):
        story.hub.do("metric", run_id=run_id, trust=trust, value=1 / number, round=number)
    done = {"round": number, "phase": "train", "results": 2, "failures": 0, "errors": []}
    story.hub.do("emit", run_id=run_id, kind="round_done", **done)


def test_train_and_watch_to_the_results_as_plain_lines(ready: Story):
    watching = ready.flip.start("train", ready.model, "--watch", "--rounds", "1", "--min-trusts", "2")
    run = first_run(ready)
    run_id = run["id"]
    assert (run["run_config"], run["options"]["min_trusts"]) == ({"num-server-rounds": 1}, 2)
    ready.hub.do("join", run_id=run_id)
    ready.hub.do("emit", run_id=run_id, kind="app_status", status="PREPARED")
    a_round(ready, run_id)
    ready.hub.do("emit", run_id=run_id, kind="log", lines=["hello from the server", "\x1b[2Jwiped"])
    ready.hub.do("finish", run_id=run_id, results_bytes=10)
    code, out, err = ended(watching)
    assert (code, err) == (0, "")
    assert f"Run {run_id[:8]} of {ready.model} is queued for trust-alpha, trust-beta." in out
    statuses = re.findall(r"(?m)^..:..:..  ([A-Z_]+)$", out)
    assert statuses == ["INITIATED", "PREPARED", "TRAINING_STARTED", "RESULTS_UPLOADED"]
    for line in (
        "trust-alpha joined.",
        "trust-beta is online.",
        "Round 1 was sent to 2 trusts.",
        "trust-alpha  TRAIN_LOSS 1  (round 1)",
        "Round 1 (train): 2 results, 0 failures.",
        "log | hello from the server",
        "log | \ufffd[2Jwiped",
    ):
        assert out.count(f"  {line}\n") == 1, (line, out)
    assert out.endswith(
        f"Run {run_id[:8]} succeeded: Completed. [completed]\nNext: flip results {ready.model_id[:8]}\n"
    )
    again = ready.flip("watch", ready.model)
    assert again.code == 0
    assert "succeeded" in again.out


def first_run(story: Story) -> dict:
    """The run that a command in the background is about to start."""
    deadline = time.monotonic() + 60
    while not (runs := story.runs()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return runs[0]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (
            {"outcome": "failed", "reason": "server_app_raised", "text": "ValueError: a bad day"},
            "failed: ValueError: a bad day",
        ),
        ({"outcome": "stopped", "reason": "stopped_by_user", "text": "Stopped."}, "stopped"),
    ],
)
def test_a_bad_end_is_told_with_its_reason_and_exit_code_1(ready: Story, how: dict, words: str):
    run_id = ready.running()
    watching = ready.flip.start("watch", ready.model)
    ready.hub.do("finish", run_id=run_id, **how)
    code, out, err = ended(watching)
    assert code == 1
    assert f"flip: Run {run_id[:8]} {words}" in err
    assert f"[{how['reason']}]" in err
    assert "flip logs" in err
    assert "Next: flip results" not in out


def test_watching_survives_an_absence_of_the_hub_and_says_so(ready: Story):
    run_id = ready.running()
    watching = ready.flip.start("watch", ready.model)
    for line in watching.stdout:
        if line.endswith("  The run is running.\n"):
            break
    ready.hub.do("down")
    away = watching.stdout.readline()
    assert "does not answer" in away
    assert "the run goes on without us" in away
    ready.hub.do("up")
    ready.hub.do("finish", run_id=run_id, results_bytes=1)
    code, out, _ = ended(watching)
    assert code == 0
    assert "The hub is back." in out


def test_patience_has_an_end(ready: Story):
    run_id = ready.running()
    watching = ready.flip.start("watch", ready.model, "--patience", "0.5")
    for line in watching.stdout:
        if line.endswith("  The run is running.\n"):
            break
    ready.hub.do("down")
    code, _, err = ended(watching)
    ready.hub.do("up")
    assert code == 1
    assert "[hub_unavailable]" in err
    ready.hub.do("finish", run_id=run_id)


def test_ctrl_c_leaves_the_run_alone(ready: Story):
    run_id = ready.running()
    watching = ready.flip.start("watch", ready.model)
    assert watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    code, _, err = ended(watching)
    assert code == 130
    assert "The run goes on." in err
    assert ready.runs()[0]["state"] == "running"
    ready.hub.do("finish", run_id=run_id)


def test_a_terminal_shows_bar_trusts_sparkline_and_log(ready: Story):
    run_id = ready.running()
    terminal = ready.flip.on_terminal("watch", ready.model)
    terminal.until("Ctrl-C leaves this view")
    for number in (1, 2, 3):
        a_round(ready, run_id, number)
    ready.hub.do("emit", run_id=run_id, kind="log", lines=["one line of the app"])
    ready.hub.do("emit", run_id=run_id, kind="app_status", status="PREPARED")
    seen = terminal.until("one line of the app")
    assert "● INITIATED" in seen
    assert "○ RESULTS_UPLOADED" in seen
    assert re.search(r"trust-beta +online +TRAIN_LOSS +0.3333 +round 3 +█▂▁", terminal.until("round 3 +█▂▁"))
    ready.hub.do("down")
    terminal.until("No answer from the hub for [0-9]+ s")
    ready.hub.do("up")
    ready.hub.do("finish", run_id=run_id, results_bytes=1)
    terminal.until("● RESULTS_UPLOADED")
    assert terminal.end() == 0
    assert "succeeded: Completed." in terminal.seen


REFUSALS = {
    "nope=1": ("run_config_key_undeclared", "keys: nope."),
    "num-server-rounds=many": ("run_config_invalid", "num-server-rounds=many"),
    "num-server-rounds=true": ("run_config_type_wrong", "num-server-rounds (int)"),
    "flip-model-id='x'": ("run_config_key_reserved", "keys: flip-model-id."),
}


@pytest.mark.parametrize("text", REFUSALS)
def test_a_run_config_that_does_not_fit_starts_nothing(ready: Story, text: str):
    code, words = REFUSALS[text]
    said = ready.flip("train", ready.model, "--run-config", text)
    assert (said.code, said.out) == (1, "")
    assert f"[{code}]" in said.err
    assert words in said.err
    assert said.err.count("\n") == 1
    assert ready.runs() == []


def test_a_model_without_files_is_refused_with_the_findings(story: Story):
    said = story.flip("train", story.model)
    assert said.code == 1
    assert "[app_check_failed] (request " in said.err
    assert "pyproject_missing" in said.out


def test_one_trust_can_be_named(ready: Story):
    said = ready.flip("train", ready.model, "--trust", "trust-beta", "--json")
    assert [t["trust"] for t in said.json["trusts"]] == ["trust-beta"]
    assert ready.flip("stop", ready.model, "--yes").code == 0
    ready.hub.do("settle")
    assert "[trust_unknown]" in ready.flip("train", ready.model, "--trust", "trust-gamma").err


def test_stop_asks_first(ready: Story):
    run_id = ready.running()
    said = ready.flip("stop", ready.model)
    assert said.code == 1
    assert "`--yes` stops" in said.err
    for answer, code in (("n", 1), ("y", 0)):
        terminal = ready.flip.on_terminal("stop", ready.model)
        terminal.until(rf"Stop run {run_id[:8]} of {ready.model} \(running, 0 rounds done\)\?")
        terminal.type(f"{answer}\n")
        assert terminal.end() == code, terminal.seen
    ready.hub.do("settle")
    said = ready.flip("watch", ready.model)
    assert said.code == 1
    assert "stopped" in said.err
    assert "[stopped_by_user]" in said.err
    assert "[no_active_run]" in ready.flip("stop", ready.model, "--yes").err


def test_logs_prints_all_and_follows(ready: Story):
    run_id = ready.running()
    assert "has written nothing yet" in ready.flip("logs", ready.model).err
    lines = [f"line {number}" for number in range(1001)]  # more than the hub gives at once
    ready.hub.do("emit", run_id=run_id, kind="log", lines=lines)
    assert [line[10:] for line in ready.flip("logs", ready.model).out.splitlines()] == lines
    assert len(ready.flip("logs", ready.model, "--json").json) == len(lines)
    following = ready.flip.start("logs", ready.model, "--follow")
    assert following.stdout.readline().endswith("  line 0\n")
    ready.hub.do("emit", run_id=run_id, kind="log", lines=["the last line"])
    ready.hub.do("finish", run_id=run_id, results_bytes=1)
    code, out, err = ended(following)
    assert code == 0
    assert out.endswith("  the last line\n")
    assert "succeeded" in err


def test_an_earlier_run_can_be_named(ready: Story):
    first = ready.running()
    ready.hub.do("emit", run_id=first, kind="log", lines=["of the first"])
    ready.hub.do("finish", run_id=first, results_bytes=1)
    second = ready.finished()
    assert "of the first" in ready.flip("logs", ready.model, "--run", first[:8]).out
    assert ready.flip("logs", ready.model).out == ""
    said = ready.flip("logs", ready.model, "--run", "ffff")
    assert "[not_found]" in said.err
    assert second[:8] in said.err
