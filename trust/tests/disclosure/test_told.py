"""What told counts say of a new one: nothing may be left over by subtraction that is smaller than the threshold."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flip_trust.disclosure.rounding import rounded, rounded_number
from flip_trust.disclosure.told import Told

K = 10


def test_a_sketch_counts_persons_in_common_and_never_too_many(tally):
    chance = random.Random(1)
    for _ in range(200):
        one, other = (set(chance.sample(range(600), chance.randrange(600))) for _ in range(2))
        found = (tally(one) - tally(other)).persons_at_least
        assert found <= len(one ^ other)
        assert (found == 0) == (one == other)
        assert found >= min(len(one ^ other), 20) * 0.7


@pytest.mark.parametrize("threshold", [2, 5, 10, 16, 17, 40])
@pytest.mark.parametrize("apart", [0, 1, -1])
def test_a_count_close_to_one_told_is_answered_with_that_one(tally, threshold, apart):
    told = Told(threshold)
    for start in range(0, 3000, 200):
        told.add(tally(range(start, start + 150)))
    differ = 0 if apart == 0 else threshold - 1
    persons = [*range(400 + differ, 550)] if apart >= 0 else [*range(400, 550), *range(3500, 3500 + differ)]
    known = told.instead_of(tally(persons))
    assert known is not None
    assert (known - tally(range(400, 550))).persons_at_least == 0
    assert known.count == 150


@pytest.mark.parametrize("extra", [0, 1, 9])
def test_a_count_that_two_told_ones_give_away_is_answered_with_them(tally, extra):
    told = Told(K)
    for persons in (range(1000), range(400), range(2000, 2300), range(100, 140)):
        told.add(tally(persons))
    rest = told.instead_of(tally([*range(400, 1000), *range(3000, 3000 + extra)]))
    both = told.instead_of(tally([*range(400 + extra), *range(2000, 2300)]))
    assert (rest - tally(range(400, 1000))).persons_at_least == 0
    assert (both - tally([*range(400), *range(2000, 2300)])).persons_at_least == 0


def test_the_general_tracker_tells_nothing_of_the_one_it_tracks(tally):
    """count(C or T) + count(C or not T) - count(all) is count(C) where answers are exact."""
    for tracked in ([7], []):
        told = Told(K)
        everybody = told.known_or_new(tally(range(1000)))
        first = told.known_or_new(tally({*range(500, 1000), *tracked}))
        second = told.known_or_new(tally({*range(500), *tracked}))
        assert first.count + second.count == everybody.count
        assert (everybody - first - second).persons_at_least == 0


def test_a_count_far_from_all_told_ones_is_new(tally):
    told = Told(K)
    for persons in (range(1000), range(400)):
        told.add(tally(persons))
    assert told.instead_of(tally(range(30, 1030))) is None
    assert told.instead_of(tally(range(1500, 1600))) is None


def test_the_earliest_of_several_close_counts_answers_whatever_lies_nearest(tally):
    told = Told(K)
    told.add(tally(range(100)))
    told.add(tally(range(12, 112)))
    for moved in range(9):
        assert told.instead_of(tally(range(moved, 100))).count == 100
        assert (told.instead_of(tally(range(moved, 100))) - tally(range(100))).persons_at_least == 0


def test_what_is_cut_is_no_longer_told(tally):
    told = Told(K)
    told.add(tally(range(100)))
    told.add(tally(range(200, 300)))
    assert [t.count for t in told.since(1)] == [100]
    told.cut(1)
    assert len(told) == 1
    assert told.instead_of(tally(range(200, 300))) is None


def test_many_counts_are_searched_as_few(tally):
    told, chance = Told(K), random.Random(5)
    for _ in range(300):
        told.add(tally(chance.sample(range(3000), 400)))
    told.add(tally(range(3000, 3500)))
    assert told.instead_of(tally(range(3003, 3500))).count == 500
    assert told.instead_of(tally(chance.sample(range(3000), 400))) is None


# --- rounding ---
@given(st.integers(0, 5000), st.integers(1, 50), st.binary(min_size=32, max_size=32))
def test_a_rounded_count_is_a_multiple_less_than_a_step_away(count, step, key):
    told = rounded_number(count, step, key, "x")
    assert told % step == 0
    assert abs(told - count) < step
    assert (told == 0) == (count == 0)


def test_the_same_persons_are_always_rounded_alike_and_others_on_their_own(tally):
    key, other = b"k" * 32, b"o" * 32
    same = {rounded(tally(order), 10, key) for order in (range(105), reversed(range(105)))}
    assert len(same) == 1
    draws = [rounded(tally(range(start, start + 105)), 10, key) for start in range(200)]
    assert 70 < sum(draw == 110 for draw in draws) < 130  # half of them go up
    assert draws != [rounded(tally(range(start, start + 105)), 10, other) for start in range(200)]
