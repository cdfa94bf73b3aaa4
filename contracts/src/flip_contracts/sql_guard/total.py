"""No query may fail, or take for ever, because of what a row holds.

An expression that fails only where some row is met (a division by zero, a cast, an overflow, an underflow) tells
whether there is such a row, whatever the threshold. So each expression gets a kind and bounds of its size here; what
could fail is rewritten (`x / y` to `x / nullif(y, 0)`, whole numbers to 64 bits) or refused with a remedy. The same
step makes both engines compute alike: every number that is not whole is a double, `extract` and `avg` are doubles, a
text beside a date becomes a date.
"""

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from flip_contracts.sql_guard.people import branches, joins_of
from flip_contracts.sql_guard.refusal import SqlRefused, refused
from flip_contracts.sql_guard.schema import Columns

WHOLE_LIMIT, NUMBER_LIMIT, TEXT_LIMIT, DAYS_LIMIT = 9e18, 1e290, 20_000, 36_500
NARROW_LIMIT = 2e9  # what 32 bits hold, in which PostgreSQL adds and multiplies small whole numbers
LEAST_LIMIT, LEAST_HELD = 1e-280, 1e-20  # PostgreSQL fails where a product vanishes; smaller values nobody measures
FIRST_YEAR, DAYS_AWAY = 1000, 360_000  # of a written date, and from it: no date is before our era
ULP = 2.0**-53  # what may be left of a number when others are taken away from it
MOST_ROWS = 1e9  # that a sum adds up
LARGEST_LITERAL, SMALLEST_LITERAL = 1e15, 1e-12
UNITS = {"DAY": 1, "WEEK": 7, "MONTH": 31, "YEAR": 366, "HOUR": 1, "MINUTE": 1, "SECOND": 1}
OF_DATE = frozenset(
    ["YEAR", "ISOYEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DOW", "ISODOW", "DOY", "EPOCH", "DAYOFWEEK", "DAYOFYEAR"]
)
OF_TIME = OF_DATE | {"HOUR", "MINUTE", "SECOND"}
TRUNCATED = frozenset(["YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE"])


@dataclass(frozen=True)
class Kind:
    """`family`: whole number text date time bool interval null.

    `size`: greatest magnitude, length, days of an interval, or days that a date may be away from any that is written.
    `least`: smallest magnitude of a number, unless it is 0.
    """

    family: str
    size: float = 0.0
    literal: bool = False
    least: float = 1.0


BOOL, DATE, TIME, NULL = Kind("bool"), Kind("date"), Kind("time"), Kind("null")
OF_TYPE = {
    "bigint": Kind("whole", 2.0**31),  # keys, which are not computed with
    "int": Kind("whole", 2.0**31),
    "double": Kind("number", 1e15, least=LEAST_HELD),
    "date": DATE,
    "timestamp": TIME,
    "varchar": Kind("text", 2_000),
}
NUMERIC, DATED = ("whole", "number"), ("date", "time")
LIMITS = {
    "whole": (WHOLE_LIMIT, "Multiply and add less."),
    "number": (NUMBER_LIMIT, "Multiply and add less."),
    "text": (TEXT_LIMIT, "Concatenate less."),
    "date": (DAYS_AWAY, "Add or take away fewer days."),
    "time": (DAYS_AWAY, "Add or take away less time; a difference of times counts as ten thousand years."),
}


def make_total(tree: exp.Expr, columns: Columns) -> None:
    """Rewrite `tree` in place. Raises `SqlRefused` for what could fail or grow without bound."""
    given: dict[int, dict[str, Kind]] = {}  # id of a query -> its columns
    for scope in traverse_scope(tree):
        if isinstance(scope.expression, exp.Select):
            given[id(scope.expression)] = _Select(scope, columns, given).judged()
        else:
            given[id(scope.expression)] = _of_union(scope.expression, given)
    for kind in given[id(tree.unnest())].values():
        if kind.family == "interval":
            text = "An interval cannot be a column of the cohort. Select a number of days, or extract(epoch FROM …)."
            raise SqlRefused("sql_type", text)


