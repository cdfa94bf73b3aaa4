"""Rules of the app's Python, read as syntax trees."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from flip_contracts.app_check import lifecycle
from flip_contracts.app_check.finding import Finding, error, warning
from flip_contracts.app_check.project import PYPROJECT, Component

_MINIMUMS: Final = frozenset(
    {
        "min_train_nodes",
        "min_evaluate_nodes",
        "min_available_nodes",
        "min_fit_clients",
        "min_evaluate_clients",
        "min_available_clients",
    }
)
_SUPERNODE: Final = "SUPERNODE_NAME"


@dataclass(frozen=True, slots=True)
class Module:
    name: str  # dotted
    file: str
    package: str  # what relative imports start from
    tree: ast.Module


Modules = dict[str, Module | None]  # None: a file that does not parse, or a folder without __init__.py


def parse_all(files: Mapping[str, bytes]) -> tuple[Modules, list[Finding]]:
    """Every Python module of the app by its dotted name."""
    modules: Modules = {}
    findings: list[Finding] = []
    for file, content in files.items():
        path = PurePosixPath(file)
        if path.suffix != ".py":
            continue
        parts = path.with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        for depth in range(1, len(parts)):
            modules.setdefault(".".join(parts[:depth]), None)
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
            line = exc.lineno if isinstance(exc, SyntaxError) else None
            reason = exc.msg if isinstance(exc, SyntaxError) else "it is not Python text"
            findings.append(error("syntax_error", f"This file cannot be read: {reason}.", "Correct it.", file, line))
            modules.setdefault(name, None)
            continue
        package = name if is_package else name.rpartition(".")[0]
        modules[name] = Module(name, file, package, tree)
    return modules, findings


def check_code(components: Iterable[Component], modules: Modules, dropped: set[str], trust_count: int) -> list[Finding]:
    findings: list[Finding] = []
    reached: dict[str, Module] = {}
    for component in components:
        findings += _check_component(component, modules, dropped)
        own = _reachable(component.module, modules)
        if component.kind == "serverapp" and own:
            findings += lifecycle.check_lifecycle([(module.file, module.tree) for module in own.values()])
        reached |= own
    for module in reached.values():
        findings += _check_imports(module, modules, dropped)
        findings += _check_minimums(module, trust_count)
        findings += _check_supernode_name(module)
    return findings


def _check_component(component: Component, modules: Modules, dropped: set[str]) -> Iterator[Finding]:
    file = _file_of(component.module)
    if component.module not in modules:
        gone = [path for path in dropped if path in (file, _package_file_of(component.module))]
        if gone:
            yield error(
                "component_dropped",
                f"The {component.kind}'s module does not come along in the bundle.",
                "Rename or move it: test files and some root folders are left out.",
                gone[0],
            )
            return
        yield error(
            "component_unresolved",
            f"{component.kind} names the module {component.module}, and there is no {file}.",
            "Add the file, or correct [tool.flwr.app.components].",
            PYPROJECT,
            component.line,
        )
        return
    module = modules[component.module]
    if module is not None and not _defines(module, component.attribute):
        yield error(
            "component_unresolved",
            f"{component.kind} names {component.attribute}, which {module.file} does not define.",
            f"Define {component.attribute} at the top level of the file, or correct the component.",
            PYPROJECT,
            component.line,
        )


def _reachable(start: str, modules: Modules) -> dict[str, Module]:
    """The modules that importing `start` imports, itself included."""
    found: dict[str, Module] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        module = modules.get(name)
        if module is None or name in found:
            continue
        found[name] = module
        parts = name.split(".")
        waiting += [".".join(parts[:depth]) for depth in range(1, len(parts))]
        for wanted in _imports(module):
            waiting.append(wanted.module)
            if wanted.name is not None:
                waiting.append(f"{wanted.module}.{wanted.name}")
    return found


@dataclass(frozen=True, slots=True)
class _Import:
    module: str
    name: str | None
    line: int


def _imports(module: Module) -> Iterator[_Import]:
    """Imports that must succeed: those under `try ... except ImportError` or TYPE_CHECKING are left out."""
    excused = _excused(module.tree)
    for node in ast.walk(module.tree):
        if id(node) in excused:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield _Import(alias.name, None, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.package.split(".") if module.package else []
                kept = package[: len(package) - (node.level - 1)]
                base = ".".join([*kept, *([node.module] if node.module else [])])
            for alias in node.names:
                yield _Import(base, None if alias.name == "*" else alias.name, node.lineno)


def _excused(tree: ast.Module) -> set[int]:
    inside: set[int] = set()
    for node in ast.walk(tree):
        bodies: list[ast.stmt] = []
        if isinstance(node, ast.Try):
            caught = {name.id for handler in node.handlers for name in _names(handler.type)}
            bare = any(handler.type is None for handler in node.handlers)
            if bare or caught & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}:
                bodies = node.body
        elif isinstance(node, ast.If) and any(
            isinstance(part, ast.Name | ast.Attribute)
            and (part.id if isinstance(part, ast.Name) else part.attr) == "TYPE_CHECKING"
            for part in ast.walk(node.test)
        ):
            bodies = node.body
        for statement in bodies:
            inside.update(id(child) for child in ast.walk(statement))
    return inside


def _names(node: ast.expr | None) -> Iterator[ast.Name]:
    if node is not None:
        yield from (child for child in ast.walk(node) if isinstance(child, ast.Name))


def _check_imports(module: Module, modules: Modules, dropped: set[str]) -> Iterator[Finding]:
    roots = {name.split(".")[0] for name in modules} | {_root_of(path) for path in dropped}
    seen: set[tuple[str, str | None]] = set()
    for wanted in _imports(module):
        if wanted.module.split(".")[0] not in roots or (wanted.module, wanted.name) in seen:
            continue
        seen.add((wanted.module, wanted.name))
        if wanted.module not in modules:
            file = _file_of(wanted.module)
            left_out = file in dropped
            if not left_out and _is_elsewhere(wanted.module, modules):
                continue
            yield error(
                "import_missing",
                f"It imports {wanted.module}, and "
                + (f"{file} is left out of the bundle." if left_out else f"there is no {file} in the app."),
                f"Rename {file}." if left_out else f"Add {file}, or correct the import.",
                module.file,
                wanted.line,
            )
            continue
        target = modules[wanted.module]
        if wanted.name is None or f"{wanted.module}.{wanted.name}" in modules:
            continue
        if target is not None and not _defines(target, wanted.name):
            file = _file_of(f"{wanted.module}.{wanted.name}")
            is_package = target.name == target.package
            submodule, add = (f", nor is there {file}", f" or add {file}") if is_package else ("", "")
            yield error(
                "import_missing",
                f"It imports {wanted.name} from {wanted.module}, and {target.file} does not define it{submodule}.",
                f"Define {wanted.name} in {target.file}{add}, or correct the import.",
                module.file,
                wanted.line,
            )


def _is_elsewhere(name: str, modules: Modules) -> bool:
    """A root that has no Python of the app in it is somebody else's package."""
    return name.split(".")[0] not in modules


