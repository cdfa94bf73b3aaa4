"""The timeline is composed from whatever was told."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flip_hub.runs.timeline import compose

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Told:
    kind: str
    payload: dict
    at: datetime = START


def story(*events: tuple[str, dict]) -> list[Told]:
    return [Told(kind, payload, START + timedelta(seconds=n)) for n, (kind, payload) in enumerate(events)]


def test_phases_follow_each_other_and_the_last_lasts():
    told = compose(story(("queued", {}), ("starting", {}), ("notice", {"text": "x"}), ("running", {})), [])
    assert [(p.name, p.at.second, p.until and p.until.second) for p in told.phases] == [
        ("queued", 0, 1),
        ("starting", 1, 3),
        ("running", 3, None),
    ]
    ended = compose(story(("queued", {}), ("ended", {"state": "stopped"})), [])
    assert [(p.name, p.until and p.until.second) for p in ended.phases] == [("queued", 1), ("done", 1)]


def test_each_trust_has_its_way_and_its_errors_as_class_and_text():
    told = compose(
        story(
            ("trust_joined", {"trust": "alpha"}),
            ("trust_online", {"trust": "alpha"}),
            ("node_client_failed", {"trust": "alpha", "error_class": "ValueError", "text": "details are in the log"}),
            ("trust_refused", {"trust": "beta", "text": "Another cohort."}),
            ("trust_joined", {"trust": "a stranger"}),
        ),
        ["beta", "alpha"],
    )
    alpha, beta = told.trusts
    assert (alpha.joined_at, alpha.online_at, alpha.left_at) == (START, START + timedelta(seconds=1), None)
    assert [(e.error_class, e.text) for e in alpha.errors] == [("ValueError", "details are in the log")]
    assert (beta.trust, beta.outcome) == ("beta", "Another cohort.")


def test_a_round_has_when_it_was_sent_answered_and_aggregated():
    at = START.timestamp()
    exchanges = [
        {
            "trust": "alpha",
            "round": 1,
            "phase": "train",
            "queued_at": at,
            "sent_bytes": 10,
            "replied_at": at + 2.5,
            "reply_bytes": 20,
        },
        {"trust": "beta", "round": 1, "phase": "train", "queued_at": at, "sent_bytes": 10, "error": "ValueError"},
    ]
    told = compose(
        story(
            ("round_sent", {"round": 1, "nodes": 2}),
            ("node_client_done", {"trust": "alpha", "code": "train", "turn": 1, "seconds": 2.0}),
            ("exchanges", {"aggregated_at": at + 3, "trusts": exchanges}),
            ("round_done", {"round": 1, "phase": "train", "results": 1, "failures": 1, "errors": ["ValueError"]}),
        ),
        ["alpha", "beta"],
    )
    (round_,) = told.rounds
    assert (round_.sent_at, round_.nodes) == (START, 2)
    assert [(e.trust, e.seconds, e.computed_seconds, e.error) for e in round_.trusts] == [
        ("alpha", 2.5, 2.0, ""),
        ("beta", None, None, "ValueError"),
    ]
    assert [(a.phase, a.results, a.failures) for a in round_.aggregated] == [("train", 1, 1)]