def _of_union(union: exp.Expr, given: dict[int, dict[str, Kind]]) -> dict[str, Kind]:
    parts = [given[id(branch)] for branch in branches(union)]
    names = list(parts[0])
    columns = [list(part.values()) for part in parts]
    return {
        name: _together([kinds[position] for kinds in columns], union, "Each part of the UNION")
        for position, name in enumerate(names)
    }


def _together(kinds: list[Kind], node: exp.Expr, what: str) -> Kind:
    known = [kind for kind in kinds if kind.family != "null"]
    families = {kind.family for kind in known}
    size = max((kind.size for kind in known), default=0.0)
    least = min((kind.least for kind in known), default=1.0)
    for group in (NUMERIC, DATED):
        if families and families <= set(group):
            return Kind(group[-1] if len(families) > 1 else families.pop(), size, least=least)
    if len(families) == 1:
        return Kind(families.pop(), size)
    if not families:
        return NULL
    mixed = " and ".join(sorted(families))
    text = f"{what} mixes {mixed}. Write values of the column's own type (numbers without quotes)."
    raise refused("sql_type", text, node)


class _Select:
    def __init__(self, scope: Scope, columns: Columns, given: dict[int, dict[str, Kind]]):
        self._scope, self._columns, self._given = scope, columns, given
        self._own: dict[str, Kind] = {}

    def judged(self) -> dict[str, Kind]:
        select = self._scope.expression
        assert isinstance(select, exp.Select)
        kinds = self._own = {projection.alias_or_name: self.kind(projection) for projection in list(select.selects)}
        for join in joins_of(select):
            self._condition(join.args.get("on"))
        for name in ("where", "having"):
            clause = select.args.get(name)
            self._condition(clause and clause.this)
        for name in ("group", "order"):
            for expression in list(getattr(select.args.get(name), "expressions", [])):
                self.kind(expression)
        distinct = select.args.get("distinct")
        if distinct and distinct.expressions:
            raise refused("sql_node_forbidden", "DISTINCT ON is not allowed in a cohort query.", distinct)
        return kinds

    def _condition(self, condition: exp.Expr | None) -> None:
        if condition is not None:
            self._only(condition, "bool")

    def _only(self, node: exp.Expr, *families: str) -> Kind:
        kind = self.kind(node)
        if kind.family not in (*families, "null"):
            text = f"A {kind.family} value stands where a {families[0]} one is needed."
            raise refused("sql_type", text, node)
        return kind

    def _column(self, column: exp.Column) -> Kind:
        if not column.table and column.name in self._own:  # ORDER BY what is selected
            return self._own[column.name]
        scope: Scope | None = self._scope
        while scope is not None and column.table not in scope.sources:
            scope = scope.parent
        source = scope.sources[column.table] if scope is not None else None
        if isinstance(source, Scope):
            found = self._given.get(id(source.expression), {}).get(column.name)
        else:
            found = source and OF_TYPE.get(self._columns[source.name.lower()].get(column.name.lower(), ""))
        if not found:
            raise refused("sql_unknown_column", f"The column {column.name} is not known here.", column)
        return replace(found, literal=False)

    def kind(self, node: exp.Expr) -> Kind:
        rule = RULES.get(type(node))
        if rule is None:
            text = f"{type(node).__name__} is not allowed in a cohort query."
            raise refused("sql_node_forbidden", text, node)
        kind = rule(self, node)
        limit, remedy = LIMITS.get(kind.family, (math.inf, ""))
        if kind.size > limit:
            raise refused("sql_type", f"The value could become too large. {remedy}", node)
        if kind.family == "number" and kind.least < LEAST_LIMIT:
            raise refused("sql_type", "The value could become too small. Multiply and divide less.", node)
        return kind

    # --- one value ---
    def literal(self, node: exp.Expr) -> Kind:
        if node.is_string:
            return Kind("text", float(len(node.name)), literal=True)
        size = abs(float(node.name))
        if size > LARGEST_LITERAL or 0 < size < SMALLEST_LITERAL:
            raise refused("sql_type", "Numbers are at most 10^15 and at least 10^-12.", node)
        if node.is_int:
            return Kind("whole", size, literal=True)
        node.replace(_cast(node.copy(), "double"))  # else DECIMAL in one engine and NUMERIC in the other
        return Kind("number", size, literal=True, least=size or 1.0)

    def same(self, node: exp.Expr) -> Kind:
        return self.kind(node.this)

    def negative(self, node: exp.Expr) -> Kind:
        return self._only(node.this, *NUMERIC)

    def alike(self, node: exp.Expr, parts: list[exp.Expr]) -> Kind:
        """Values that meet: of one family; a text written beside a date is read as that date."""
        kinds = [self.kind(part) for part in parts]
        dated = next((kind for kind in kinds if kind.family in DATED), None)
        if dated is not None:
            for position, (part, kind) in enumerate(zip(parts, kinds, strict=True)):
                if kind.family == "text" and kind.literal:
                    kinds[position] = _as_date(part, dated.family)
        return _together(kinds, node, "This")

    def compared(self, node: exp.Expr) -> Kind:
        self.alike(node, [node.this, node.expression])
        return BOOL

    def between(self, node: exp.Expr) -> Kind:
        self.alike(node, [node.this, node.args["low"], node.args["high"]])
        return BOOL

    def within(self, node: exp.Expr) -> Kind:
        if node.args.get("query") is not None:
            own = self.kind(node.this)
            (other,) = self._given[id(node.args["query"].unnest())].values()
            _together([own, other], node, "IN")
        else:
            self.alike(node, [node.this, *node.expressions])
        return BOOL

    def matched(self, node: exp.Expr) -> Kind:
        self._only(node.this, "text")
        pattern = self._only(node.expression, "text")
        if not pattern.literal or "\\" in node.expression.name:
            raise refused("sql_type", "The pattern of LIKE is a text in quotes, without a backslash.", node)
        return BOOL

    def both_true(self, node: exp.Expr) -> Kind:
        self._only(node.this, "bool")
        self._only(node.expression, "bool")
        return BOOL

    def negated(self, node: exp.Expr) -> Kind:
        self._only(node.this, "bool")
        return BOOL

    def is_value(self, node: exp.Expr) -> Kind:
        self.kind(node.this)
        return BOOL

    # --- arithmetic ---
    def added(self, node: exp.Expr) -> Kind:
        left, right = self.kind(node.this), self.kind(node.expression)
        families = (left.family, right.family)
        minus = isinstance(node, exp.Sub)
        if left.family in NUMERIC and right.family in NUMERIC:
            least = min(left.least, right.least) * ULP
            return _computed(node, _number_family(left, right), left.size + right.size, least)
        if families == ("date", "whole"):
            _clamp(node.expression, right, DAYS_LIMIT)
            return Kind("date", left.size + min(right.size, DAYS_LIMIT))
        if families == ("whole", "date") and not minus:
            _clamp(node.this, left, DAYS_LIMIT)
            return Kind("date", right.size + min(left.size, DAYS_LIMIT))
        if left.family in DATED and right.family == "interval":
            return Kind("time", left.size + right.size)
        if families == ("interval", "interval"):
            return Kind("interval", left.size + right.size)
        if minus and families == ("date", "date"):
            return Kind("whole", 1e7)
        if minus and left.family in DATED and right.family in DATED:
            return Kind("interval", 1e7)
        if "null" in families:
            return left if right.family == "null" else right
        text = f"{families[0]} and {families[1]} cannot be added or subtracted. A date is written DATE '2020-01-31'."
        raise refused("sql_type", text, node)

    def multiplied(self, node: exp.Expr) -> Kind:
        left, right = self.kind(node.this), self.kind(node.expression)
        for factor, kind, other in ((node.this, left, right), (node.expression, right, left)):
            if other.family == "interval" and kind.family == "whole":
                _clamp(factor, kind, DAYS_LIMIT / max(other.size, 1))
                return Kind("interval", DAYS_LIMIT)
        self._need_numbers(node, left, right)
        return _computed(node, _number_family(left, right), left.size * right.size, left.least * right.least)

    def divided(self, node: exp.Expr) -> Kind:
        left, right = self.kind(node.this), self.kind(node.expression)
        self._need_numbers(node, left, right)
        whole = _number_family(left, right) == "whole"
        divisor = node.expression.unnest()
        fixed = right.literal and right.size > 0 and isinstance(divisor, exp.Literal | exp.Cast)
        if not fixed:
            node.set("expression", exp.Nullif(this=node.expression.copy(), expression=exp.Literal.number(0)))
        node.meta["whole"] = whole
        if whole:
            return Kind("whole", left.size)
        return Kind("number", left.size / right.least, least=left.least / max(right.size, 1))

    def remainder(self, node: exp.Expr) -> Kind:
        left, right = self.kind(node.this), self.kind(node.expression)
        self._need_numbers(node, left, right)
        if _number_family(left, right) != "whole":
            raise refused("sql_type", "The remainder is of whole numbers.", node)
        node.set("expression", exp.Nullif(this=node.expression.copy(), expression=exp.Literal.number(0)))
        return Kind("whole", left.size)

    def _need_numbers(self, node: exp.Expr, *kinds: Kind) -> None:
        if any(kind.family not in (*NUMERIC, "null") for kind in kinds):
            raise refused("sql_type", "Only numbers are multiplied or divided.", node)

    def power(self, node: exp.Expr) -> Kind:
        base, exponent = self._only(node.this, *NUMERIC), node.expression
        self.kind(exponent)
        if not (isinstance(exponent, exp.Literal) and exponent.is_int and int(exponent.name) <= 8):
            raise refused("sql_type", "The exponent is a whole number from 0 to 8.", node)
        node.replace(_cast(node.copy(), "double"))
        times = int(exponent.name)
        size = math.prod([max(base.size, 1.0)] * times)  # `**` would raise where this is infinite
        return Kind("number", size, least=min(base.least, 1.0) ** times)

    def rounded(self, node: exp.Expr) -> Kind:
        kind = self._only(node.this, *NUMERIC)
        digits = node.args.get("decimals")
        if isinstance(node, exp.Round):
            minus = isinstance(digits, exp.Neg)
            value = digits.this if isinstance(digits, exp.Neg) else digits
            if value is not None and not (isinstance(value, exp.Literal) and value.is_int and int(value.name) <= 10):
                raise refused("sql_type", "The number of digits is a whole number from -10 to 10.", node)
            number = int(value.name) if value is not None else 0
            node.replace(_half_up(node.this.copy(), -number if minus else number))
            return Kind("number", kind.size + 1e10, least=1e-10)
        if digits is not None:
            raise refused("sql_type", "trunc(), floor() and ceil() take one number here.", node)
        node.set("this", _cast(node.this.copy(), "double"))
        return Kind("number", kind.size + 1)

    def positive(self, node: exp.Expr) -> Kind:
        """Roots and logarithms of numbers they are not defined for are unknown (NULL)."""
        if node.args.get("expression") is not None:
            raise refused("sql_type", "log() takes one number here.", node)
        kind = self._only(node.this, *NUMERIC)
        value = _cast(node.this.copy(), "double")
        test = exp.GTE if isinstance(node, exp.Sqrt) else exp.GT
        case = exp.Case(ifs=[exp.If(this=test(this=value, expression=exp.Literal.number(0)), true=value.copy())])
        node.set("this", case)
        return Kind("number", max(kind.size, 1e3), least=min(kind.least, 1e-17))

    def chosen(self, node: exp.Expr) -> Kind:
        return self.alike(node, [node.this, *node.expressions])

    def null_if(self, node: exp.Expr) -> Kind:
        self.alike(node, [node.this, node.expression])
        return self.kind(node.this)

    def case(self, node: exp.Expr) -> Kind:
        subject: exp.Expr | None = node.this
        ifs: list[exp.If] = node.args.get("ifs") or []
        if subject is not None:
            self.alike(node, [subject, *(branch.this for branch in ifs)])
        for branch in ifs:
            if subject is None:
                self._condition(branch.this)
        default = node.args.get("default")
        return self.alike(node, [*(branch.args["true"] for branch in ifs), *([default] if default is not None else [])])

    # --- text ---
    def text_of(self, node: exp.Expr) -> Kind:
        kind = self._only(node.this, "text")
        if node.args.get("expression") is not None:
            self._only(node.args["expression"], "text")
        return Kind("text", kind.size * 2)

    def part(self, node: exp.Expr) -> Kind:
        kind = self._only(node.this, "text")
        for name, least in (("start", 1), ("length", 0)):
            value = node.args.get(name)
            if value is not None and not (isinstance(value, exp.Literal) and value.is_int and int(value.name) >= least):
                raise refused("sql_type", f"The {name} of substring() is a whole number from {least}.", node)
        return kind

    def length(self, node: exp.Expr) -> Kind:
        self._only(node.this, "text")
        return Kind("whole", TEXT_LIMIT)

    def place(self, node: exp.Expr) -> Kind:
        for name in ("this", "substr"):
            self._only(node.args[name], "text")
        return Kind("whole", TEXT_LIMIT)

    def joined(self, node: exp.Expr) -> Kind:
        parts = node.expressions if isinstance(node, exp.Concat) else [node.this, node.expression]
        kinds = [self._only(part, "text", "whole", "date") for part in list(parts)]
        return Kind("text", sum(kind.size if kind.family == "text" else 20 for kind in kinds))

    # --- dates ---
    def today(self, node: exp.Expr) -> Kind:
        return DATE

    def field(self, node: exp.Expr) -> Kind:
        unit = node.this.name.upper()
        kind = self.kind(node.expression)
        allowed = {"date": OF_DATE, "time": OF_TIME, "interval": frozenset({"EPOCH"}), "null": OF_TIME}
        if unit not in allowed.get(kind.family, frozenset()):
            text = f"extract({unit.lower()} FROM …) is not possible here. Of a date: year, month, day, week, dow."
            raise refused("sql_type", text, node)
        node.replace(_cast(node.copy(), "double"))
        return Kind("number", 1e12, least=1e-6)

    def truncated(self, node: exp.Expr) -> Kind:
        kind = self._only(node.this, *DATED)
        if node.args.get("unit") is None or node.args["unit"].name.upper() not in TRUNCATED:
            raise refused("sql_type", "date_trunc() takes 'year', 'quarter', 'month', 'week', 'day' or 'hour'.", node)
        node.replace(_cast(node.copy(), "timestamp"))
        return Kind("time", kind.size)

    def interval(self, node: exp.Expr) -> Kind:
        value, unit = node.this, node.args.get("unit")
        name = unit.name.upper().removesuffix("S") if unit is not None else ""
        digits = value.name if isinstance(value, exp.Literal) else ""
        if name not in UNITS or not digits.isdigit() or int(digits) * UNITS[name] > DAYS_LIMIT:
            raise refused("sql_type", "An interval is written INTERVAL '30 days', of at most a hundred years.", node)
        return Kind("interval", float(int(digits) * UNITS[name]))

    def cast(self, node: exp.Expr) -> Kind:
        target = node.args["to"]
        name, kind = target.this.value, self.kind(node.this)
        if name in ("VARCHAR", "TEXT"):
            if target.expressions:
                raise refused("sql_type", "Cast to text without a length; substring() shortens.", node)
            self._castable(node, kind, "text", "whole", "date", "time", "bool")
            return Kind("text", max(kind.size if kind.family == "text" else 0, 30), kind.literal)
        if name in ("DATE", "TIMESTAMP", "TIMESTAMPNTZ"):
            if kind.family == "text" and kind.literal:
                return _as_date(node.this, "date" if name == "DATE" else "time")
            self._castable(node, kind, *DATED)
            return Kind("date" if name == "DATE" else "time", kind.size)
        if name == "BOOLEAN":
            self._castable(node, kind, "bool", "whole")
            if kind.family == "whole":  # PostgreSQL casts 32 bits, but not 64
                node.replace(exp.Paren(this=exp.NEQ(this=node.this.copy(), expression=exp.Literal.number(0))))
            return BOOL
        if name == "INTERVAL":
            raise refused("sql_type", "An interval is written INTERVAL '30 days'.", node)
        self._castable(node, kind, *NUMERIC, "bool")
        size = max(kind.size, 1)
        if name in ("DOUBLE", "FLOAT", "DECIMAL"):
            scale = target.expressions[1].name if name == "DECIMAL" and len(target.expressions) > 1 else None
            whole = name == "DECIMAL" and len(target.expressions) == 1
            if kind.family == "bool":
                raise refused("sql_type", "A truth value is cast to a whole number.", node)
            if scale and int(scale) > 10:
                raise refused("sql_type", "A decimal has at most 10 digits after the point here.", node)
            inner, digits = node.this.copy(), int(scale or 0)
            node.replace(_half_up(inner, digits) if scale or whole else _cast(inner, "double"))
            return Kind("number", size + 1, least=min(kind.least, 1e-10))
        target.replace(exp.DataType.build("bigint"))  # a narrower one overflows by what a row holds
        if kind.family == "bool":
            node.replace(_as_number(node.this))
            return Kind("whole", 1)
        if kind.family == "number":
            _only_within(node, node.this, LARGEST_LITERAL)
            size = min(size, LARGEST_LITERAL)
        return Kind("whole", size + 1)

    def _castable(self, node: exp.Expr, kind: Kind, *families: str) -> None:
        if kind.family not in (*families, "null"):
            what = {"text": "A text", "number": "A number"}.get(kind.family, f"A {kind.family}")
            text = f"{what} is not cast to this type here: it could fail for one row. Compare it as it is."
            raise refused("sql_type", text, node)

    # --- many rows ---
    def counted(self, node: exp.Expr) -> Kind:
        inner = node.this
        for part in inner.expressions if isinstance(inner, exp.Distinct) else [inner]:
            if not isinstance(part, exp.Star):
                self.kind(part)
        return Kind("whole", MOST_ROWS)

    def summed(self, node: exp.Expr) -> Kind:
        kind = self._of_distinct(node, *NUMERIC)
        if kind.family == "whole":
            node.replace(_cast(node.copy(), "bigint"))
        return Kind(kind.family, kind.size * MOST_ROWS, least=kind.least * ULP)

    def measured(self, node: exp.Expr) -> Kind:
        kind = self._of_distinct(node, *NUMERIC)
        node.replace(_cast(node.copy(), "double"))
        return Kind("number", max(kind.size, 1) ** 2, least=(min(kind.least, 1) * ULP / MOST_ROWS) ** 2)

    def extreme(self, node: exp.Expr) -> Kind:
        return self._of_distinct(node, "whole", "number", "text", "date", "time")

    def _of_distinct(self, node: exp.Expr, *families: str) -> Kind:
        inner = node.this
        if isinstance(inner, exp.Distinct):
            (inner,) = inner.expressions
        return self._only(inner, *families)

    def median(self, node: exp.Expr) -> Kind:
        kind = self._only(node.this, *NUMERIC)
        return Kind("number", kind.size, least=kind.least * ULP)

    def ordered_set(self, node: exp.Expr) -> Kind:
        fraction = node.this.this
        if isinstance(fraction, exp.Cast):
            fraction = fraction.this
        if not (isinstance(fraction, exp.Literal) and not fraction.is_string and 0 <= float(fraction.name) <= 1):
            raise refused("sql_type", "The fraction of a percentile is a number from 0 to 1.", node)
        (ordered,) = node.expression.expressions
        kind = self._only(ordered.this, *NUMERIC, *DATED)
        if isinstance(node.this, exp.PercentileCont):
            if kind.family not in NUMERIC:
                raise refused("sql_type", "percentile_cont() is of numbers; use percentile_disc().", node)
            return Kind("number", kind.size, least=kind.least * ULP * SMALLEST_LITERAL)
        return kind

    def filtered(self, node: exp.Expr) -> Kind:
        kind = self.kind(node.this)
        # A sum may have been wrapped in a cast: the filter belongs to the aggregate, the cast around both.
        inner = node.this
        if isinstance(inner, exp.Cast):
            whole = exp.Cast(
                this=exp.Filter(this=inner.this.copy(), expression=node.expression.copy()), to=inner.args["to"]
            )
            node.replace(whole)
            node = whole.this
        self._condition(node.expression.this)
        return kind

    # --- windows ---
    def window(self, node: exp.Expr) -> Kind:
        kind = self.kind(node.this)
        inner = node.this
        for key in list(node.args.get("partition_by") or []):
            self.kind(key)
        order = node.args.get("order")
        for ordered in list(order.expressions if order is not None else []):
            self.kind(ordered)
        spec = node.args.get("spec")
        if spec is not None:
            ends = [spec.args.get(name) for name in ("start", "end")]
            fixed = all(e is None or isinstance(e, str) or (isinstance(e, exp.Literal) and e.is_int) for e in ends)
            moving = any(isinstance(e, exp.Literal) for e in ends)
            if not fixed or (moving and str(spec.args.get("kind")).upper() != "ROWS"):
                raise refused("sql_type", "A window's frame is ROWS BETWEEN whole numbers.", node)
        if isinstance(inner, exp.Cast):  # the window is of the aggregate, the cast around both
            to, bare = inner.args["to"], node.copy()
            bare.set("this", inner.this.copy())
            node.replace(exp.Cast(this=bare, to=to.copy()))
        return kind

    def rank(self, node: exp.Expr) -> Kind:
        return Kind("whole", MOST_ROWS)

    def tile(self, node: exp.Expr) -> Kind:
        if not (isinstance(node.this, exp.Literal) and node.this.is_int and int(node.this.name) > 0):
            raise refused("sql_type", "ntile() takes a whole number above 0.", node)
        return Kind("whole", MOST_ROWS)

    def neighbour(self, node: exp.Expr) -> Kind:
        offset, default = node.args.get("offset"), node.args.get("default")
        if offset is not None and not (isinstance(offset, exp.Literal) and offset.is_int):
            raise refused("sql_type", "The offset of lag() and lead() is a whole number.", node)
        return self.alike(node, [node.this, *([default] if default is not None else [])])

    def exists(self, node: exp.Expr) -> Kind:
        return BOOL

    def null(self, node: exp.Expr) -> Kind:
        return NULL

    def true(self, node: exp.Expr) -> Kind:
        return BOOL


