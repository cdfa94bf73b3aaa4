"""bandit over the Python files of a folder. What it notes is advice."""

import logging
from pathlib import Path

from bandit.core import config, manager

from flip_hub.files.advice import Advice
from flip_hub.files.scan.report import AdviceReport

MAX_PER_FILE = 50


def advise(folder: Path) -> AdviceReport:
    logging.disable(logging.CRITICAL)  # standard output is ours
    scan = manager.BanditManager(config.BanditConfig(), "file")
    scan.discover_files([str(folder)], recursive=True)
    scan.run_tests()
    advice: dict[str, list[Advice]] = {}
    for issue in scan.get_issue_list():
        listed = advice.setdefault(Path(issue.fname).name, [])
        if len(listed) < MAX_PER_FILE:
            one = Advice(code=issue.test_id, severity=issue.severity.lower(), line=issue.lineno, message=issue.text)
            listed.append(one)
    return AdviceReport(advice=advice)
