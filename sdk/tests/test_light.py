"""`import flip` is cheap, silent, and drags nothing in."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["flwr", "pandas", "torch", "pydantic", "httpx", "numpy", "boto3"])
def test_importing_flip_is_cheap(module: str) -> None:
    code = f"import flip, flip.errors, sys; assert {module!r} not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_import_is_silent_under_w_error() -> None:
    code = "from flip import FLIP; FLIP(); FLIP(job_type='standard')"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, capture_output=True)
    assert done.stdout == done.stderr == b""


def test_import_takes_under_150_ms() -> None:
    code = "import time; t = time.perf_counter(); import flip; print(time.perf_counter() - t)"
    best = min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(3))
    assert best < 0.150