def _number_family(*kinds: Kind) -> str:
    return "number" if any(kind.family == "number" for kind in kinds) else "whole"


def _computed(node: exp.Expr, family: str, size: float, least: float) -> Kind:
    if family != "whole":
        return Kind(family, size, least=least)
    if size > NARROW_LIMIT and not (isinstance(node.this, exp.Cast) and node.this.is_type("bigint")):
        node.set("this", _cast(node.this.copy(), "bigint"))
    return Kind("whole", size)


def _as_number(condition: exp.Expr) -> exp.Expr:
    """1, 0 or NULL: PostgreSQL casts a truth value to 32 bits only."""
    ifs = [
        exp.If(this=exp.Paren(this=condition.copy()), true=exp.Literal.number(1)),
        exp.If(this=exp.Not(this=exp.Paren(this=condition.copy())), true=exp.Literal.number(0)),
    ]
    return exp.Case(ifs=ifs)


def _only_within(node: exp.Expr, value: exp.Expr, most: float) -> None:
    """`node` computed of `value` where that is a number of this size, or else unknown (NULL)."""
    high = _cast(exp.Literal.number(int(most)), "double")
    low = _cast(exp.Neg(this=exp.Literal.number(int(most))), "double")
    test = exp.Between(this=value.copy(), low=low, high=high)
    node.replace(exp.Case(ifs=[exp.If(this=test, true=node.copy())]))


