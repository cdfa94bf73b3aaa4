"""Ways to find out whether one person is ill. Each asks queries about a target and returns what was seen.

The attacker knows year, month, sex and race of everybody, whom these single out, and some persons who are not ill. For
each target he comes as a new user with a new project, so that nothing he asked before stands in his way.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from benchmarks.attack.hospital import ILLNESS, Hospital, Person, plain

from flip_contracts.tasks import CohortCountResult

ILL = f"p.person_id IN (SELECT c.person_id FROM omop.condition_occurrence c WHERE c.condition_concept_id = {ILLNESS})"
Seen = tuple[object, ...] | float
"""A pattern, or a number that is larger (or smaller) for those who are ill."""


@dataclass(frozen=True)
class Case:
    hospital: Hospital
    project: UUID
    target: Person
    healthy: list[Person]  # the attacker knows these not to be ill

    def ask(self, where: str, *columns: str) -> CohortCountResult | None:
        selected = ", ".join(("p.person_id", *columns))
        return self.hospital.ask(f"SELECT {selected} FROM omop.person p WHERE {where}", self.project)

    def count(self, where: str) -> int | None:
        result = self.ask(where)
        return result.persons if result else None


def differencing(case: Case) -> Seen:
    """All who are ill, then all but the target."""
    everybody, others = case.count(ILL), case.ask(f"{ILL} AND NOT {case.target.sql}")
    told = others.persons if others else None
    return (others is None, None if told is None or everybody is None else everybody - told)


def differencing_backwards(case: Case) -> Seen:
    others, everybody = case.ask(f"{ILL} AND NOT {case.target.sql}"), case.ask(ILL)
    if others is None or everybody is None or others.persons is None or everybody.persons is None:
        return (others is None, everybody is None)
    return (everybody.persons - others.persons,)


def small_group(case: Case) -> Seen:
    """The target alone, and what differs from an empty cohort."""
    here, nobody = case.ask(f"{ILL} AND {case.target.sql}"), case.ask(f"{ILL} AND p.year_of_birth > 2200")
    return (plain(here) == plain(nobody),)


def rare_value(case: Case) -> Seen:
    """A column in which the target has a cell of her own: is anything else shown of the others?"""
    mark = f"CASE WHEN {case.target.sql} THEN 'x' WHEN p.gender_concept_id = 8507 THEN 'm' ELSE 'f' END AS mark"
    return _pattern(case.ask(ILL, mark))


def rare_number(case: Case) -> Seen:
    mark = f"CASE WHEN {case.target.sql} THEN 900 WHEN p.gender_concept_id = 8507 THEN 20 ELSE 1 END AS mark"
    return _pattern(case.ask(ILL, mark))


def missing_value(case: Case) -> Seen:
    mark = f"CASE WHEN {case.target.sql} THEN NULL WHEN p.gender_concept_id = 8507 THEN 20 ELSE 1 END AS mark"
    return _pattern(case.ask(ILL, mark))


def cells_of_two_cohorts(case: Case) -> Seen:
    """Cohorts that differ in many persons, but in one sex only in the target."""
    sex, other = case.target.sex, 8507 + 8532 - case.target.sex
    first = case.ask(ILL, "p.gender_concept_id")
    away = f"NOT {case.target.sql} AND NOT (p.gender_concept_id = {other} AND p.year_of_birth < 1975)"
    second = case.ask(f"{ILL} AND {away}", "p.gender_concept_id")
    cells = [_cell(result, str(sex)) for result in (first, second)]
    return (cells[1] is None, None if None in cells else (cells[0] or 0) - (cells[1] or 0))


def rows_of_one_cohort(case: Case) -> Seen:
    """The same persons, with one row more for who is ill and the target."""
    joined = "omop.person p LEFT JOIN omop.condition_occurrence c ON c.person_id = p.person_id"
    also = f"AND c.condition_concept_id = {ILLNESS}"
    asked = [f"{also} AND NOT {case.target.sql}", also]
    rows = [
        result.rows if result else None
        for extra in asked
        for result in (case.hospital.ask(f"SELECT p.person_id FROM {joined} {extra}", case.project),)
    ]
    return (rows[1] is None, None if None in rows else (rows[1] or 0) - (rows[0] or 0))


def boundary_sweep(case: Case) -> Seen:
    """Add persons known not to be ill, one at a time, until the rounded count jumps; with and without the target."""
    jumps: list[int] = []
    for base in (f"({ILL} AND NOT {case.target.sql})", ILL):
        first, jump = None, 0
        for added in range(11):
            known = " OR ".join(person.sql for person in case.healthy[:added])
            told = case.count(f"{base} OR {known}" if known else base)
            first = told if added == 0 else first
            if told is None or told != first:
                break
            jump += 1
        jumps.append(jump)
    return float(jumps[0] - jumps[1])


def threshold_sweep(case: Case) -> Seen:
    """A year at a time over the target's year of birth: does one step show?"""
    year = case.target.year
    wheres = [
        f"{ILL} AND p.year_of_birth * 12 + p.month_of_birth < {year * 12 + case.target.month + m}" for m in range(-2, 3)
    ]
    told = [case.count(where) for where in wheres]
    return tuple(a is None or b is None or b - a for a, b in itertools.pairwise(told))


