"""Writes docs/reference/ from the code: `make docs`. A test fails where a page is stale.

Runs in the environment with Flower, where the command line is installed. The codes of a trust are read from its source,
since it lives in another environment; the hub's pages are written by `generate_hub.py`.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import typer

import flip
import flip.errors
import flip.flower
from flip.cli.main import cli as flip_command
from flip.constants import ModelStatus, ResourceType
from flip.prefetching import Prefetched
from flip_contracts.app_check import docs as findings

REPO = Path(__file__).parents[1]
REFERENCE = REPO / "docs" / "reference"
MADE = "Written by `make docs` from the code.\n"


def sdk() -> str:
    """Signatures and docstrings of everything an app imports."""
    parts = [f"# The package flip\n\n{MADE}", *_class(flip.FLIP), *_class(Prefetched)]
    for enum in (ResourceType, ModelStatus):
        values = ", ".join(f"`{member.name}`" for member in enum)
        parts.append(f"## {enum.__name__}\n\n`from flip.constants import {enum.__name__}`: {values}.\n")
    parts.append("# flip.flower\n\nWhat needs Flower itself; imported on its own, so that `import flip` stays light.\n")
    for name in flip.flower.__all__:
        thing = getattr(flip.flower, name)
        parts += _class(thing) if inspect.isclass(thing) else [_function(thing, "##")]
    return "\n".join(parts)


def _class(thing: type) -> Iterator[str]:
    yield f"## {thing.__name__}\n\n{_text(thing)}"
    calls = {name: call for base in reversed(thing.__mro__[:-1]) for name, call in vars(base).items() if _ours(call)}
    for name, call in calls.items():
        if not name.startswith("_") and call.__doc__:
            yield _function(call, "###")


def _ours(thing: object) -> bool:
    return inspect.isfunction(thing) and thing.__module__.startswith("flip.")


def _function(call: Any, level: str) -> str:
    signature = inspect.signature(call)
    shown = [str(p).replace("'", "") for p in signature.parameters.values() if p.name != "self"]
    named = [p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
    if named:
        shown.insert(next(i for i, text in enumerate(shown) if text.startswith(named[0])), "*")
    returns = signature.return_annotation
    arrow = "" if returns is inspect.Signature.empty else f" -> {returns}"
    written = (
        f"{call.__name__}(\n    " + ",\n    ".join(shown) + f",\n){arrow}" if shown else f"{call.__name__}(){arrow}"
    )
    return f"{level} {call.__name__}\n\n```python\n{written}\n```\n\n{_text(call)}"


def _text(thing: object) -> str:
    return f"```text\n{inspect.getdoc(thing) or ''}\n```\n"


def cli() -> str:
    """Every command with its arguments and options."""
    parts = [f"# The command flip\n\n{MADE}"]
    for path, command in _commands(typer.main.get_command(flip_command), "flip"):
        parts.append(f"## {path}\n\n{inspect.cleandoc(command.help or '')}\n")
        rows = [_row(p) for p in command.params if p.name != "help"]
        if rows:
            parts.append("| argument | what it is |\n|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _commands(inner, f"{path} {name}")
    elif not command.hidden:
        yield path, command


def _row(parameter: Any) -> str:
    named = parameter.param_type_name == "option"
    name = ", ".join(f"`{o}`" for o in [*parameter.opts, *parameter.secondary_opts]) if named else f"`{parameter.name}`"
    choices = getattr(parameter.type, "choices", None)
    extra = " One of " + ", ".join(f"`{getattr(c, 'value', c)}`" for c in choices) + "." if choices else ""
    return f"| {name} | {(parameter.help or '').replace('|', '/')}{extra} |"


def errors() -> str:
    """Each stable code with what it says: of the SDK by class, of a trust as it writes it."""
    parts = [f"# Error codes\n\n{MADE}"]
    parts.append("A code is stable; texts may change. Every error says what to do next.\n\n## In an app\n")
    parts.append(
        "`from flip.errors import FlipError`: the parent of all of them.\n\n| class | code | meaning |\n|---|---|---|"
    )
    for name, cls in _classes(flip.errors):
        parts.append(
            f"| `{name}` | `{cls.default_code}` | {_line((inspect.getdoc(cls) or '').partition('Attributes')[0])} |"
        )
    parts.append("\n## From the hub\n\n[hub-errors.md](hub-errors.md) lists them.")
    parts.append("\n## From a trust\n\n| code | what it says |\n|---|---|")
    coded = sorted(_coded(REPO / "trust/src/flip_trust").items())
    parts += [f"| `{code}` | {_line(text)} |" for code, text in coded]
    return "\n".join(parts) + "\n"


def _classes(module: ModuleType) -> list[tuple[str, type[flip.errors.FlipError]]]:
    return [(n, c) for n, c in vars(module).items() if inspect.isclass(c) and issubclass(c, flip.errors.FlipError)]


def _coded(folder: Path) -> dict[str, str]:
    """Classes that set `code`, and `public` or a docstring, in their body."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                texts = dict(_assigned(node))
                if texts.get("code") and (told := texts.get("public") or ast.get_docstring(node)):
                    found[texts["code"]] = told
    return found


def _assigned(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Names of the class body that are set to one text each, `a, b = "x", 1` included."""
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and statement.value:
            pairs = [(statement.target, statement.value)]
        elif isinstance(statement, ast.Assign):
            (target, value), both = (statement.targets[0], statement.value), ast.Tuple
            many = isinstance(target, both) and isinstance(value, both)
            pairs = list(zip(target.elts, value.elts, strict=True)) if many else [(target, value)]
        else:
            continue
        for target, value in pairs:
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield target.id, value.value


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "/").strip()


PAGES = {"sdk.md": sdk, "cli.md": cli, "errors.md": errors, "findings.md": findings.page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
        print(f"docs/reference/{name}")
