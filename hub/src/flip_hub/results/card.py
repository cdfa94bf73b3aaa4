"""A model card in Markdown, generated from the facts. What only its authors know is left open, and says so."""

from typing import Any

from flip_hub.results.facts import Facts


def card_of(facts: Facts) -> str:
    return "\n".join(
        [
            f"# {_text(facts.model)}",
            "",
            f"> {_text(facts.description) or 'No description was given.'}",
            "",
            f"Trained in the project **{_text(facts.project)}** of {_text(facts.owner)}: {_text(facts.purpose)}",
            "",
            "## How it was trained",
            "",
            _table(
                ("", ""),
                [
                    ("run", facts.run_id),
                    ("outcome", f"{facts.state}: {facts.reason}"),
                    ("requested by", facts.requested_by),
                    ("started", facts.started_at or "–"),
                    ("finished", facts.finished_at or "–"),
                    ("code (SHA-256)", facts.code_sha256 or "–"),
                    *((f"config `{key}`", value) for key, value in sorted(facts.run_config.items())),
                    *sorted(facts.versions.items()),
                ],
            ),
            "",
            "## Data",
            "",
            "The data stayed at the trusts. Each trust approved this cohort query:",
            "",
            *(f"    {line}" for line in facts.sql.splitlines()),
            "",
            _table(
                ("trust", "decision", "decided", "conditions"),
                [(a.trust, a.decision, a.decided_at or "–", a.conditions or "–") for a in facts.approvals],
            ),
            "",
            "Part in the run:",
            "",
            _table(("trust", "state", "reason"), [(name, state, why or "–") for name, state, why in facts.trusts]),
            "",
            "## Rounds",
            "",
            _table(
                ("round", "phase", "results", "failures"),
                [(r["round"], r["phase"], r["results"], r["failures"]) for r in facts.rounds],
            ),
            "",
            "## Metrics",
            "",
            _table(
                ("label", "trust", "last", "lowest", "highest", "points"),
                [
                    (m["label"], m["trust"], *(f"{m[key]:.6g}" for key in ("last", "lowest", "highest")), m["points"])
                    for m in facts.metrics
                ],
            ),
            "",
            "## Intended use, limits and risks",
            "",
            "To be written by the authors. The metrics are what the app reported; nobody else has checked them.",
            "",
        ]
    )


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    if not rows:
        return "None were told."
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(_text(cell) for cell in line) + " |" for line in lines)


def _text(value: Any) -> str:
    """One line without anything that Markdown or HTML would take for its own."""
    text = " ".join(str(value).split())
    for mark in "\\|<>[]":
        text = text.replace(mark, f"\\{mark}" if mark in "\\|[]" else {"<": "&lt;", ">": "&gt;"}[mark])
    return text