def _cast(value: exp.Expr, to: str) -> exp.Cast:
    return exp.Cast(this=value, to=exp.DataType.build(to))


def _half_up(value: exp.Expr, digits: int) -> exp.Expr:
    """Rounded with plain arithmetic of doubles: the engines' own round() differ where the next digit is a 5."""
    factor = _cast(exp.Literal.number(10 ** abs(digits)), "double")
    up, down = (exp.Mul, exp.Div) if digits >= 0 else (exp.Div, exp.Mul)
    scaled = exp.Paren(this=up(this=_cast(value, "double"), expression=factor))
    half = _cast(exp.Literal.number("0.5"), "double")
    whole = exp.Floor(this=exp.Add(this=scaled, expression=half))
    return exp.Paren(this=down(this=whole, expression=factor.copy()))


def _clamp(node: exp.Expr, kind: Kind, most: float) -> None:
    """So many days at most: further than that is no date."""
    if kind.literal and kind.size <= most:
        return
    high, low = exp.Literal.number(int(most)), exp.Neg(this=exp.Literal.number(int(most)))
    inner = exp.Greatest(this=node.copy(), expressions=[low])
    bounded = exp.Least(this=inner, expressions=[high])
    # NULL stays NULL: both engines' GREATEST and LEAST leave it out.
    test = exp.Is(this=node.copy(), expression=exp.Null())
    case = exp.Case(ifs=[exp.If(this=exp.Not(this=test), true=bounded)])
    node.replace(_cast(case, "int"))


