"""Every rule of the app check, by its code. Codes are stable: a rule that is dropped keeps its code to itself."""

from typing import Final

from flip_contracts.app_check.registry import code, files, project, safety
from flip_contracts.app_check.registry.rule import Rule, Severity

SECTIONS: Final[dict[str, tuple[Rule, ...]]] = {
    "pyproject.toml": project.RULES,
    "Files": files.RULES,
    "Code": code.RULES,
    "Safety": safety.RULES,
}
RULES: Final[dict[str, Rule]] = {rule.code: rule for rules in SECTIONS.values() for rule in rules}

__all__ = ["RULES", "SECTIONS", "Rule", "Severity"]
