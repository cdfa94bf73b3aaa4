"""`GET /events`: told at once, in order, without a gap, and only to those who may see it."""

import time
from datetime import timedelta

import httpx
import pytest
from hub.tests.serving import Stream, serving
from sqlalchemy import update

from flip_hub.db import now
from flip_hub.live import routes, service
from flip_hub.live.tables import Event
from flip_hub.live.words import words

pytestmark = pytest.mark.commits  # another thread serves; NOTIFY


@pytest.fixture
def project(hub):
    return hub.researcher.post("projects", {"name": "P", "purpose": "x", "kind": "imaging"})


@pytest.fixture
def base(hub):
    with serving(hub.settings, hub.database) as base:
        yield base


def tell(hub, project, number: int, **kwargs) -> None:
    with hub.database.session() as session:
        service.emit(session, "notice", [f"project:{project['id']}"], {"text": str(number)}, **kwargs)


def test_a_page_hears_at_once_what_another_process_writes(hub, project, base):
    with Stream(base, hub.researcher.token, f"project:{project['id']},queue") as stream:
        assert stream.next() == {"kind": "hello", "payload": {"topics": [f"project:{project['id']}", "queue"]}}
        tell(hub, project, 1)
        heard = stream.next()
        assert (heard["kind"], heard["text"], heard["payload"]) == ("notice", "1", {"text": "1"})


def test_a_page_that_comes_back_is_told_what_it_missed_even_from_another_hub(hub, project):
    with (
        serving(hub.settings, hub.database) as base,
        Stream(base, hub.researcher.token, f"project:{project['id']}") as stream,
    ):
        stream.next()
        tell(hub, project, 1)
        stream.next()
    for number in range(2, 700):  # more than one page of the replay
        tell(hub, project, number)
    with (
        serving(hub.settings, hub.database) as base,
        Stream(base, hub.researcher.token, f"project:{project['id']}", stream.last_id) as again,
    ):
        assert again.next()["kind"] == "hello"
        tell(hub, project, 700)
        assert [again.next()["payload"]["text"] for _ in range(2, 701)] == [str(n) for n in range(2, 701)]


def test_a_transaction_that_commits_late_is_not_skipped(hub, project, base):
    topic = f"project:{project['id']}"
    with Stream(base, hub.researcher.token, topic) as stream:
        stream.next()
        with hub.database.session() as late:
            service.emit(late, "notice", [topic], {"text": "late"})
            tell(hub, project, 1)
            assert stream.next()["payload"] == {"text": "1"}  # and it holds up nobody
            seen = stream.last_id
        assert stream.next()["payload"] == {"text": "late"}
    with Stream(base, hub.researcher.token, topic, seen) as again:
        assert [again.next()["payload"].get("text") for _ in range(2)] == [None, "late"]


def test_what_is_rolled_back_was_never_told(hub, project, base):
    with Stream(base, hub.researcher.token, f"project:{project['id']}") as stream:
        stream.next()
        with hub.database.session() as session:
            service.emit(session, "notice", [f"project:{project['id']}"], {"text": "never"})
            session.rollback()
        tell(hub, project, 1)
        assert stream.next()["payload"] == {"text": "1"}


def test_a_place_that_is_no_longer_known_resets_the_page(hub, project, base):
    tell(hub, project, 1)
    with Stream(base, hub.researcher.token, f"project:{project['id']}") as stream:
        stream.next()
    with hub.database.session() as session:
        session.execute(update(Event).values(at=now() - service.KEPT_FOR - timedelta(hours=2)))
        assert service.prune(session) == 1
    with Stream(base, hub.researcher.token, f"project:{project['id']}") as other:
        other.next()
        tell(hub, project, 2)
        assert other.next()["payload"] == {"text": "2"}  # from here on the place of the first stream is behind
    for unknown in (stream.last_id, "999999999"):
        with Stream(base, hub.researcher.token, f"project:{project['id']}", unknown) as again:
            assert again.next()["kind"] == "reset"
            tell(hub, project, 3)
            assert again.next()["payload"] == {"text": "3"}


def test_the_story_of_a_run_is_not_pruned(hub, project):
    tell(hub, project, 1, kept=True)
    with hub.database.session() as session:
        session.execute(update(Event).values(at=now() - timedelta(days=400)))
        assert service.prune(session) == 0


def test_only_what_a_user_may_see_can_be_followed(hub, project):
    stranger = hub.person("researcher", "stranger@x.example")
    assert stranger.refused("GET", f"events?topics=project:{project['id']}") == "not_found"
    assert hub.researcher.refused("GET", "events?topics=run:00000000-0000-0000-0000-000000000000") == "not_found"
    for unknown in ("", "users", "project:1", "run:------------------------------------"):
        assert hub.researcher.refused("GET", f"events?topics={unknown}") in ("field_invalid", "not_found")
    hub.researcher.token = "none"
    assert hub.researcher.refused("GET", "events?topics=queue") == "not_authenticated"


def test_one_person_cannot_take_all_streams(hub, project):
    few = hub.settings.model_copy(update={"streams_per_user": 2})
    topic, other = f"project:{project['id']}", hub.person("admin", "second@x.example")
    with serving(few, hub.database) as base:

        def refused(person) -> tuple[int, str]:
            headers = {"authorization": f"Bearer {person.token}"}
            answer = httpx.get(f"{base}/api/v1/events?topics={topic}", headers=headers, trust_env=False)
            assert answer.headers["retry-after"] == "5"
            return answer.status_code, answer.json()["code"]

        with Stream(base, hub.researcher.token, topic) as one:
            one.next()
            with Stream(base, hub.researcher.token, topic) as two:
                two.next()
                assert refused(hub.researcher) == (429, "too_many_streams")
                with Stream(base, other.token, topic) as another:
                    assert another.next()["kind"] == "hello"
        tell(hub, project, 1)
        deadline = time.monotonic() + 20
        while True:  # the hub notices that they are gone when it next writes to them
            headers = {"authorization": f"Bearer {hub.researcher.token}"}
            with httpx.stream("GET", f"{base}/api/v1/events?topics={topic}", headers=headers, trust_env=False) as again:
                if again.status_code == 200:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_stream_ends_when_its_user_may_no_longer_see_it(hub, project, base, monkeypatch):
    monkeypatch.setattr(routes, "CHECK_AGAIN_SECONDS", 0.0)
    with Stream(base, hub.researcher.token, f"project:{project['id']}") as stream:
        stream.next()
        tell(hub, project, 1)
        assert stream.next()["payload"] == {"text": "1"}
        hub.researcher.call("POST", "auth/logout")
        tell(hub, project, 2)
        stream.next()  # already on its way when it is checked
        with pytest.raises(EOFError):
            stream.next()


def test_a_quiet_stream_is_kept_alive(hub, base, monkeypatch):
    monkeypatch.setattr(routes, "HEARTBEAT_SECONDS", 0.05)
    with Stream(base, hub.researcher.token, "queue") as stream:
        lines = [next(stream._lines) for _ in range(8)]
    assert ": ping" in lines


def test_an_unknown_kind_is_told_in_words_all_the_same():
    assert words("round_paused", {"trust": "alpha", "seconds": 3, "x": None}) == "round paused: trust alpha, seconds 3"
