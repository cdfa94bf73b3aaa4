"""The corpora as files: paragraphs of SQL, each named by its first line."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def paragraphs(name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for block in re.split(r"\n\s*\n", (HERE / name).read_text()):
        lines = [line for line in block.strip().splitlines() if line]
        while lines and lines[0].startswith("--") and len(lines) > 1 and lines[1].startswith("--"):
            lines.pop(0)
        if len(lines) > 1:
            title = lines[0].removeprefix("--").strip()
            assert title not in found, f"{name}: two paragraphs are called {title!r}"
            found[title] = "\n".join(lines[1:])
    return found