def _defines(module: Module, name: str) -> bool:
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
    """Statements that run at import, those in `if`, `try`, `with` and loops included."""
    for node in body:
        yield node
        for field in ("body", "orelse", "finalbody"):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from _top_level(getattr(node, field, []))
        for handler in getattr(node, "handlers", []):
            yield from _top_level(handler.body)


def _check_minimums(module: Module, trust_count: int) -> Iterator[Finding]:
    if trust_count < 1:
        return
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        for keyword in node.keywords:
            value = keyword.value
            if (
                keyword.arg in _MINIMUMS
                and isinstance(value, ast.Constant)
                and isinstance(value.value, int)
                and value.value > trust_count
            ):
                yield warning(
                    "min_nodes_above_trusts",
                    f"{keyword.arg} is {value.value}, and {trust_count} trusts take part: "
                    "elsewhere the run would wait for ever. FLIP lowers it for the run.",
                    f"Leave {keyword.arg} out.",
                    module.file,
                    value.lineno,
                )


def _check_supernode_name(module: Module) -> Iterator[Finding]:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Assign | ast.AnnAssign | ast.Call):
            continue
        hard = False
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            hard = isinstance(node.value, ast.Constant) and any(
                (isinstance(target, ast.Name) and target.id == _SUPERNODE)
                or (isinstance(target, ast.Subscript) and _is_constant(target.slice, _SUPERNODE))
                for target in targets
            )
        elif isinstance(node.func, ast.Attribute):
            hard = node.func.attr in ("setdefault", "putenv") and bool(
                node.args and _is_constant(node.args[0], _SUPERNODE)
            )
        if hard:
            yield warning(
                "supernode_name_hard_coded",
                f"{_SUPERNODE} is set by the app. The platform sets it to the trust's registered name.",
                f'Only read it: os.getenv("{_SUPERNODE}", "unknown_client").',
                module.file,
                node.lineno,
            )


def _is_constant(node: ast.expr, value: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


def _file_of(module: str) -> str:
    return module.replace(".", "/") + ".py"


def _package_file_of(module: str) -> str:
    return module.replace(".", "/") + "/__init__.py"


def _root_of(path: str) -> str:
    return PurePosixPath(path).parts[0].removesuffix(".py") if path.endswith(".py") else ""
