"""The four status calls of a ServerApp: there, in the order of the progress bar, and reached."""

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.flow import Flow, Reach
from flip_contracts.app_check.modules import Module
from flip_contracts.app_check.statuses_said import BAR, UPLOADED, is_handed_on, is_status_call, status_of

_NOT_REACHED: Final = {
    Reach.DEAD: (
        "results_uploaded_unreachable",
        "RESULTS_UPLOADED is reported only where the code never comes.",
        "Move the call to the end of main().",
    ),
    Reach.ON_FAILURE: (
        "results_uploaded_on_failure",
        "RESULTS_UPLOADED is reported only when something fails.",
        "Move the call behind the try; FLIP reports a failure by itself.",
    ),
    Reach.MAYBE: (
        "results_uploaded_conditional",
        "RESULTS_UPLOADED is reported only under a condition; elsewhere FLIP ends the run by itself.",
        "Move the call to the end of main() if it should always be reported.",
    ),
}


def check_lifecycle(modules: Iterable[Module]) -> list[Finding]:
    """`modules`: the ServerApp's own first, then the app's modules that it imports."""
    modules = list(modules)
    findings: list[Finding] = []
    said: set[str | None] = set()
    reach, place = Reach.NEVER, (modules[0].file, 0)
    mentioned = _mentioned(modules)
    for module in modules:
        names = module.names
        said |= {status_of(n, names) for n in module.nodes if isinstance(n, ast.Call) and is_status_call(n)}
        said |= {None} if is_handed_on(module.nodes) else set()
        for body, is_called in _bodies(module, mentioned):
            flow = Flow(module)
            end = flow.block(body)
            findings += flow.findings
            reached = end.reach if is_called else min(end.reach, Reach.DEAD)
            if reached > reach:
                reach, place = reached, (module.file, flow.uploaded_lines[0])
    if UPLOADED in said and reach in _NOT_REACHED and None not in said:
        findings.append(found(*_NOT_REACHED[reach], *place))
    if None not in said:  # else the missing ones may be among those computed at run time
        findings += _missing(said, modules[0].file)
    return findings


def _missing(said: set[str | None], file: str) -> Iterator[Finding]:
    missing = [status for status in BAR[:-1] if status not in said]
    if missing:
        yield found(
            "lifecycle_missing",
            f"The ServerApp never reports {', '.join(missing)}; the progress bar follows the platform alone.",
            "Call flip.update_status(model_id, ModelStatus." + missing[0] + ") where it is reached.",
            file,
        )
    if UPLOADED not in said:
        yield found(
            "results_uploaded_missing",
            "The ServerApp never reports RESULTS_UPLOADED. FLIP ends the run by itself, with a warning.",
            "End main() with flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED).",
            file,
        )


def _bodies(module: Module, mentioned: set[str]) -> Iterator[tuple[list[ast.stmt], bool]]:
    """The module's and each function's statements, and whether anything calls them."""
    yield module.tree.body, True
    methods = {id(child) for node in module.nodes if isinstance(node, ast.ClassDef) for child in node.body}
    for node in module.nodes:
        if isinstance(node, ast.ClassDef):
            yield [child for child in node.body if not isinstance(child, ast.FunctionDef)], True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # Flower calls decorated functions and the methods of a strategy.
            yield node.body, bool(node.decorator_list) or id(node) in methods or node.name in mentioned


def _mentioned(modules: list[Module]) -> set[str]:
    """Names that are used anywhere, or imported under another name."""
    used: set[str] = set()
    for node in (node for module in modules for node in module.nodes):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            used.add(node.id)
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
        elif isinstance(node, ast.alias) and node.asname:
            used.add(node.name)
    return used