def tracker(case: Case) -> Seen:
    """(ill target or T) + (ill target or not T) - everybody, for several T: what is over is the target."""
    mine, total = f"({ILL} AND {case.target.sql})", case.count("p.year_of_birth > 1800")
    over = 0.0
    for year in (1960, 1970, 1980, 1990):
        with_t = case.count(f"{mine} OR p.year_of_birth < {year}")
        with_others = case.count(f"{mine} OR NOT p.year_of_birth < {year}")
        if None not in (with_t, with_others, total):
            over += (with_t or 0) + (with_others or 0) - (total or 0)
    return over


def averaging_repeats(case: Case) -> Seen:
    """One question in other words: the noise would be new each time."""
    seen: list[float] = []
    for base in (ILL, f"{ILL} AND NOT {case.target.sql}"):
        words = (base, f"({base})", f"{base} AND 1 = 1", f"{base} AND p.year_of_birth > 1000", f"NOT NOT ({base})")
        told = [count for where in words for _ in range(2) if (count := case.count(where)) is not None]
        seen.append(sum(told) / len(told) if told else 0)
    return seen[0] - seen[1]


def averaging_pads(case: Case) -> Seen:
    """|ill or D| - |D| + |ill and D| for other groups D: many roundings of |ill|, with and without the target."""
    means: list[float] = []
    for base, years in ((ILL, range(1950, 1962, 4)), (f"({ILL} AND NOT {case.target.sql})", range(1970, 1982, 4))):
        estimates: list[int] = []
        for year in years:
            pad = f"p.year_of_birth < {year}"
            told = [case.count(where) for where in (f"{base} OR {pad}", pad, f"{base} AND {pad}")]
            if None not in told:
                estimates.append((told[0] or 0) - (told[1] or 0) + (told[2] or 0))
        means.append(sum(estimates) / len(estimates) if estimates else 0)
    return means[0] - means[1]


def id_guessing(case: Case) -> Seen:
    """Point at a row by a number."""
    number = case.hospital.people.index(case.target) + 1
    for where in (
        f"{ILL} AND p.person_id <> {number}",
        f"{ILL} AND p.person_id NOT IN ({number})",
        f"{ILL} AND p.person_id + 0 <> {number}",
        f"{ILL} AND CAST(p.person_id AS VARCHAR) <> '{number}'",
        f"{ILL} AND p.person_id % 1000 <> {number}",
        f"{ILL} AND p.person_id NOT BETWEEN {number} AND {number}",
        f"{ILL} AND p.person_id <> p.year_of_birth - p.year_of_birth + {number}",
        f"{ILL} AND EXISTS (SELECT 1 FROM omop.concept c WHERE c.concept_id = p.person_id)",
        f"{ILL} ORDER BY p.person_id LIMIT {number}",
        f"{ILL} OFFSET {number}",
    ):
        if case.ask(where) is not None:
            return (where.split(" AND ")[-1].split()[1],)
    return ()


def error_oracle(case: Case) -> Seen:
    """Queries that would fail only where the target is met and ill: what is said each time, refusal or too few."""
    ill = f"c.person_id = p.person_id AND c.condition_concept_id = {ILLNESS}"
    met = f"EXISTS (SELECT 1 FROM omop.condition_occurrence c WHERE {ill})"
    said: list[str] = []
    for poison in (
        "abs(p.year_of_birth * -2000000)",
        "p.year_of_birth * 1000000 * 1000000 * 1000000",
        "CAST(0.001 / (p.year_of_birth * 0.000000000001 * 0.000000000001 * 0.000000000001) AS bigint)",
        "1 / (p.year_of_birth - p.year_of_birth)",
        "CAST('x' AS int)",
    ):
        before = dict(case.hospital.outcomes)
        case.ask(f"{case.target.sql} AND {met} AND {poison} > 0")
        said += [code for code, count in case.hospital.outcomes.items() if count != before.get(code, 0)]
    return tuple(said)


def _cell(result: CohortCountResult | None, label: str) -> int | None:
    cells = result.columns[0].cells if result and result.columns else []
    return next((cell.count for cell in cells if cell.label == label), None)


def _pattern(result: CohortCountResult | None) -> Seen:
    """Which cells are shown, and how far the total is from them."""
    if result is None or not result.columns:
        return ("nothing",)
    column = result.columns[0]
    shown = tuple((cell.label, cell.low, cell.count is None) for cell in column.cells)
    rest = (result.persons or 0) - sum(cell.count or 0 for cell in column.cells)
    return (shown, column.missing is None, rest)


TECHNIQUES: dict[str, Callable[[Case], Seen]] = {
    technique.__name__: technique
    for technique in (
        differencing,
        differencing_backwards,
        small_group,
        rare_value,
        rare_number,
        missing_value,
        cells_of_two_cohorts,
        rows_of_one_cohort,
        boundary_sweep,
        threshold_sweep,
        tracker,
        averaging_repeats,
        averaging_pads,
        id_guessing,
        error_oracle,
    )
}
