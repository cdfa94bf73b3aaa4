"""Run the child and read its one line. A child that fails or hangs has refused the file; one that was killed may have
been killed for no fault of the file's."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from flip_hub.files.advice import Advice
from flip_hub.files.scan.report import AdviceReport, Verdict

FAILED: Final = Verdict(
    code="scan_failed",
    reason="Looking into this file failed or took too long, so it is not taken. Save it as safetensors, or smaller.",
)


def scan_file(name: str, path: Path, seconds: float) -> Verdict | None:
    """None if the child was killed: look again."""
    try:
        return Verdict.model_validate_json(_child(seconds, "file", name, str(path)))
    except subprocess.CalledProcessError as ended:
        return None if ended.returncode == -signal.SIGKILL else FAILED
    except (subprocess.SubprocessError, ValidationError):
        return FAILED


def advise_folder(folder: Path, seconds: float) -> dict[str, list[Advice]] | None:
    try:
        return AdviceReport.model_validate_json(_child(seconds, "advice", str(folder))).advice
    except (subprocess.SubprocessError, ValidationError):
        return None


def _child(seconds: float, what: str, *arguments: str) -> bytes:
    command = [sys.executable, "-m", "flip_hub.files.scan.child", what, str(max(1, int(seconds))), *arguments]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "LC_ALL": "C.UTF-8"}
    ran = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=seconds * 1.5,
        check=True,
    )
    return ran.stdout
