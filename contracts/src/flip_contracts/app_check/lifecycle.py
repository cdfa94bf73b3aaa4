"""The four status calls of a ServerApp: there, and in the order of the progress bar."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from flip_contracts.app_check.finding import Finding, warning
from flip_contracts.statuses import ModelStatus

_ALIASES: Final = {"RUNNING": "TRAINING_STARTED"}
_BAR: Final = (
    str(ModelStatus.INITIATED),
    str(ModelStatus.PREPARED),
    str(ModelStatus.TRAINING_STARTED),
    str(ModelStatus.RESULTS_UPLOADED),
)


@dataclass(frozen=True, slots=True)
class _Call:
    status: str | None  # None: computed at run time
    function: int
    line: int


def check_lifecycle(files: Iterable[tuple[str, ast.Module]]) -> list[Finding]:
    """`files`: the ServerApp's own file first, then the app's modules that it imports."""
    findings: list[Finding] = []
    said: set[str] = set()
    main_file: str | None = None
    computed = False
    for file, tree in files:
        main_file = main_file or file
        calls = list(_calls(tree))
        said |= {call.status for call in calls if call.status}
        computed = computed or any(call.status is None for call in calls)
        findings += _order(file, calls)
    if computed:  # the missing ones may be among those computed at run time
        return findings
    missing = [status for status in _BAR[:-1] if status not in said]
    if missing:
        findings.append(
            warning(
                "lifecycle_missing",
                f"The ServerApp never reports {', '.join(missing)}; the progress bar follows the platform alone.",
                "Call flip.update_status(model_id, ModelStatus." + missing[0] + ") where it is reached.",
                main_file,
            )
        )
    if _BAR[-1] not in said:
        findings.append(
            warning(
                "results_uploaded_missing",
                "The ServerApp never reports RESULTS_UPLOADED. FLIP ends the run by itself, with a warning.",
                "End main() with flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED).",
                main_file,
            )
        )
    return findings


def _calls(tree: ast.Module) -> Iterator[_Call]:
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    owner: dict[int, int] = {}
    for number, function in enumerate(functions, 1):  # inner functions come later and win
        owner.update({id(child): number for child in ast.walk(function)})
    for node in ast.walk(tree):
        if not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update_status"
        ):
            continue
        given = [*node.args[1:2], *[k.value for k in node.keywords if k.arg == "new_model_status"]]
        status: str | None = None
        if given and isinstance(given[0], ast.Attribute):
            status = given[0].attr
        elif given and isinstance(given[0], ast.Constant):
            status = str(given[0].value)
        yield _Call(_ALIASES.get(status, status) if status else None, owner.get(id(node), 0), node.lineno)


def _order(file: str, calls: list[_Call]) -> Iterator[Finding]:
    furthest: dict[int, int] = {}
    for call in sorted(calls, key=lambda c: c.line):
        if call.status not in _BAR:
            continue
        place = _BAR.index(call.status)
        if place < furthest.get(call.function, -1):
            yield warning(
                "lifecycle_order",
                f"{call.status} is reported after {_BAR[furthest[call.function]]}; the bar never goes back.",
                f"The order is {', '.join(_BAR)}.",
                file,
                call.line,
            )
        furthest[call.function] = max(place, furthest.get(call.function, -1))
