"""The machine itself: disk, software, the Flower environment, its sandbox."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flip_trust.doctor.finding import Finding, fine, wrong
from flip_trust.version import AGENT_VERSION

if TYPE_CHECKING:
    from flip_trust.agent import Agent


LEAST_FREE_BYTES: Final = 5 * 2**30
SOFTWARE: Final = {"duckdb": "duckdb", "dcm2niix": "dcm2niix", "pydicom": "pydicom"}
ASK_FLOWER: Final = "import importlib.metadata as m; print(m.version('flwr'))"


def has_room(data_dir: Path) -> bool:
    return shutil.disk_usage(data_dir).free >= LEAST_FREE_BYTES


def disk(agent: "Agent") -> Finding:
    folder = agent.settings.data_dir
    free = shutil.disk_usage(folder).free // 2**30
    told = f"{free} GiB are free under the data folder"
    least = LEAST_FREE_BYTES // 2**30
    remedy = f"Runs and images need {least} GiB or more: make room, or move FLIP_TRUST_DATA_DIR"
    return fine("disk", told) if has_room(folder) else wrong("disk", told, remedy)


def versions(agent: "Agent") -> dict[str, str]:
    """Software by name; what is not known is left out."""
    found = {"agent": AGENT_VERSION, "python": platform.python_version()}
    for name, distribution in SOFTWARE.items():
        found[name] = importlib.metadata.version(distribution)
    if flower := flower_version(agent.settings.fl_command):
        found["flower"] = flower
    return found


@cache
def flower_version(fl_command: Path) -> str:
    """Of the environment that `flip-fl` lives in; empty where that has no Python of its own beside it."""
    try:
        python = fl_command.resolve().with_name("python")
        done = subprocess.run([str(python), "-I", "-c", ASK_FLOWER], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def software(agent: "Agent") -> Finding:
    return fine("versions", ", ".join(f"{name} {version}" for name, version in versions(agent).items()))


def text_in_pixels(agent: "Agent") -> Finding:
    """Not needed for CT and MR as scanners make them, so its absence is told and is no fault."""
    del agent
    if shutil.which("tesseract"):
        return fine("text in pixels", "looked for by tesseract")
    return fine(
        "text in pixels",
        "tesseract is not installed, so radiographs, PET and derived images are left out. "
        "To have them: apt-get install tesseract-ocr",
    )


def flower_environment(agent: "Agent") -> Finding:
    command = agent.settings.fl_command
    if not os.access(command, os.X_OK):
        remedy = "Install the Flower environment, then set FLIP_TRUST_FL_COMMAND to its bin/flip-fl"
        return wrong("flip-fl", "FLIP_TRUST_FL_COMMAND names no executable", remedy)
    flower = flower_version(command)
    return fine("flip-fl", f"Flower {flower}" if flower else "")


def sandbox(agent: "Agent") -> Finding:
    walls = agent.supervisor.sandbox
    if os.access(agent.settings.fl_command, os.X_OK):
        walls.probe()
    minimum = agent.settings.sandbox_minimum
    if walls.level.rank >= minimum.rank:
        return fine("sandbox", f"'{walls.level}' holds, '{minimum}' is demanded")
    told = f"only '{walls.level}' holds, '{minimum}' is demanded: {walls.report.why}"
    return wrong("sandbox", told, "docs/sandbox.md says what each level needs; or lower FLIP_TRUST_SANDBOX_MINIMUM")
