"""`import flip` is cheap, silent, and drags nothing in."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import flip

HEAVY = ["pandas", "torch", "flwr", "pydantic", "boto3", "numpy", "httpx", "rich", "tqdm", "concurrent.futures", "ssl"]


def python(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def test_importing_flip_brings_in_nothing_heavy() -> None:
    code = (
        "import sys; before = set(sys.modules); "
        "import flip, flip.errors, flip.constants.flip_constants, flip.protocol; "
        f"print(sorted(set({HEAVY!r}) & (set(sys.modules) - before)))"
    )
    assert python("-c", code).stdout.decode().strip() == "[]"


def test_reply_metrics_is_as_light() -> None:
    code = f"import sys, flip.reply_metrics; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    assert python("-c", code).stdout.decode().strip() == "[]"


def test_a_local_metric_and_a_status_bring_in_nothing_heavy() -> None:
    code = (
        "import sys; from flip import FLIP; FLIP().send_metrics('t', 'm', 'LOSS', 1.0, 1); "
        f"FLIP().update_status('m', 'INITIATED'); print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    assert python("-c", code).stdout.decode().strip() == "[]"


@pytest.mark.parametrize("code", ["import flip", "from flip import FLIP; FLIP(); FLIP(job_type='standard')"])
def test_import_is_silent_under_w_error(code: str) -> None:
    done = python("-W", "error", "-c", code)
    assert done.stdout == done.stderr == b""


def test_import_takes_under_150_ms() -> None:
    """Processor time, so that a busy machine does not fail it; benchmarks/sdk.py prints the time on the clock."""
    code = "import time; t = time.process_time(); import flip; print(time.process_time() - t)"
    best = min(float(python("-c", code).stdout) for _ in range(5))
    assert best < 0.150


def test_every_file_is_python_3_11() -> None:
    files = list(Path(flip.__file__).parent.rglob("*.py"))
    assert len(files) > 10
    for file in files:
        ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 11))


def test_the_types_are_shipped() -> None:
    assert (Path(flip.__file__).parent / "py.typed").is_file()


def test_every_public_call_is_documented() -> None:
    calls = {name: call for name, call in vars(flip.FLIP).items() if not name.startswith("_")}
    for base in flip.FLIP.__mro__[1:-1]:
        calls |= {name: call for name, call in vars(base).items() if not name.startswith("_")}
    assert set(calls) == {
        "update_status",
        "upload_results",
        "upload_results_to_s3",
        "get_dataframe",
        "get_by_accession_number",
        "prefetch",
        "get_file",
        "add_resource",
        "send_metrics",
        "send_handled_exception",
        "flush",
        "cleanup",
    }
    for name, call in calls.items():
        text = call.__doc__ or ""
        assert "Parameters\n" in text, name
        for argument in call.__code__.co_varnames[1 : call.__code__.co_argcount + call.__code__.co_kwonlyargcount]:
            assert argument in text, (name, argument)
