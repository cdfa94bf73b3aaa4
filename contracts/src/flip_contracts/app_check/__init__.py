"""What is wrong with an app, found before it runs. The hub asks on upload, the researcher on their own machine."""

from flip_contracts.app_check.check import check_app
from flip_contracts.app_check.finding import Finding, Severity

__all__ = ["Finding", "Severity", "check_app"]
