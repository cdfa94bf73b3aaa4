"""The reference page of all findings, written from the registry.

`python -m flip_contracts.app_check.docs docs/reference/findings.md` writes it; a test fails where it is stale.
"""

import sys
from pathlib import Path
from textwrap import fill

from flip_contracts.app_check.registry import SECTIONS, Rule

_HEAD = """\
# Findings of the app check

`flip app check` on your machine and the hub on upload run the same rules. Nothing of the app is imported or run: files
are read, and Python is looked at as a syntax tree, with names resolved: `import torch as t; t.load(…)` is `torch.load`.
Comments and documentation texts are looked at for secrets only.

An **error** blocks the run: the platform would refuse the app, or the run would surely fail. A **warning** is worth a
change: the run starts, and something will not work as written. An **info** tells what the platform will do.

The warnings under *Safety* are no protection: the sandbox of a run is. They tell early what it will refuse.

This page is generated: `python -m flip_contracts.app_check.docs docs/reference/findings.md`.
"""


def page() -> str:
    parts = [_HEAD]
    for title, rules in SECTIONS.items():
        parts.append(f"## {title}\n")
        parts += [_entry(rule) for rule in sorted(rules, key=lambda rule: rule.code)]
    return "\n".join(parts)


def _entry(rule: Rule) -> str:
    paragraphs = (f"*{rule.severity}.* {rule.what}", rule.why, f"To do: {rule.fix}")
    wrapped = (fill(text, 120, break_long_words=False, break_on_hyphens=False) for text in paragraphs)
    return "\n\n".join((f"### {rule.code}", *wrapped)) + "\n"


def main() -> None:
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
