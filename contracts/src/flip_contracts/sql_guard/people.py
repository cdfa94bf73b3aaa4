"""No query may single a person out, or let one person's property decide about others.

Identifiers may be joined, grouped, counted and selected under their own name; no more. A value compared with one, an
alias, a rank ordered by one, a join on a shared property: each is a way around suppression (differencing).
"""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from flip_contracts.sql_guard.cdm import REFERENCE
from flip_contracts.sql_guard.refusal import SqlRefused, refused
from flip_contracts.sql_guard.schema import IDENTIFIERS, PERSON_KEYS, same_key

_OUTSIDE = ""  # in an EXISTS: whatever the query around it is about


def check_people(tree: exp.Expr) -> None:
    scopes = list(traverse_scope(tree))
    by_query = {id(scope.expression): scope for scope in scopes}
    for scope in scopes:
        if isinstance(scope.expression, exp.Select):
            _check_joins(scope)
    for select in tree.find_all(exp.Select):
        _check_projections(select)
    for column in tree.find_all(exp.Column):
        if column.name.lower() in IDENTIFIERS and not _harmless(column):
            text = (
                f"{column.name} may be joined, grouped, counted or selected as it is; other uses single out a person."
            )
            raise refused("sql_identifier_literal", text, column)
    for union in tree.find_all(exp.SetOperation):
        _check_branches(union)
    for window in tree.find_all(exp.Window):
        _check_window(window)
    for scope in scopes:
        if isinstance(scope.expression, exp.Select):
            _check_connected(scope)
    for within in tree.find_all(exp.In):
        _check_in(within, by_query)


def merge_using(tree: exp.Expr) -> None:
    """A column that two tables share by USING is that of the first, unless a RIGHT or FULL JOIN may leave it empty."""
    for merged in list(tree.find_all(exp.Coalesce)):
        parts = [merged.this, *merged.expressions]
        select = merged.find_ancestor(exp.Select)
        sides = {join.side for join in joins_of(select)} if select else {"FULL"}
        same = all(isinstance(part, exp.Column) and part.name == merged.this.name for part in parts)
        if same and merged.this.name.lower() in IDENTIFIERS and not sides & {"RIGHT", "FULL"}:
            merged.replace(merged.this.copy())


def output_columns(tree: exp.Expr) -> tuple[str, ...]:
    """The result must be a cohort: whose rows, by bare identifier columns; the same rows each time it runs."""
    columns = tuple(name.lower() for name in next(branches(tree)).named_selects)
    if len(set(columns)) != len(columns):
        raise SqlRefused("sql_output_contract", "Two columns of the result have the same name. Rename one with AS.")
    if not {"person_id", "accession_id"} & set(columns):
        text = "The query must select person_id or accession_id, so that the cohort is known."
        raise SqlRefused("sql_output_contract", text)
    for select in tree.find_all(exp.Select, exp.SetOperation):
        if select.args.get("limit") or select.args.get("offset"):
            text = "A cohort is everybody who matches: LIMIT and OFFSET would pick persons out."
            raise refused("sql_output_contract", text, select)
    return columns


def branches(query: exp.Expr) -> Iterator[exp.Select]:
    query = query.unnest()
    if isinstance(query, exp.SetOperation):
        yield from branches(query.left)
        yield from branches(query.right)
    elif isinstance(query, exp.Select):
        yield query
    else:
        raise SqlRefused("sql_node_forbidden", "Only SELECT is allowed.")


def joins_of(select: exp.Expr) -> list[exp.Join]:
    joins: list[exp.Join] | None = select.args.get("joins")
    return joins or []


def _check_projections(select: exp.Select) -> None:
    if not select.args.get("from_"):
        raise refused("sql_output_contract", "Each SELECT needs a FROM.", select)
    for projection in select.selects:
        name, inner = projection.alias_or_name.lower(), projection.unalias()
        if name in IDENTIFIERS and not (isinstance(inner, exp.Column) and same_key(inner.name, name)):
            text = f"{name} must be selected as it is, not computed or renamed into."
            raise refused("sql_output_contract", text, projection)


def _harmless(column: exp.Column) -> bool:
    parent = column.parent
    match parent:
        case exp.Alias():
            return same_key(parent.alias, column.name)
        case exp.Select() | exp.Group() | exp.Count() | exp.Is():
            return True
        case exp.Distinct():
            return isinstance(parent.parent, exp.Count | exp.Select)
        case exp.Window():
            return column.arg_key == "partition_by"
        case exp.Ordered():
            # Within a window it orders one person's own rows; within an aggregate it would choose an identifier.
            order = parent.parent
            return isinstance(order, exp.Order) and isinstance(
                order.parent, exp.Select | exp.SetOperation | exp.Window | exp.Subquery
            )
        case exp.In():
            query = parent.args.get("query")
            return column.arg_key == "this" and query is not None and _selects_key(query, column.name)
        case exp.EQ():
            return _is_link(parent)
        case _:
            return False


def _selects_key(query: exp.Expr, name: str) -> bool:
    """True if every branch of the subquery gives one real column of this kind, not a value dressed as one."""
    for branch in branches(query):
        inner = [projection.unalias() for projection in branch.selects]
        if len(inner) != 1 or not isinstance(inner[0], exp.Column) or not same_key(inner[0].name, name):
            return False
    return True