def _as_date(node: exp.Expr, family: str) -> Kind:
    """A date written as text is checked here and becomes a DATE or TIMESTAMP."""
    text = node.name
    try:
        if family == "date" and len(text) == 10:
            at = dt.date.fromisoformat(text)
        else:
            at = dt.datetime.fromisoformat(text)
            if at.tzinfo is not None or len(text) < 10:
                raise ValueError
            family = "time" if len(text) > 10 or family == "time" else family
        if at.year < FIRST_YEAR:
            raise ValueError
    except ValueError:
        raise refused("sql_type", "A date is written '2020-01-31', a time '2020-01-31 12:00:00'.", node) from None
    if not isinstance(node.parent, exp.Cast):
        node.replace(_cast(node.copy(), "date" if family == "date" else "timestamp"))
    return DATE if family == "date" else TIME


_S = _Select
RULES: dict[type, Callable[[_Select, exp.Expr], Kind]] = {
    exp.Column: _S._column,  # type: ignore[dict-item]
    exp.Literal: _S.literal,
    exp.Null: _S.null,
    exp.Boolean: _S.true,
    exp.Neg: _S.negative,
    exp.Is: _S.is_value,
    exp.Not: _S.negated,
    exp.Between: _S.between,
    exp.In: _S.within,
    exp.Exists: _S.exists,
    exp.Mul: _S.multiplied,
    exp.Mod: _S.remainder,
    exp.Pow: _S.power,
    exp.Abs: _S.negative,
    exp.Nullif: _S.null_if,
    exp.Case: _S.case,
    exp.Substring: _S.part,
    exp.Length: _S.length,
    exp.StrPosition: _S.place,
    exp.CurrentDate: _S.today,
    exp.Extract: _S.field,
    exp.Interval: _S.interval,
    exp.Cast: _S.cast,
    exp.Count: _S.counted,
    exp.Sum: _S.summed,
    exp.Median: _S.median,
    exp.WithinGroup: _S.ordered_set,
    exp.Filter: _S.filtered,
    exp.Window: _S.window,
    exp.Ntile: _S.tile,
    **dict.fromkeys((exp.Paren, exp.Alias, exp.Ordered, exp.FirstValue, exp.LastValue), _S.same),
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE), _S.compared),
    **dict.fromkeys((exp.Like, exp.ILike), _S.matched),
    **dict.fromkeys((exp.And, exp.Or), _S.both_true),
    **dict.fromkeys((exp.Add, exp.Sub), _S.added),
    **dict.fromkeys((exp.Div, exp.IntDiv), _S.divided),
    **dict.fromkeys((exp.Floor, exp.Ceil, exp.Round, exp.Trunc), _S.rounded),
    **dict.fromkeys((exp.Ln, exp.Log, exp.Sqrt), _S.positive),
    **dict.fromkeys((exp.Coalesce, exp.Greatest, exp.Least), _S.chosen),
    **dict.fromkeys((exp.Upper, exp.Lower, exp.Trim), _S.text_of),
    **dict.fromkeys((exp.Concat, exp.DPipe), _S.joined),
    **dict.fromkeys((exp.DateTrunc, exp.TimestampTrunc), _S.truncated),
    **dict.fromkeys((exp.Min, exp.Max), _S.extreme),
    **dict.fromkeys((exp.RowNumber, exp.Rank, exp.DenseRank), _S.rank),
    **dict.fromkeys((exp.Lag, exp.Lead), _S.neighbour),
    **dict.fromkeys((exp.Avg, exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop), _S.measured),
}
