"""What is wrong with an app, found before it runs. The hub asks on upload, the researcher on their own machine."""

from flip_contracts.app_check.check import check_app, in_order
from flip_contracts.app_check.fab import KEPT_SUFFIXES
from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.folder import AppFolder, LeftOut, read_folder
from flip_contracts.app_check.overrides import check_overrides
from flip_contracts.app_check.project import declared_config
from flip_contracts.app_check.registry import RULES, Rule, Severity
from flip_contracts.app_check.required import RequiredFile, required_files
from flip_contracts.app_check.staged import staged_files

__all__ = [
    "KEPT_SUFFIXES",
    "RULES",
    "AppFolder",
    "Finding",
    "LeftOut",
    "RequiredFile",
    "Rule",
    "Severity",
    "check_app",
    "check_overrides",
    "declared_config",
    "found",
    "in_order",
    "read_folder",
    "required_files",
    "staged_files",
]
