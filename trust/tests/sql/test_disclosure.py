"""What leaves the trust: nothing below the threshold, nothing exact, and no way to subtract one from the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flip_trust.sql.disclosure import round_to_nearest, summarise, suppress
from flip_trust.sql.engine import CohortSummary

K, STEP = 10, 10


def cells(counts: dict[str, int], threshold: int = K, step: int = STEP) -> dict[str, int | None]:
    """The cells that are told, without those told as suppressed."""
    told = {cell.value: cell.count for cell in suppress(counts, threshold, step)}
    return {value: count for value, count in told.items() if count is not None}


@pytest.mark.parametrize("threshold", [1, 5, 10, 20])
@pytest.mark.parametrize(("above", "suppressed"), [(-1, True), (0, False), (1, False)])
def test_persons_are_told_from_the_threshold_on(threshold: int, above: int, suppressed: bool):
    result = summarise(CohortSummary(threshold + above, 50, {}), threshold, 1)
    assert result.suppressed is suppressed
    assert (result.persons is None) is suppressed


@pytest.mark.parametrize(("accessions", "told"), [(0, None), (9, None), (10, 10), (11, 10)])
def test_accessions_have_the_same_threshold(accessions: int, told: int | None):
    assert summarise(CohortSummary(40, accessions, {})).accessions == told


@pytest.mark.parametrize(("count", "told"), [(9, {}), (10, {"a": 10}), (11, {"a": 10})])
def test_a_lone_cell_is_told_from_the_threshold_on(count: int, told: dict[str, int]):
    assert cells({"a": count}) == told


def test_a_second_cell_is_hidden_where_one_alone_would_be_known_from_the_total():
    assert cells({"a": 3, "b": 40, "c": 60}) == {"c": 60}
    assert cells({"a": 3, "b": 40}) == {}


def test_two_small_cells_hide_each_other():
    assert cells({"a": 3, "b": 4, "c": 40}) == {"c": 40}


def test_no_small_cell_hides_nothing():
    assert cells({"a": 10, "b": 12, "c": 40}) == {"a": 10, "b": 10, "c": 40}


@pytest.mark.parametrize(("count", "told"), [(10, 10), (14, 10), (15, 20), (24, 20), (25, 30), (104, 100), (105, 110)])
def test_counts_are_rounded_to_the_nearest_step_and_half_goes_up(count: int, told: int):
    assert round_to_nearest(count, 10) == told
    assert summarise(CohortSummary(count, count, {"sex": {"1": count}})).persons == told


def test_no_person_and_a_few_persons_look_the_same():
    empty = summarise(CohortSummary(0, 0, {"sex": {}}))
    few = summarise(CohortSummary(9, 90, {"sex": {"8507": 9}}))
    assert empty.model_dump_json() == few.model_dump_json()


def test_a_cell_of_nobody_and_a_cell_of_a_few_look_the_same():
    nobody = suppress({"a": 0, "b": 3, "c": 4, "d": 60}, K, STEP)
    few = suppress({"a": 9, "b": 3, "c": 4, "d": 60}, K, STEP)
    absent = suppress({"b": 3, "c": 4, "d": 60}, K, STEP)
    assert nobody == few == absent


def test_no_accession_and_a_few_accessions_look_the_same():
    none, few = summarise(CohortSummary(40, 0, {})), summarise(CohortSummary(40, 9, {}))
    assert none.model_dump_json() == few.model_dump_json()


def test_the_result_says_by_which_rules_it_was_made():
    result = summarise(CohortSummary(40, 40, {}), 20, 5)
    assert (result.threshold, result.rounded_to) == (20, 5)


HISTOGRAM = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 200), max_size=8)
THRESHOLD = st.integers(1, 30)
ROUNDING = st.integers(1, 20)


@given(HISTOGRAM, THRESHOLD, ROUNDING)
def test_every_cell_told_has_enough_persons_and_is_rounded(counts: dict[str, int], threshold: int, step: int):
    for value, told in cells(counts, threshold, step).items():
        assert counts[value] >= threshold
        assert told % step == 0
        assert abs(told - counts[value]) <= step / 2
        assert told >= threshold - step / 2  # rounding alone brings a count under the threshold


@given(HISTOGRAM, THRESHOLD, ROUNDING)
def test_no_hidden_cell_stands_alone_beside_cells_that_are_told(counts: dict[str, int], threshold: int, step: int):
    filled = {value for value, count in counts.items() if count > 0}
    told = set(cells(counts, threshold, step))
    if told:
        assert len(filled - told) != 1


@given(HISTOGRAM, THRESHOLD, ROUNDING)
def test_cells_come_in_an_order_that_says_nothing_of_their_counts(counts: dict[str, int], threshold: int, step: int):
    values = [cell.value for cell in suppress(counts, threshold, step)]
    assert values == sorted(values)


@given(st.integers(0, 60), st.integers(0, 300), HISTOGRAM, THRESHOLD, ROUNDING)
def test_a_suppressed_result_tells_nothing_but_the_rules(persons, accessions, counts, threshold, step):
    result = summarise(CohortSummary(persons, accessions, {"sex": counts}), threshold, step)
    assert result.suppressed is (persons < threshold)
    if result.suppressed:
        assert result == summarise(CohortSummary(0, 0, {}), threshold, step)
        assert result.persons is None
        assert result.accessions is None
        assert result.histograms == []
