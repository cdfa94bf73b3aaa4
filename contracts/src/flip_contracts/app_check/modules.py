"""The app's Python files as syntax trees."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.names import Names, Use, imported_from, uses

MAX_CODE_BYTES: Final = 3 * 2**20  # some thirty times a large app; a check costs a tenth of a millisecond per line
_MAX_NESTING: Final = 300  # Python's limit is 1000 frames, some are taken already and a level takes up to two


@dataclass(frozen=True, slots=True)
class Module:
    name: str  # dotted
    file: str
    package: str  # what relative imports start from
    tree: ast.Module
    names: Names
    nodes: tuple[ast.AST, ...]  # of the tree, breadth first: walked once, asked by every rule
    imports: "tuple[Import, ...]"

    def uses(self) -> Iterator[Use]:
        return uses(self.tree, self.names)


Modules = dict[str, Module | None]  # None: a file that does not parse, or a folder without __init__.py


def parse_all(files: Mapping[str, bytes]) -> tuple[Modules, list[Finding]]:
    """Every Python module of the app by its dotted name."""
    modules: Modules = {}
    findings: list[Finding] = []
    size = 0
    for file, content in files.items():
        path = PurePosixPath(file)
        if path.suffix != ".py":
            continue
        parts = path.with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        for depth in range(1, len(parts)):
            modules.setdefault(".".join(parts[:depth]), None)
        package = name if is_package else name.rpartition(".")[0]
        size += len(content)
        if size > MAX_CODE_BYTES:
            modules.setdefault(name, None)
            continue
        try:
            tree = ast.parse(content)
            nodes = _nodes(tree)
            modules[name] = Module(
                name, file, package, tree, Names(tree, package), nodes, tuple(_imports(nodes, package))
            )
        except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
            line = exc.lineno if isinstance(exc, SyntaxError) else None
            reason = exc.msg if isinstance(exc, SyntaxError) else "it is not Python text, or nested too deep"
            findings.append(found("syntax_error", f"This file cannot be read: {reason}.", "Correct it.", file, line))
            modules.setdefault(name, None)
    if size > MAX_CODE_BYTES:
        message = f"The Python files have {size / 2**20:.1f} MiB; {MAX_CODE_BYTES // 2**20} MiB are checked."
        findings.append(found("code_too_large", message, "Remove generated or copied code that the app does not use."))
    return modules, findings


def _nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """RecursionError for a tree that is too deep: the rules recurse, and must not end in the middle of one."""
    nodes: list[ast.AST] = []
    level: list[ast.AST] = [tree]
    for _ in range(_MAX_NESTING):
        nodes += level
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tuple(nodes)
    raise RecursionError


def reachable(start: str, modules: Modules) -> dict[str, Module]:
    """The modules that importing `start` imports, itself included."""
    reached: dict[str, Module] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        module = modules.get(name)
        if module is None or name in reached:
            continue
        reached[name] = module
        parts = name.split(".")
        waiting += [".".join(parts[:depth]) for depth in range(1, len(parts))]
        for wanted in module.imports:
            waiting.append(wanted.module)
            if wanted.name is not None:
                waiting.append(f"{wanted.module}.{wanted.name}")
    return reached


@dataclass(frozen=True, slots=True)
class Import:
    module: str
    name: str | None
    line: int
    must_succeed: bool  # False under `try … except ImportError`


def _imports(nodes: tuple[ast.AST, ...], package: str) -> Iterator[Import]:
    """Imports that run, wherever in the file; those under TYPE_CHECKING do not."""
    never, excused = _under_type_checking(nodes), _excused(nodes)
    for node in nodes:
        if id(node) in never:
            continue
        must = id(node) not in excused
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, None, node.lineno, must)
        elif isinstance(node, ast.ImportFrom):
            base = imported_from(node, package)
            for alias in node.names:
                yield Import(base, None if alias.name == "*" else alias.name, node.lineno, must)


def _under_type_checking(nodes: tuple[ast.AST, ...]) -> set[int]:
    inside: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            for statement in node.body:
                inside.update(id(child) for child in ast.walk(statement))
    return inside


def _is_type_checking(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(_is_type_checking(part) for part in test.values)
    name = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else None
    return name == "TYPE_CHECKING"


def _excused(nodes: tuple[ast.AST, ...]) -> set[int]:
    inside: set[int] = set()
    for node in nodes:
        if not isinstance(node, ast.Try):
            continue
        caught = {
            child.id
            for handler in node.handlers
            if handler.type
            for child in ast.walk(handler.type)
            if isinstance(child, ast.Name)
        }
        bare = any(handler.type is None for handler in node.handlers)
        if bare or caught & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}:
            for statement in node.body:
                inside.update(id(child) for child in ast.walk(statement))
    return inside


def defines(module: Module, name: str) -> bool:
    """Whether importing the module leaves `name` in it."""
    for node in _top_level(module.tree.body):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if node.name in (name, "__getattr__"):
                    return True
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    if alias.name == "*" or (alias.asname or alias.name.split(".")[0]) == name:
                        return True
            case _:
                for child in ast.walk(node):
                    if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store) and child.id == name:
                        return True
    return False


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run at import, those in `if`, `try`, `with`, `match` and loops included."""
    for node in body:
        yield node
        for field in ("body", "orelse", "finalbody"):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from _top_level(getattr(node, field, []))
        for branch in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
            yield from _top_level(branch.body)


def file_of(module: str) -> str:
    return module.replace(".", "/") + ".py"


def package_file_of(module: str) -> str:
    return module.replace(".", "/") + "/__init__.py"
