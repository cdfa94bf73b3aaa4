"""Cohort queries by a grammar: plausible ones, typed as PostgreSQL types them, with values at the edges of each type."""

from dataclasses import dataclass
from functools import cache

from hypothesis import strategies as st

Text = st.SearchStrategy[str]


@dataclass(frozen=True)
class Shape:
    """What a query reads, and which columns of each type it may name."""

    tables: str
    key: str
    whole: tuple[str, ...]
    number: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    date: tuple[str, ...] = ()
    time: tuple[str, ...] = ()


SHAPES = (
    Shape("omop.person AS a", "a.person_id", ("a.year_of_birth", "a.month_of_birth", "a.race_concept_id")),
    Shape(
        "omop.visit_occurrence AS a JOIN omop.person AS p ON p.person_id = a.person_id",
        "a.person_id",
        ("a.visit_concept_id", "p.year_of_birth"),
        date=("a.visit_start_date", "a.visit_end_date"),
        time=("a.visit_start_datetime", "a.visit_end_datetime"),
    ),
    Shape(
        "omop.measurement AS a LEFT JOIN omop.drug_exposure AS d ON d.visit_occurrence_id = a.visit_occurrence_id",
        "a.person_id",
        ("d.days_supply", "d.refills", "a.measurement_concept_id"),
        ("a.value_as_number", "d.quantity", "a.range_low"),
        date=("a.measurement_date", "d.drug_exposure_end_date"),
    ),
    Shape(
        "omop.condition_occurrence AS a JOIN omop.concept AS k ON k.concept_id = a.condition_concept_id",
        "a.person_id",
        ("a.condition_concept_id", "k.concept_id"),
        text=("k.concept_name", "k.concept_code", "k.domain_id", "k.vocabulary_id"),
        date=("a.condition_start_date", "k.valid_end_date"),
    ),
)


def _calls(template: str, *arguments: Text) -> Text:
    return st.tuples(*arguments).map(lambda given: template.format(*given))


class Grammar:
    """Expressions of each type over the columns of a shape, `depth` deep at most."""

    def __init__(self, shape: Shape):
        self.shape = shape

    @cache  # noqa: B019  one per shape
    def whole(self, depth: int) -> Text:
        leaf = st.sampled_from([*self.shape.whole, "0", "1", "7", "-3", "2000000000", "3000000000"])
        if depth == 0:
            return leaf
        w, n, t, d, b = (kind(depth - 1) for kind in (self.whole, self.number, self.text, self.date, self.boolean))
        return st.one_of(
            leaf,
            *(_calls(f"({{}} {sign} {{}})", w, w) for sign in "+-*/%"),
            _calls("(- {})", w),
            _calls("abs({})", w),
            _calls("mod({}, {})", w, w),
            _calls("CASE WHEN {} THEN {} ELSE {} END", b, w, w),
            _calls("CASE {} WHEN {} THEN {} END", w, w, w),
            *(_calls(f"{name}({{}}, {{}})", w, w) for name in ("coalesce", "nullif", "greatest", "least")),
            _calls("length({})", t),
            _calls("position({} IN {})", t, t),
            _calls("({} - {})", d, d),
            _calls("CAST({} AS int)", n),
            _calls("CAST({} AS int)", b),
            _calls("CAST({} AS smallint)", w),
        )

    @cache  # noqa: B019  one per shape
    def number(self, depth: int) -> Text:
        leaf = st.sampled_from(
            [*self.shape.number, "0.5", "-2.25", "0.000000000001", "100000000000000.5", *self.shape.whole]
        )
        if depth == 0:
            return leaf
        n, w, b, d, s = (kind(depth - 1) for kind in (self.number, self.whole, self.boolean, self.date, self.time))
        return st.one_of(
            leaf,
            *(_calls(f"({{}} {sign} {{}})", n, n) for sign in "+-*/"),
            *(_calls(f"{name}({{}})", n) for name in ("sqrt", "ln", "log", "floor", "ceil", "abs", "round")),
            _calls("round({}, 2)", n),
            _calls("power({}, 8)", n),
            _calls("power({}, 0)", w),
            _calls("CAST({} AS double precision)", w),
            _calls("CAST({} AS numeric(12, 3))", n),
            _calls("CASE WHEN {} THEN {} END", b, n),
            _calls("coalesce({}, {})", n, n),
            *(_calls(f"extract({field} FROM {{}})", d) for field in ("year", "week", "dow", "epoch")),
            _calls("extract(hour FROM {})", s),
        )

    @cache  # noqa: B019  one per shape
    def text(self, depth: int) -> Text:
        leaf = st.sampled_from([*self.shape.text, "'a'", "'%_'", "''", "'it''s'"])
        if depth == 0:
            return leaf
        t, w, b, d = (kind(depth - 1) for kind in (self.text, self.whole, self.boolean, self.date))
        return st.one_of(
            leaf,
            *(_calls(f"{name}({{}})", t) for name in ("upper", "lower", "trim")),
            _calls("substring({} FROM 2 FOR 3)", t),
            _calls("({} || {})", t, t),
            _calls("concat({}, '-', {})", t, w),
            _calls("CAST({} AS text)", w),
            _calls("CAST({} AS varchar)", d),
            _calls("CASE WHEN {} THEN {} ELSE {} END", b, t, t),
        )

    @cache  # noqa: B019  one per shape
    def date(self, depth: int) -> Text:
        leaf = st.sampled_from([*self.shape.date, "DATE '2020-02-29'", "DATE '1000-01-01'", "DATE '9999-12-31'"])
        if depth == 0:
            return leaf
        d, w, s, b = (kind(depth - 1) for kind in (self.date, self.whole, self.time, self.boolean))
        return st.one_of(
            leaf,
            _calls("({} + {})", d, w),
            _calls("({} - {})", d, w),
            _calls("({} + 100000)", d),
            _calls("({} - 100000)", d),
            _calls("CAST({} AS date)", s),
            _calls("CASE WHEN {} THEN {} ELSE {} END", b, d, d),
            _calls("greatest({}, {})", d, d),
        )

    @cache  # noqa: B019  one per shape
    def time(self, depth: int) -> Text:
        leaf = st.sampled_from([*self.shape.time, "TIMESTAMP '2020-02-29 12:30:00'", "TIMESTAMP '1000-01-01 00:00:00'"])
        if depth == 0:
            return leaf
        d, s, w = (kind(depth - 1) for kind in (self.date, self.time, self.whole))
        return st.one_of(
            leaf,
            _calls("({} + INTERVAL '100 years')", d),
            _calls("({} - INTERVAL '3 months')", s),
            _calls("({} - {} * INTERVAL '1 day')", d, w),
            _calls("({} + ({} - {}))", s, s, s),
            _calls("date_trunc('month', {})", d),
            _calls("CAST({} AS timestamp)", d),
        )

    @cache  # noqa: B019  one per shape
    def boolean(self, depth: int) -> Text:
        if depth == 0:
            return st.sampled_from([f"{name} > 5" for name in self.shape.whole] + ["TRUE", "FALSE", "1 = 0"])
        kinds = [self.whole, self.number, self.date, self.time]
        kinds += [self.text] if self.shape.text else []
        w, t, b = (kind(depth - 1) for kind in (self.whole, self.text, self.boolean))
        return st.one_of(
            *(
                _calls(f"({{}} {sign} {{}})", kind(depth - 1), kind(depth - 1))
                for kind in kinds
                for sign in ("=", "<>", "<", ">=")
            ),
            _calls("({} IS NOT NULL)", w),
            _calls("({} BETWEEN {} AND {})", w, w, w),
            _calls("({} IN ({}, 4, {}))", w, w, w),
            _calls("({} LIKE '%a_')", t),
            _calls("({} AND {})", b, b),
            _calls("({} OR NOT {})", b, b),
        )


