"""What a name in a Python file stands for: `t.load` after `import torch as t` is `torch.load`.

Scopes are followed, so a parameter called `requests` is not the library. Nothing is guessed: a name that is bound to
something unknown resolves to None.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_SCOPES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.ClassDef,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)
_MAX_STEPS = 20  # aliases of aliases


@dataclass(slots=True)
class _Scope:
    parent: "_Scope | None"
    is_class: bool = False
    imported: dict[str, str] = field(default_factory=dict[str, str])
    assigned: dict[str, ast.expr | None] = field(default_factory=dict[str, ast.expr | None])  # None: unknown
    own: set[str] = field(default_factory=set[str])  # parameters, functions and classes of the app

    def assign(self, name: str, value: ast.expr | None) -> None:
        self.assigned[name] = None if name in self.assigned else value

    def holder(self, name: str) -> "_Scope | None":
        """The innermost scope that binds `name`; methods do not see the names of their class."""
        scope: _Scope | None = self
        while scope:
            bound = name in scope.own or name in scope.imported or name in scope.assigned
            if bound and (scope is self or not scope.is_class):
                return scope
            scope = scope.parent
        return None


@dataclass(frozen=True, slots=True)
class Use:
    """A name from elsewhere that is called, or handed on (`map(pickle.loads, blobs)`)."""

    name: str  # dotted, and "()" after what is called: "requests.Session().get"
    node: ast.expr
    call: ast.Call | None
    _names: "Names"

    def name_of(self, node: ast.expr) -> str | None:
        return self._names.of(node)

    def value_of(self, node: ast.expr) -> ast.expr:
        return self._names.value_of(node)


class Names:
    def __init__(self, tree: ast.Module, package: str):
        self._package = package
        self._scope_of: dict[int, _Scope] = {}
        self._root = _Scope(None)
        self._visit(tree, self._root)

    def of(self, node: ast.expr) -> str | None:
        """The dotted name of an expression, or None."""
        return self._of(node, _MAX_STEPS)

    def top_level(self, name: str) -> str | None:
        """What a name of the module itself stands for."""
        return self._named(name, self._root, _MAX_STEPS)

    def value_of(self, node: ast.expr) -> ast.expr:
        """What a name was assigned, where it is assigned once; any other expression as it is."""
        for _ in range(_MAX_STEPS):
            if not isinstance(node, ast.Name):
                return node
            scope = self._scope_of.get(id(node), self._root).holder(node.id)
            value = scope.assigned.get(node.id) if scope and node.id not in scope.own else None
            if value is None:
                return node
            node = value
        return node

    def _of(self, node: ast.expr, steps: int) -> str | None:
        if steps == 0:
            return None
        match node:
            case ast.Name():
                return self._named(node.id, self._scope_of.get(id(node), self._root), steps)
            case ast.Attribute():
                base = self._of(node.value, steps)
                return f"{base}.{node.attr}" if base else None
            case ast.Call():
                base = self._of(node.func, steps)
                return f"{base}()" if base else None
            case _:
                return None

    def _named(self, name: str, start: _Scope, steps: int) -> str | None:
        scope = start.holder(name)
        if scope is None:
            return f"builtins.{name}"
        if name in scope.own:
            return None
        if name in scope.imported:
            return scope.imported[name]
        value = scope.assigned[name]
        return self._of(value, steps - 1) if value is not None else None

    def _visit(self, node: ast.AST, scope: _Scope) -> None:
        self._scope_of[id(node)] = scope
        self._bind(node, scope)
        inner = _Scope(scope, isinstance(node, ast.ClassDef)) if isinstance(node, _SCOPES) else scope
        outside: set[int] = set()  # decorators, defaults, bases and annotations belong to the scope around
        if isinstance(node, Function):
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    inner.own.add(argument.arg)
            outside.add(id(node.args))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            outside.update(id(child) for child in node.decorator_list)
        for child in ast.iter_child_nodes(node):
            self._visit(child, scope if id(child) in outside else inner)

    def _bind(self, node: ast.AST, scope: _Scope) -> None:
        match node:
            case ast.Import():
                for alias in node.names:
                    scope.imported[alias.asname or alias.name.split(".")[0]] = (
                        alias.name if alias.asname else alias.name.split(".")[0]
                    )
            case ast.ImportFrom():
                base = imported_from(node, self._package)
                for alias in node.names:
                    scope.imported[alias.asname or alias.name] = f"{base}.{alias.name}"
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                scope.own.add(node.name)
            case ast.Assign(targets=[ast.Name(id=name)]):
                scope.assign(name, node.value)
            case ast.AnnAssign(target=ast.Name(id=name)) if node.value is not None:
                scope.assign(name, node.value)
            case ast.NamedExpr(target=ast.Name(id=name)):
                scope.assign(name, node.value)
            case ast.withitem(optional_vars=ast.Name(id=name)):
                scope.assign(name, node.context_expr)
            case ast.Assign() | ast.For() | ast.AsyncFor() | ast.AugAssign():
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    for child in ast.walk(target):
                        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                            scope.assign(child.id, None)
            case ast.Name(ctx=ast.Store()) if node.id not in scope.assigned:
                scope.assigned[node.id] = None
            case ast.ExceptHandler(name=str(name)):
                scope.assigned[name] = None
            case _:
                pass


def imported_from(node: ast.ImportFrom, package: str) -> str:
    """The absolute module of `from … import`."""
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - (node.level - 1)]
    return ".".join([*kept, *([node.module] if node.module else [])])


def uses(tree: ast.Module, names: Names) -> Iterator[Use]:
    """Every call and every handed-on name that resolves. Annotations and plain aliases are no use."""
    yield from _uses(tree, names)


def _uses(node: ast.AST, names: Names) -> Iterator[Use]:
    skipped: set[int] = set()
    match node:
        case ast.Call():
            name = names.of(node.func)
            if name:
                yield Use(name, node, node, names)
                yield from _uses_below(node.func, names)
                skipped.add(id(node.func))
        case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()):
            name = names.of(node)
            if name:
                yield Use(name, node, None, names)
                yield from _uses_below(node, names)
                return
        case ast.Assign(value=ast.Name() | ast.Attribute()):
            skipped.add(id(node.value))
        case ast.AnnAssign():
            skipped.add(id(node.annotation))
        case ast.arg() if node.annotation:
            skipped.add(id(node.annotation))
        case ast.FunctionDef() | ast.AsyncFunctionDef() if node.returns:
            skipped.add(id(node.returns))
        case ast.ExceptHandler() if node.type:
            skipped.add(id(node.type))
        case _:
            pass
    for child in ast.iter_child_nodes(node):
        if id(child) not in skipped:
            yield from _uses(child, names)


def _uses_below(node: ast.expr, names: Names) -> Iterator[Use]:
    """Under a resolved chain only calls and their arguments are of interest: `requests.Session().get`."""
    while isinstance(node, ast.Attribute):
        node = node.value
    if isinstance(node, ast.Call):
        yield from _uses(node, names)
