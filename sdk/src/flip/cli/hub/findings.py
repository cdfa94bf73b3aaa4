"""Findings of the app check, and the files that stay behind, as lines for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from flip.cli.hub.output import clean, one_line

NAMES_SHOWN = 5


def print_findings(findings: Sequence[Mapping[str, Any]]) -> None:
    """One finding: severity, code, place and message on a line, the remedy on the next."""
    for each in findings:
        place = ":".join(str(part) for part in (each["file"], each["line"]) if part)
        print(one_line(f"{each['severity']}: {place + ': ' if place else ''}{each['message']} [{each['code']}]"))
        print(f"    {one_line(each['remedy'])}")


def print_dropped(dropped: Mapping[str, str]) -> None:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for path, why in dropped.items():
        by_reason[why].append(path)
    for why, paths in by_reason.items():
        more = f" and {len(paths) - NAMES_SHOWN} more" if len(paths) > NAMES_SHOWN else ""
        print(clean(f"not uploaded: {', '.join(paths[:NAMES_SHOWN])}{more}: {why}"))