GRAMMARS = [Grammar(shape) for shape in SHAPES]


@st.composite
def queries(draw: st.DrawFn, depth: int = 3) -> str:
    """A cohort query. The guard may refuse it; if it does not, no engine may fail on it."""
    grammar = draw(st.sampled_from(GRAMMARS))
    shape = grammar.shape
    kind = draw(st.sampled_from([grammar.whole, grammar.number, grammar.text, grammar.date, grammar.time]))
    value, other = draw(kind(depth)), draw(grammar.boolean(depth - 1))
    key, tables = shape.key, shape.tables
    form = draw(
        st.sampled_from(
            [
                "SELECT {key}, {value} AS x FROM {tables} WHERE {other}",
                "SELECT {key} FROM {tables} WHERE {other} AND {value} IS NOT NULL",
                "SELECT {key}, count(*) AS n, count(DISTINCT {value}) AS k FROM {tables} GROUP BY {key}",
                "SELECT {key}, min({value}) AS least, max({value}) AS most FROM {tables} WHERE {other} GROUP BY {key}",
                "SELECT {key}, sum({number}) AS s, avg({number}) AS m, stddev({number}) AS d FROM {tables} GROUP BY {key}",
                "SELECT {key}, sum({whole}) AS s, median({number}) AS m FROM {tables} GROUP BY {key} "
                "HAVING sum({whole}) > 3",
                "SELECT {key}, row_number() OVER (PARTITION BY {key} ORDER BY {value}) AS r, sum({whole}) OVER "
                "(PARTITION BY {key}) AS s FROM {tables}",
                "WITH c AS (SELECT {key} AS person_id, {value} AS x FROM {tables}) SELECT c.person_id FROM c "
                "WHERE c.x IS NOT NULL",
                "SELECT {key}, {value} AS x FROM {tables} UNION SELECT {key}, {value} AS x FROM {tables} WHERE {other}",
                "SELECT a.person_id FROM omop.person AS a WHERE EXISTS (SELECT 1 FROM omop.visit_occurrence AS v "
                "WHERE v.person_id = a.person_id AND a.year_of_birth * {number0} > v.visit_concept_id)",
            ]
        )
    )
    return form.format(
        key=key,
        tables=tables,
        value=value,
        other=other,
        whole=draw(grammar.whole(depth - 1)) if "{whole}" in form else "",
        number=draw(grammar.number(depth - 1)) if "{number}" in form else "",
        number0=draw(st.sampled_from(["0.000000000001", "2000000", "3"])),
    )
