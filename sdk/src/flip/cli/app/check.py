"""`flip app check`: what the hub would say on upload, said here."""

from __future__ import annotations

import json
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from flip.errors import FlipError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from flip_contracts.app_check import AppFolder, Finding

_UNUSABLE = 2
_COLOURS = {"error": "bold red", "warning": "yellow", "info": "cyan"}
_LISTED = 10  # left-out files, before "and N more"


def check(
    path: Annotated[Path, typer.Argument(help="The app's folder, with its pyproject.toml.")] = Path("."),
    trusts: Annotated[
        int, typer.Option("--trusts", "-n", min=0, help="How many trusts will take part; 0 where not known.")
    ] = 0,
    run_config: Annotated[
        list[str] | None, typer.Option(help="Overrides that a run will have: 'num-server-rounds=1 note=\"a b\"'.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Find what the platform would refuse, without running anything. Exit code 1 where there is an error."""
    from flip.local_run.project import parse_overrides
    from flip_contracts.app_check import check_app, check_overrides, declared_config, in_order, read_folder

    warnings.simplefilter("ignore", SyntaxWarning)  # Python's own about an app's text: not asked for here
    try:
        overrides = parse_overrides(run_config or [])
        app = read_folder(path)
    except NotADirectoryError:
        _unusable("not_a_folder", f"{path} is not a folder. Give the folder that holds pyproject.toml.", as_json)
    except FileNotFoundError:
        message = f"There is no pyproject.toml in {path}. Give the app's folder; `flip app new NAME` makes one."
        _unusable("pyproject_missing", message, as_json)
    except FlipError as error:
        _unusable(error.code, str(error), as_json)
    declared = declared_config(app.files.get("pyproject.toml", b""))
    findings = in_order([*app.findings, *check_app(app.files, trusts), *check_overrides(declared, overrides)])
    if as_json:
        print(json.dumps(_document(path, app, findings), indent=2))
    else:
        _show(path, app, findings)
    sys.exit(1 if any(finding.severity == "error" for finding in findings) else 0)


def _unusable(code: str, message: str, as_json: bool) -> NoReturn:
    """Exit code 2: there was nothing to check."""
    if as_json:
        print(json.dumps({"ok": False, "code": code, "message": message}, indent=2))
    else:
        print(f"flip: {message} [{code}]", file=sys.stderr)
    sys.exit(_UNUSABLE)


def _document(path: Path, app: AppFolder, findings: Sequence[Finding]) -> dict[str, Any]:
    """Keys are stable; new ones may come."""
    counts = Counter(str(finding.severity) for finding in findings)
    return {
        "ok": counts["error"] == 0,
        "path": str(path),
        "counts": {severity: counts[severity] for severity in _COLOURS},
        "findings": [finding.model_dump(mode="json") for finding in findings],
        "left_out": [{"path": left.path, "why": left.why} for left in app.left_out],
    }


def _show(path: Path, app: AppFolder, findings: Sequence[Finding]) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)  # a line stays one line, so that it can be searched and clicked
    for finding in findings:
        _show_finding(console, path, finding)
    told = {finding.file for finding in findings}
    left_out = [left for left in app.left_out if left.path not in told and not left.is_cache]
    if left_out:
        console.print("Left out of the bundle:", style="dim")
        for left in left_out[:_LISTED]:
            console.print(f"  {left.path}  {left.why}", style="dim", markup=False)
        if len(left_out) > _LISTED:
            console.print(f"  and {len(left_out) - _LISTED} more; --json lists them all", style="dim")
    console.print(_verdict(findings), style="bold", markup=False)


def _show_finding(console: Console, path: Path, finding: Finding) -> None:
    from rich.text import Text

    place = str(path / finding.file) if finding.file else str(path)
    line = Text(f"{place}:{finding.line}" if finding.line else place)
    line.append(f"  {finding.severity}", style=_COLOURS[finding.severity])
    line.append(f" {finding.code}", style="bold")
    line.append(f"  {finding.message}")
    console.print(line)
    console.print(Text(f"    {finding.remedy} See {finding.docs}", style="dim"))


def _verdict(findings: Sequence[Finding]) -> str:
    counts = Counter(str(finding.severity) for finding in findings)
    told = ", ".join(
        f"{counts[severity]} {noun}{'' if counts[severity] == 1 else 's'}"
        for severity, noun in (("error", "error"), ("warning", "warning"), ("info", "note"))
        if counts[severity]
    )
    if counts["error"]:
        return f"FLIP would refuse this app: {told}."
    return f"FLIP would take this app: {told}." if told else "FLIP would take this app; nothing to say about it."
