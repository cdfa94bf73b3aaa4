"""Waits that start short and grow to a bound. The clock is a fake one."""

import time
from dataclasses import dataclass, field

import pytest

from flip_fl.executor import waits
from flip_fl.executor.waits import GROWTH, LONGEST, SHORTEST, AdaptiveTime


@dataclass
class Clock:
    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(waits, "_time", clock)
    return clock


@pytest.mark.parametrize("asked", list(LONGEST))
def test_a_known_wait_begins_short_grows_and_stays_within_its_bound(clock, asked):
    adaptive = AdaptiveTime()
    for _ in range(30):
        adaptive.sleep(asked)
    assert clock.slept[:2] == [SHORTEST, pytest.approx(SHORTEST * GROWTH)]
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-1] == LONGEST[asked]


@pytest.mark.parametrize("asked", list(LONGEST))
def test_no_wait_is_longer_than_flowers_own(asked):
    assert LONGEST[asked] < asked


def test_after_a_busy_moment_the_waits_are_short_again(clock):
    adaptive = AdaptiveTime()
    for _ in range(30):
        adaptive.sleep(3)
    clock.now += 60
    adaptive.sleep(3)
    assert clock.slept[-1] == SHORTEST


def test_polls_in_a_row_do_not_count_as_busy(clock):
    adaptive = AdaptiveTime()
    for _ in range(30):
        adaptive.sleep(3)
        clock.now += 0.001  # one poll
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-1] == LONGEST[3]


def test_a_long_wait_does_not_stretch_one_with_a_smaller_bound(clock):
    adaptive = AdaptiveTime()
    for _ in range(30):
        adaptive.sleep(3)
    adaptive.sleep(0.5)
    assert clock.slept[-1] == LONGEST[0.5]


@pytest.mark.parametrize("asked", [0, 0.25, 2, 5, 30])
def test_other_waits_are_as_long_as_asked(clock, asked):
    adaptive = AdaptiveTime()
    adaptive.sleep(asked)
    adaptive.sleep(asked)
    assert clock.slept == [asked, asked]


def test_two_modules_do_not_share_their_waits(clock):
    one, other = AdaptiveTime(), AdaptiveTime()
    for _ in range(10):
        one.sleep(3)
    other.sleep(3)
    assert clock.slept[-1] == SHORTEST


def test_the_rest_of_time_is_the_real_one():
    adaptive = AdaptiveTime()
    assert adaptive.monotonic is time.monotonic
    assert adaptive.time is time.time
    with pytest.raises(AttributeError):
        adaptive.no_such_name  # noqa: B018