def _is_link(equality: exp.Expr) -> bool:
    """The same identifier on both sides: ids of different kinds are both small numbers and select by number."""
    if not isinstance(equality, exp.EQ):
        return False
    left, right = equality.this, equality.expression
    both = isinstance(left, exp.Column) and isinstance(right, exp.Column)
    return both and same_key(left.name, right.name)


def _check_branches(union: exp.SetOperation) -> None:
    """The columns of a UNION take the names of its first branch; the others must bring the same identifiers."""
    first, *others = branches(union)
    if any(len(branch.selects) != len(first.selects) for branch in others):
        raise refused("sql_syntax", "Each part of the UNION must select as many columns.", union)
    for position, name in enumerate(first.named_selects):
        for branch in others:
            inner = branch.selects[position].unalias()
            found = inner.name.lower() if isinstance(inner, exp.Column) else ""
            if (name.lower() in IDENTIFIERS or found in IDENTIFIERS) and not same_key(name, found):
                text = f"Each part of the UNION must select {name} at the same place, as it is."
                raise refused("sql_output_contract", text, branch)


def _check_window(window: exp.Window) -> None:
    partition: list[exp.Expr] = window.args.get("partition_by") or []
    if not {key.name.lower() for key in partition if isinstance(key, exp.Column)} & PERSON_KEYS:
        text = "A window needs PARTITION BY person_id (or a key of a person's own): over all, it picks persons out."
        raise refused("sql_identifier_literal", text, window)


def _conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    if isinstance(condition, exp.Where):
        condition = condition.this
    if isinstance(condition, exp.Paren):
        yield from _conjuncts(condition.this)
    elif isinstance(condition, exp.And):
        yield from _conjuncts(condition.this)
        yield from _conjuncts(condition.expression)
    elif condition is not None:
        yield condition


def _is_personal(source: exp.Expr | Scope) -> bool:
    """True unless it reads nothing but tables that hold nothing of a patient."""
    if isinstance(source, Scope):
        named = [inner for _, inner in source.selected_sources.values()]
        return any(_is_personal(s) for s in (*named, *source.set_operation_scopes, *source.subquery_scopes))
    return source.name.lower() not in REFERENCE


def _check_joins(scope: Scope) -> None:
    """An equality between two sources each: a cross join is how a small query becomes an endless one."""
    for join in joins_of(scope.expression):
        if not any(_ties(condition, scope) for condition in _conjuncts(join.args.get("on"))):
            text = "Each join needs `a.x = b.x` on an identifier such as person_id, or with a vocabulary table."
            raise refused("sql_join_condition", text, join)


def _ties(condition: exp.Expr, scope: Scope) -> bool:
    if not isinstance(condition, exp.EQ):
        return False
    left, right = condition.this, condition.expression
    if not (isinstance(left, exp.Column) and isinstance(right, exp.Column)) or left.table == right.table:
        return False
    ends = [scope.selected_sources.get(column.table) for column in (left, right)]
    sources = [end[1] for end in ends if end is not None]
    # Joining with a vocabulary says nothing of a person, whatever the column.
    return len(sources) == 2 and (_is_link(condition) or not all(_is_personal(source) for source in sources))


def _check_connected(scope: Scope) -> None:
    """All that is personal in one SELECT is about the same person: tied, directly or by others, by a person's key.

    Joined by a shared property (a place, a year, a diagnosis by way of the vocabulary), the existence of one person
    would decide about many others, who then stand in the count for them.
    """
    select = scope.expression
    personal = [name for name, (_, source) in scope.selected_sources.items() if _is_personal(source)]
    groups = {name: name for name in personal}
    if personal and _is_of_exists(select):
        groups[_OUTSIDE] = _OUTSIDE

    def root(name: str) -> str:
        while groups[name] != name:
            name = groups[name]
        return name

    conditions = [c for join in joins_of(select) for c in _conjuncts(join.args.get("on"))]
    for condition in (*conditions, *_conjuncts(select.args.get("where"))):
        if _is_link(condition) and condition.this.name.lower() in PERSON_KEYS:
            ends = [
                c.table if c.table in scope.selected_sources else _OUTSIDE
                for c in (condition.this, condition.expression)
            ]
            if all(end in groups for end in ends):
                groups[root(ends[0])] = root(ends[1])
    if len({root(name) for name in groups}) > 1:
        if _OUTSIDE in groups:
            text = "EXISTS must be tied to the outer query by an identifier, such as person_id."
        else:
            text = "Tables of patients in one SELECT must be joined by an identifier such as person_id."
        raise refused("sql_join_condition", text, select)


def _is_of_exists(select: exp.Expr) -> bool:
    parent = select.parent
    while isinstance(parent, exp.SetOperation | exp.Subquery):
        parent = parent.parent
    return isinstance(parent, exp.Exists)


def _check_in(within: exp.In, by_query: dict[int, Scope]) -> None:
    query = within.args.get("query")
    if query is None or (isinstance(within.this, exp.Column) and within.this.name.lower() in PERSON_KEYS):
        return  # a person's key in a subquery of the same key: see _harmless
    scope = by_query.get(id(query.unnest()))
    if scope is None or _is_personal(scope) or len(next(branches(query)).selects) != 1:
        text = "IN (SELECT …) compares a person's key with the same key, or any column with a vocabulary's."
        raise refused("sql_join_condition", text, within)
