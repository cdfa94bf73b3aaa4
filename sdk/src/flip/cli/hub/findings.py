"""Findings of the app check, and the files that stay behind, as `flip app check` prints them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from flip.cli.hub.output import clean, one_line

if TYPE_CHECKING:
    from flip_contracts.app_check import LeftOut

NAMES_SHOWN: Final = 5


def print_findings(findings: Sequence[Mapping[str, Any]], root: str) -> None:
    """One finding: place, severity, code and message on a line, the remedy on the next. `root`: folder or model."""
    for each in findings:
        file = f"{root}/{each['file']}" if each.get("file") else root
        place = f"{file}:{each['line']}" if each.get("line") else file
        print(clean(f"{place}  {each['severity']} {each['code']}  {one_line(each['message'])}"))
        page = f" See {each['docs']}" if each.get("docs") else ""
        print(f"    {one_line(each['remedy'])}{page}")


def print_left_out(left_out: Iterable[LeftOut], told: set[str]) -> None:
    """By reason. Caches, which nobody expects to come along, and files that a finding names, are passed over."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for left in left_out:
        if not left.is_cache and left.path not in told:
            by_reason[left.why].append(left.path)
    for why, paths in by_reason.items():
        more = f" and {len(paths) - NAMES_SHOWN} more" if len(paths) > NAMES_SHOWN else ""
        print(clean(f"Not uploaded: {', '.join(paths[:NAMES_SHOWN])}{more}: {why}"))
