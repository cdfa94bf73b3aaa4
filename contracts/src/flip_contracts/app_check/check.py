"""`check_app`: every rule over one app's files. Nothing of the app is ever imported or run."""

from collections.abc import Mapping

from flip_contracts.app_check import code, fab, project
from flip_contracts.app_check.finding import Finding, Severity

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def check_app(files: Mapping[str, bytes], trust_count: int) -> list[Finding]:
    """Findings, errors first. `files` maps paths relative to the app's root to their content.

    `trust_count` is the number of trusts that have approved the project; 0 where that is not known yet.
    """
    findings = fab.check_files(files)
    kept = {path: content for path, content in files.items() if fab.why_dropped(path) is None}
    toml, more = project.check_pyproject(kept)
    findings += more
    modules, more = code.parse_all(kept)
    findings += more
    if toml is not None:
        findings += code.check_code(toml.components, modules, set(files) - set(kept), trust_count)
    return sorted(findings, key=lambda f: (_ORDER[f.severity], f.file or "", f.line or 0))
