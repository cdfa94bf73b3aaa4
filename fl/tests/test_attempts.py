"""What becomes of a run after a crash: by its choice, its app, and how often it has crashed."""

from dataclasses import replace
from uuid import UUID

import pytest

from flip_fl.api.attempts import MOST_CRASHES, Again, GiveUp, after_crash, crash_of
from flip_fl.control import FlowerStatus
from flip_fl.store import RunRow

RUN = RunRow(
    run_id=UUID(int=1),
    state="running",
    spec={},
    fab=b"",
    fab_sha256="",
    flwr_run_id=7,
    token_sha256="",
    stop_requested=False,
    announced=False,
    train_results=4,
    failure=None,
    finished=None,
    attempt=1,
    crashes=0,
    after_round=3,
    kept="1.3",
    resumable=True,
    why_not="",
)
FAILED, KILLED = FlowerStatus("finished", "failed", ""), "The ServerApp's process was ended by signal 9."
LOST = {"reason": "superlink_lost", "text": "ConnectError"}
OWN = {"reason": "server_app_raised", "text": "ValueError"}

CRASHES = [
    (RUN, FAILED, KILLED, KILLED),
    (RUN, FlowerStatus("finished", "stopped", ""), KILLED, KILLED),  # we stop what is left of it
    (
        RUN,
        FlowerStatus("finished", "failed", "No heartbeat received from the task"),
        "",
        "The ServerApp's process was lost.",
    ),
    (replace(RUN, failure=LOST), FAILED, "", "The ServerApp lost the SuperLink (ConnectError)."),
    (RUN, FAILED, "", ""),  # it exited by itself
    (replace(RUN, failure=OWN), FAILED, "", ""),
    (replace(RUN, stop_requested=True), FAILED, KILLED, ""),
    (RUN, FlowerStatus("finished", "completed", ""), "", ""),
    (RUN, FlowerStatus("finished", "stopped", ""), "", ""),
]


@pytest.mark.parametrize(("run", "status", "seen", "words"), CRASHES)
def test_a_crash_is_told_from_an_end(run, status, seen, words):
    assert crash_of(run, status, seen) == words


def test_it_goes_on_after_the_last_round_that_is_kept():
    assert after_crash(RUN, KILLED) == Again(3, anew=False)


def test_before_the_first_round_there_is_nothing_to_lose():
    for resumable in (None, True):
        assert after_crash(replace(RUN, kept="", after_round=0, resumable=resumable), KILLED) == Again(0, anew=True)


def test_it_begins_anew_where_the_run_wants_that():
    assert after_crash(replace(RUN, spec={"on_crash": "restart"}), KILLED) == Again(0, anew=True)
    assert after_crash(replace(RUN, spec={"on_crash": "restart"}, resumable=False), KILLED) == Again(0, anew=True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"spec": {"on_crash": "fail"}}, "on_crash: fail"),
        ({"crashes": MOST_CRASHES}, f"{MOST_CRASHES + 1} times in a row"),
        ({"resumable": False, "why_not": "it sends its messages itself"}, "since it sends its messages itself"),
    ],
)
def test_it_is_given_up_with_what_happened_and_why(changes, words):
    given_up = after_crash(replace(RUN, **changes), KILLED)
    assert isinstance(given_up, GiveUp)
    assert given_up.text.startswith(KILLED)
    assert words in given_up.text
