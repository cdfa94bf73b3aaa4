"""`check_app`: every rule over one app's files. Nothing of the app is ever imported or run."""

from collections.abc import Iterator, Mapping
from typing import Final

from flip_contracts.app_check import components, downloads, fab, flip_calls, lifecycle, project, strategy, unsafe
from flip_contracts.app_check.finding import Finding
from flip_contracts.app_check.modules import Module, Modules, parse_all, reachable
from flip_contracts.app_check.platform_image import check_image
from flip_contracts.app_check.registry import Severity
from flip_contracts.app_check.secrets import check_secrets
from flip_contracts.app_check.staged import check_staged

_ORDER: Final = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def check_app(files: Mapping[str, bytes], trust_count: int) -> list[Finding]:
    """Findings, errors first. `files` maps paths relative to the app's root to their content.

    `trust_count` is the number of trusts that have approved the project; 0 where that is not known yet.
    """
    toml, findings = project.check_pyproject(files)
    chosen, more = fab.Filter.of(files, toml)
    findings += more
    kept = {path: content for path, content in files.items() if chosen.why_dropped(path) is None}
    places, more = check_staged(toml, [path for path in files if path not in kept])
    findings += more
    findings += fab.check_files(files, chosen, {path for path, chosen_places in places.items() if chosen_places})
    modules, more = parse_all(kept)
    findings += more
    if toml is not None:
        findings += _check_code(toml, modules, set(files) - set(kept), trust_count)
    for path, content in files.items():
        findings += check_secrets(path, content)
    return in_order(findings)


def in_order(findings: list[Finding]) -> list[Finding]:
    """Errors first, then by file and line."""
    return sorted(findings, key=lambda f: (_ORDER[f.severity], f.file or "", f.line or 0, f.code))


def _check_code(toml: project.Project, modules: Modules, dropped: set[str], trust_count: int) -> Iterator[Finding]:
    reached: dict[str, Module] = {}
    at_trusts: set[str] = set()
    for component in toml.components:
        yield from components.check_component(component, modules, dropped)
        own = reachable(component.module, modules)
        if component.kind == "serverapp" and own:
            yield from lifecycle.check_lifecycle(own.values())
        if component.kind == "clientapp":
            at_trusts |= own.keys()
        reached |= own
    for name, module in reached.items():
        yield from components.check_imports(module, modules, dropped)
        yield from strategy.check_minimums(module, trust_count, toml.config)
        yield from strategy.check_timeouts(module, toml.config)
        yield from flip_calls.check_supernode_name(module, name in at_trusts)
        yield from flip_calls.check_accession_loops(module)
        yield from downloads.check_downloads(module)
        yield from unsafe.check_unsafe(module)
    own_roots = {name.split(".")[0] for name in modules} | {components.root_of(path) for path in dropped}
    yield from check_image(reached.values(), own_roots)
