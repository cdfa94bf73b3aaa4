"""`flip app run` as a person or a script meets it: output, exit codes, a terminal's table, tracebacks."""

import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

FLIP = Path(sys.executable).parent / "flip"
RAISES = """
    from flwr.clientapp import ClientApp
    from app.helper import crash

    app = ClientApp()

    @app.train()
    def train(msg, context):
        return crash(context.node_config["name"])
"""
HELPER = """
    import json

    def crash(name):
        return json.loads("{" + name)
"""


def flip(*arguments, cwd: Path, **more) -> subprocess.CompletedProcess:
    return subprocess.run(
        [FLIP, "app", "run", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, **more
    )


def test_plain_lines_where_no_terminal_is(make_app, tmp_path) -> None:
    done = flip(make_app(), "--trusts", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert re.search(r"^round 2  train +trust-1  \d+\.\d\d s  TRAIN_LOSS 0\.5$", done.stdout, re.MULTILINE)
    assert "status  RESULTS_UPLOADED" in done.stdout
    (folder,) = (tmp_path / "flip-local").iterdir()
    assert f"flip app plot flip-local/{folder.name}" in done.stdout
    assert {"metrics.jsonl", "status.jsonl", "model.npz", "run.json"} == {path.name for path in folder.iterdir()}


def test_json_is_all_of_standard_output_even_when_an_app_prints(make_app, tmp_path) -> None:
    client = RAISES.replace("return crash", "print('noise'); return crash")
    done = flip(make_app(client, helper=HELPER), "--json", cwd=tmp_path)
    result = json.loads(done.stdout)
    assert done.returncode == 1
    assert "noise" in done.stderr
    assert (result["ok"], result["error"]["code"]) == (False, "no_client_results")
    assert [(f["trust"], f["place"]) for f in sorted(result["failures"], key=lambda f: f["trust"])] == [
        ("trust-1", "app/helper.py:5"),
        ("trust-2", "app/helper.py:5"),
    ]


def test_a_traceback_shows_the_apps_frames_and_no_others(make_app, tmp_path) -> None:
    done = flip(make_app(RAISES, helper=HELPER), cwd=tmp_path)
    assert done.returncode == 1
    told = done.stdout
    assert told.index("app/client_app.py:9 in train") < told.index("app/helper.py:5 in crash")
    assert told.count("JSONDecodeError:") == 1  # the same mistake of two trusts is told once
    assert 'return json.loads("{" + name)' in told
    assert "the last at" in told
    assert "site-packages" not in told
    assert "flip: Not one ClientApp returned a result in round 1: JSONDecodeError" in done.stderr
    assert done.stderr.rstrip().endswith("[no_client_results]")
    full = flip(make_app(RAISES, helper=HELPER), "--full-traceback", cwd=tmp_path).stdout
    assert "Traceback (most recent call last)" in full


def test_a_refused_order_is_one_line_and_leaves_nothing(make_app, tmp_path) -> None:
    app = make_app()
    for arguments, code in (
        (("--run-config", "nope=1"), "run_config_key_undeclared"),
        (("--run-config", 'num-server-rounds="2"'), "run_config_type_invalid"),
        (("--trusts", "0"), "invalid_argument"),
        (("--data", tmp_path / "nowhere"), "local_data_missing"),
    ):
        done = flip(app, *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
        assert done.stderr.rstrip().endswith(f"[{code}]")
    assert not (tmp_path / "flip-local").exists()


def test_a_terminal_gets_a_table(make_app, tmp_path) -> None:
    app = make_app()
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
    process = subprocess.Popen(
        [FLIP, "app", "run", app], cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 65536):
            said += chunk
    except OSError:  # the other end is closed
        pass
    assert process.wait(60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode())
    assert re.search(r"round 2/2 +RESULTS_UPLOADED", text)
    assert re.search(r"trust-1 +│ train done +│ +[\d.]* +│ +0\.5", text)


def test_the_trivial_app_takes_a_moment(make_app, tmp_path) -> None:
    """1.5 s on an idle machine; the bound leaves room for a busy one. benchmarks/local_run.py measures it."""
    app = make_app()
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        assert flip(app, cwd=tmp_path).returncode == 0
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 5
