"""What is wrong on the way to a SuperLink is told in words before Flower refuses it without any."""

from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from flip_fl import way

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def answer(status: int = 404) -> httpx.Response:
    return httpx.Response(status, headers={"date": format_datetime(NOW, usegmt=True)})


@pytest.mark.parametrize(
    ("ahead", "words"),
    [(0, None), (5, None), (-290, None), (60, "60 s ahead of the hub's"), (-3600, "3600 s behind the hub's")],
)
def test_clocks_may_differ_as_far_as_flower_lets_them(ahead, words):
    found = way.judged(answer(), "hub:1", NOW.timestamp() + ahead)
    assert (found is None) == (words is None)
    if found and words:
        assert found[0] == "clock_skew"
        assert words in found[1]


def test_whoever_answers_instead_is_named():
    for other in (answer(200), answer(302), answer(403)):
        found = way.judged(other, "hub:1", NOW.timestamp())
        assert found is not None
        assert found[0] == "proxy_answers"
        assert f"HTTP {other.status_code}" in found[1]


def test_a_superlink_that_is_being_started_is_no_problem():
    assert all(way.judged(answer(status), "hub:1", 0) is None for status in way.AWAY)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (httpx.ProxyError("407 Proxy Authentication Required"), "proxy_refused"),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"), "certificate_untrusted"),
        (httpx.ConnectError("Connection refused"), None),
        (httpx.ReadTimeout("slow"), None),
    ],
)
def test_only_what_will_never_work_is_a_problem(monkeypatch, error, code):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(httpx, "get", refuse)
    monkeypatch.setattr(way.ssl, "create_default_context", lambda cafile: None)
    found = way.problem_on_the_way("hub:1", Path("ca.crt"))
    assert (found[0] if found else None) == code
