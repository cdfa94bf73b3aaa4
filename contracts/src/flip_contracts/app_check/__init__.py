"""What is wrong with an app, found before it runs. The hub asks on upload, the researcher on their own machine."""

from flip_contracts.app_check.check import check_app, in_order
from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.folder import AppFolder, LeftOut, read_folder
from flip_contracts.app_check.overrides import check_overrides
from flip_contracts.app_check.project import declared_config
from flip_contracts.app_check.registry import RULES, Rule, Severity

__all__ = [
    "RULES",
    "AppFolder",
    "Finding",
    "LeftOut",
    "Rule",
    "Severity",
    "check_app",
    "check_overrides",
    "declared_config",
    "found",
    "in_order",
    "read_folder",
]
