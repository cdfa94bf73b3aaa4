"""Writes pages of docs/reference/ from the hub's and the trust's code: `make docs`. A test fails where one is stale.

Runs in the hub's environment, as `generate.py` runs in Flower's.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic_core import PydanticUndefined

from flip_hub import tables  # noqa: F401  every table must be known before the first mapping
from flip_hub.app import create_app
from flip_hub.db import Database
from flip_hub.keys import ensure_signing_key
from flip_hub.openapi import all_errors, codes, operations
from flip_hub.settings import HubSettings, NetSettings
from flip_trust.imaging.reasons import REASONS

REFERENCE = Path(__file__).parent / "reference"
MADE = "Written by `make docs` from the code.\n"


def settings() -> str:
    """Every FLIP_HUB_* variable."""
    parts = [f"# Settings of the hub\n\n{MADE}\nRead once at start. Lists and nested values are JSON.\n"]
    parts.append("| variable | default | what it is |\n|---|---|---|")
    for name, field in HubSettings.model_fields.items():
        parts.append(f"| `FLIP_HUB_{name.upper()}` | {_default(name, field.default)} | {_line(field.description)} |")
    parts.append("\n## One net of `FLIP_HUB_NETS`\n\n| key | what it is |\n|---|---|")
    parts += [f"| `{name}` | {_line(field.description)} |" for name, field in NetSettings.model_fields.items()]
    return "\n".join(parts) + "\n"


def _default(name: str, value: Any) -> str:
    if value is PydanticUndefined:
        return "needed"
    if name == "page_dir":
        return "`ui/dist` of the checkout"
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    return f"`{value}`" if value not in ("", []) else "empty"


def api() -> str:
    """Every endpoint, by what it is about, with the codes that it may refuse with beyond those of every endpoint."""
    spec = specification()
    parts = [
        f"# The hub's API\n\n{MADE}\n`GET /openapi.json`, or `flip-hub openapi`, has every field and every answer."
    ]
    by_tag: dict[str, list[str]] = {}
    for path, method, operation in operations(spec):
        said = _line(operation.get("description") or operation["summary"] + ".")
        row = f"| `{method.upper()} {path}` | {said} | {_codes(spec, operation)} |"
        by_tag.setdefault(operation["tags"][0], []).append(row)
    for tag in sorted(by_tag):
        parts.append(f"\n## {tag.capitalize()}\n\n| endpoint | what it does | refuses with |\n|---|---|---|")
        parts += by_tag[tag]
    return "\n".join(parts) + "\n"


def errors() -> str:
    """Every code of the hub: its HTTP status, what it says."""
    parts = [f"# Error codes of the hub\n\n{MADE}\nA code is stable; texts may change, and say more where they can.\n"]
    parts.append("| code | status | what it says |\n|---|---|---|")
    parts += [f"| `{kind.code}` | {kind.status} | {_line(kind.public)} |" for kind in all_errors()]
    return "\n".join(parts) + "\n"


def imaging_reasons() -> str:
    """Why a trust leaves a study, or a series of it, out."""
    parts = [
        f"# Why images are left out\n\n{MADE}\nA reason belongs to an accession that is `EXCLUDED`, or in "
        "`study.json` to one series of a study that is otherwise there. Which part of preparing images it belongs to: "
        "[imaging.md](../imaging.md).\n"
    ]
    parts.append("| reason | what it means | what to do |\n|---|---|---|")
    parts += [f"| `{reason}` | {_line(means)} | {_line(todo)} |" for reason, (means, todo) in REASONS.items()]
    return "\n".join(parts) + "\n"


def specification() -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        made = HubSettings(data_dir=Path(folder), background=False)
        ensure_signing_key(made.signing_key_file)
        return create_app(made, Database("postgresql://unused")).openapi()


EVERYWHERE = frozenset(
    {
        "conflict",
        "csrf_token_missing",
        "forbidden",
        "internal",
        "invalid_request",
        "login_needed",
        "not_authenticated",
        "not_found",
        "request_too_large",
        "scope_missing",
        "session_restricted",
        "unavailable",
    }
)


def _codes(spec: dict[str, Any], operation: dict[str, Any]) -> str:
    found = {
        code for status in map(int, operation["responses"]) if status >= 400 for code in codes(spec, operation, status)
    }
    return ", ".join(f"`{code.strip('^$')}`" for code in sorted(found - EVERYWHERE))


def _line(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").replace("|", "/").strip()


PAGES = {"hub-settings.md": settings, "hub-api.md": api, "hub-errors.md": errors, "imaging-reasons.md": imaging_reasons}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
        print(f"docs/reference/{name}")
