"""The whole way of an aggregate: real guard, real engine in its own process, memory in SQLite."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from flip_contracts.tasks import CohortCountResult
from flip_trust.sql.duckdb_engine import DuckDbEngine

PEOPLE = "SELECT p.person_id FROM omop.person p"
DIABETES = "SELECT c.person_id FROM omop.condition_occurrence c WHERE c.condition_concept_id = 201826"
ILL = f"{PEOPLE} WHERE p.person_id IN ({DIABETES})"


def plain(result: CohortCountResult) -> str:
    return result.model_dump_json(exclude={"budget"})


# --- aggregates ---
def test_totals_are_of_persons_studies_and_rows_rounded(site, exact):
    result = site().ask(
        "SELECT p.person_id, m.value_as_number FROM omop.person p JOIN omop.measurement m ON m.person_id = p.person_id"
    )
    persons, rows = exact("SELECT count(DISTINCT person_id), count(*) FROM omop.measurement")[0]
    studies = exact(
        "SELECT count(DISTINCT accession_id) FROM omop.image_occurrence WHERE person_id IN "
        "(SELECT person_id FROM omop.measurement)"
    )
    for told, true in ((result.persons, persons), (result.rows, rows), (result.accessions, studies)):
        assert told % 10 == 0
        assert abs(told - true) < 10 + 9  # rounded, and at most nine persons from what it comes close to
    assert not result.suppressed


def test_each_selected_column_has_the_summary_of_its_type(site):
    result = site().ask(
        "SELECT p.person_id, p.gender_concept_id, p.year_of_birth, m.value_as_number, m.measurement_date, "
        "CASE WHEN m.value_as_number > 50 THEN 'high' ELSE 'low' END AS level, "
        "m.value_as_number > 50 AS is_high, 2024 - p.year_of_birth AS age "
        "FROM omop.person p JOIN omop.measurement m ON m.person_id = p.person_id"
    )
    kinds = {column.name: str(column.kind) for column in result.columns}
    assert kinds == {
        "gender_concept_id": "category",
        "year_of_birth": "histogram",
        "value_as_number": "histogram",
        "measurement_date": "date",
        "level": "category",
        "is_high": "category",
        "age": "histogram",
    }
    by_name = {column.name: column for column in result.columns}
    assert {c.label for c in by_name["is_high"].cells if not c.other} == {"true", "false"}
    assert all(c.low is None or c.low % 10 == 0 for c in by_name["year_of_birth"].cells)
    assert all(c.count is None or c.count >= 10 for column in result.columns for c in column.cells)


def test_cells_count_distinct_persons(site, exact):
    column = site().column(
        "SELECT p.person_id, m.measurement_concept_id FROM omop.person p "
        "JOIN omop.measurement m ON m.person_id = p.person_id"
    )
    true = dict(exact("SELECT measurement_concept_id, count(DISTINCT person_id) FROM omop.measurement GROUP BY 1"))
    shown = {cell.label: cell.count for cell in column.cells if not cell.other}
    often = {str(concept) for concept, persons in true.items() if persons >= 60}
    assert often <= set(shown) <= {str(concept) for concept in true}  # rare ones are among `other`
    assert all(abs(count - true[int(label)]) < 10 for label, count in shown.items())


def test_missing_values_are_counted_apart(site, exact):
    column = site().column(
        "SELECT p.person_id, d.death_date FROM omop.person p LEFT JOIN omop.death d ON d.person_id = p.person_id"
    )
    alive = exact("SELECT count(*) FROM omop.person WHERE person_id NOT IN (SELECT person_id FROM omop.death)")
    assert abs(column.missing - alive) < 10


def test_a_cohort_named_by_accession_counts_its_persons(site):
    result = site().ask("SELECT i.accession_id, i.modality_concept_id FROM omop.image_occurrence i")
    assert (result.persons, result.accessions, result.rows) == (60, 60, 60)
    assert [(c.label, c.count) for c in result.columns[0].cells] == [("4013636", 60), ("other", None)]


def test_too_many_columns_are_refused(site):
    many = ", ".join(f"p.year_of_birth + {i} AS c{i}" for i in range(25))
    assert site().code(f"SELECT p.person_id, {many} FROM omop.person p") == "too_many_columns"


# --- suppression ---
def test_few_persons_and_none_look_alike_unless_the_policy_tells_zero(site, exact):
    rare = exact("SELECT any_value(year_of_birth) FROM omop.person GROUP BY year_of_birth HAVING count(*) = 3")[0][0]
    few, none = f"{PEOPLE} WHERE p.year_of_birth = {rare}", f"{PEOPLE} WHERE p.year_of_birth > 2200"
    strict = site()
    assert plain(strict.ask(few)) == plain(strict.ask(none))
    assert strict.ask(few).suppressed
    open_minded = site(tell_zero=True)
    assert (open_minded.ask(few).persons, open_minded.ask(none).persons) == (None, 0)
    assert open_minded.ask(none).zero_told


@pytest.mark.parametrize("mark", ["'x'", "900", "NULL"])
def test_a_cell_of_one_person_does_not_show_in_what_is_shown_of_the_others(site, exact, mark):
    """Hiding a second cell beside a suppressed one would say that the first is not empty."""
    (year, month) = exact(
        "SELECT year_of_birth, month_of_birth FROM omop.person GROUP BY 1, 2 HAVING count(*) = 1 LIMIT 1"
    )[0]
    others = "'m' ELSE 'f'" if mark == "'x'" else "20 ELSE 1"
    nobody, somebody = (
        f"SELECT p.person_id, CASE WHEN p.year_of_birth = {y} AND p.month_of_birth = {month} THEN {mark} "
        f"WHEN p.gender_concept_id = 8507 THEN {others} END AS mark FROM omop.person p"
        for y in (2300, year)
    )
    shown = [
        [(cell.label, cell.low, cell.count is None) for cell in site().column(sql).cells] for sql in (nobody, somebody)
    ]
    assert shown[0] == shown[1]


def test_a_cell_is_not_given_away_by_the_total(site, exact):
    cut = exact("SELECT year_of_birth FROM omop.person ORDER BY 1 DESC OFFSET 4 LIMIT 1")
    result = site(round_to=1).ask(
        f"SELECT p.person_id, CASE WHEN p.year_of_birth >= {cut} THEN 'few' WHEN p.gender_concept_id = 8507 THEN 'm' "
        "ELSE 'f' END AS mark FROM omop.person p"
    )
    (column,) = result.columns
    shown = {cell.label: cell.count for cell in column.cells if cell.count is not None}
    assert set(shown) == {"m", "f"}
    assert sum(shown.values()) == result.persons  # nobody is left over


def test_a_column_does_not_give_away_a_cell_of_another(site, exact):
    cut = exact("SELECT year_of_birth FROM omop.person ORDER BY 1 DESC OFFSET 4 LIMIT 1")
    result = site(round_to=1).ask(
        "SELECT p.person_id, p.gender_concept_id, CASE WHEN p.gender_concept_id = 8507 AND NOT p.year_of_birth >= "
        f"{cut} THEN 'm' WHEN p.gender_concept_id = 8507 THEN 'few' ELSE 'f' END AS mark FROM omop.person p"
    )
    sex, mark = ({c.label: c.count for c in column.cells} for column in result.columns)
    assert sex["8507"] == mark["m"]
    assert "few" not in mark


def test_rare_values_of_a_column_are_not_read_out(site):
    column = site().column(
        "SELECT p.person_id, p.year_of_birth * 100 + p.month_of_birth AS concept_id FROM omop.person p"
    )
    assert [(cell.label, cell.count, cell.other) for cell in column.cells] == [("other", None, True)]


# --- memory ---
def test_the_same_query_is_answered_alike_again(site):
    asked = site()
    assert plain(asked.ask(f"{ILL} AND p.year_of_birth < 1990")) == plain(
        asked.ask(f"{ILL} AND p.year_of_birth < 1990")
    )


def test_other_columns_of_the_same_cohort_may_be_asked_and_the_totals_stay(site):
    asked = site()
    first, second = (
        asked.ask(ILL),
        asked.ask(ILL.replace("p.person_id FROM", "p.person_id, p.gender_concept_id FROM", 1)),
    )
    assert (first.persons, first.accessions, first.rows) == (second.persons, second.accessions, second.rows)
    assert second.columns


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("year", ["p.year_of_birth = 2300", "(SELECTED)"])
def test_a_cohort_that_differs_in_a_few_or_in_none_is_refused(site, exact, year, backwards):
    """Both alike: otherwise the refusal would say that somebody is there."""
    rare = exact("SELECT year_of_birth FROM omop.person GROUP BY 1 HAVING count(*) < 5 ORDER BY 1 LIMIT 1")
    rare = rare if isinstance(rare, int) else rare[0][0]
    other = f"{PEOPLE} WHERE NOT {year.replace('(SELECTED)', f'p.year_of_birth = {rare}')}"
    first, second = (other, PEOPLE) if backwards else (PEOPLE, other)
    asked = site()
    asked.ask(first)
    assert asked.code(second) == "query_too_close"


def test_the_same_persons_in_other_words_are_answered_alike_where_zero_is_told(site):
    asked = site(tell_zero=True)
    first, second = asked.ask(PEOPLE), asked.ask(f"{PEOPLE} WHERE p.year_of_birth > 1000")
    assert first.persons == second.persons


def test_a_sweep_over_a_boundary_is_refused_from_step_to_step(site):
    asked = site()
    asked.ask(f"{PEOPLE} WHERE p.year_of_birth * 12 + p.month_of_birth < {1980 * 12}")
    codes = {
        asked.code(f"{PEOPLE} WHERE p.year_of_birth * 12 + p.month_of_birth < {1980 * 12 + month}")
        for month in (1, 2, 3)
    }
    assert codes == {"query_too_close"}


def test_an_asker_is_known_in_his_other_projects_and_others_are_not(site):
    asked = site()
    asked.ask(PEOPLE)
    close = f"{PEOPLE} WHERE NOT p.year_of_birth = 2300"
    assert asked.code(close, project_id=uuid4()) == "query_too_close"
    assert asked.ask(close, project_id=uuid4(), asked_by=uuid4()).persons == 600


def test_people_who_work_together_are_compared_where_the_policy_says_so(site):
    asked = site(compare_all_projects=True)
    asked.ask(PEOPLE)
    close = f"{PEOPLE} WHERE NOT p.year_of_birth = 2300"
    assert asked.code(close, project_id=uuid4(), asked_by=uuid4()) == "query_too_close"


def test_the_same_persons_are_rounded_anew_in_a_strangers_project_and_alike_in_the_askers_own(site, exact):
    """Otherwise two who work together would know from two equal numbers that nobody differs."""
    up_to = "SELECT year_of_birth y, count(*) OVER (ORDER BY year_of_birth) n FROM omop.person"
    year = exact(f"SELECT max(y) FROM ({up_to}) WHERE n % 10 BETWEEN 4 AND 6")
    asked, sql = site(), f"{PEOPLE} WHERE p.year_of_birth <= {year}"
    strangers = {asked.ask(sql, project_id=uuid4(), asked_by=uuid4()).persons for _ in range(12)}
    assert len(strangers) == 2
    other_words = sql.replace("p.person_id FROM", "p.person_id, p.race_concept_id FROM")
    own = {asked.ask(words, project_id=uuid4()).persons for _ in range(6) for words in (sql, other_words)}
    assert len(own) == 1


def test_memory_outlives_the_agent(site, engine, tmp_path):
    from flip_trust.disclosure.control import Disclosure
    from flip_trust.store import Store

    asked = site()
    first = asked.ask(ILL)
    asked.control = Disclosure(
        Store(tmp_path / "1" / "agent.db"), engine, asked.control._policy, tmp_path / "1" / "rounding.key"
    )
    assert plain(asked.ask(ILL)) == plain(first)
    assert asked.code(f"{ILL} AND NOT p.year_of_birth = 2300") == "query_too_close"


# --- budget ---
def test_a_projects_budget_is_debited_before_running_and_begins_anew_at_midnight(site):
    asked = site(project_queries_per_day=2)
    assert asked.ask(PEOPLE).budget.project_left == 1
    assert asked.code(f"{PEOPLE} WHERE NOT p.year_of_birth = 2300") == "query_too_close"  # refused, and debited
    assert asked.code(ILL) == "query_budget_spent"
    budget = asked.ask(ILL, datetime(2026, 3, 2, 0, 1, tzinfo=UTC)).budget
    assert (budget.project_left, budget.project_limit) == (1, 2)
    assert budget.resets_at == datetime(2026, 3, 3, tzinfo=UTC)


def test_a_users_budget_holds_over_projects(site):
    asked = site(user_queries_per_day=1)
    assert asked.ask(PEOPLE).budget.user_left == 0
    assert asked.code(ILL, project_id=uuid4()) == "query_budget_spent"
    assert asked.ask(ILL, asked_by=None).budget.user_left is None  # an older hub does not say who asks


def test_a_task_that_comes_again_is_debited_once(site):
    asked, query = site(project_queries_per_day=1), UUID(int=7)
    assert plain(asked.ask(PEOPLE, query_id=query)) == plain(asked.ask(PEOPLE, query_id=query))


# --- differential privacy ---
def test_a_query_that_fails_for_the_rows_it_met_costs_ten(site, mart):
    """A query can be written that never ends where a certain person is met, and ends at once where not."""
    asked = site(project_queries_per_day=21)
    asked.control._engine = DuckDbEngine(mart, timeout_seconds=0.4)
    joins = "".join(f" JOIN omop.measurement m{n} ON m{n}.person_id = p.person_id" for n in range(12))
    endless = f"SELECT p.person_id, m0.value_as_number * m11.value_as_number AS x FROM omop.person p{joins}"
    assert [asked.code(endless) for _ in range(3)] == ["query_timeout", "query_timeout", "query_timeout"]
    assert asked.code(endless) == "query_budget_spent"
    assert asked.code(PEOPLE) == "query_budget_spent"


def test_histograms_with_noise_spend_epsilon_until_it_is_spent(site):
    pytest.importorskip("opendp")
    asked = site(epsilon_per_column=1.0, epsilon_per_project=2.0)
    sql = ILL.replace("p.person_id FROM", "p.person_id, p.gender_concept_id, p.year_of_birth FROM", 1)
    result = asked.ask(sql)
    category, histogram = result.columns
    assert (category.epsilon, histogram.epsilon, histogram.margin) == (None, 1.0, 3)
    assert any((cell.count or 0) % 10 for cell in histogram.cells)
    assert (result.budget.epsilon_left, result.budget.epsilon_limit) == (1.0, 2.0)
    assert plain(asked.ask(sql)) == plain(result)  # the same answer again costs nothing
    other = sql.replace("p.year_of_birth FROM", "2024 - p.year_of_birth AS age FROM")
    assert asked.ask(other).budget.epsilon_left == 0.0
    assert asked.code(sql.replace("p.year_of_birth FROM", "p.month_of_birth FROM")) == "epsilon_spent"
    assert asked.ask(ILL).persons  # totals are still told
