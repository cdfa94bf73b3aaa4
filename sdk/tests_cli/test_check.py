"""`flip app check` as a researcher meets it: output, exit codes, JSON, cost; and Flower's own word on bundles."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from flwr.cli.build import build_fab_from_disk

from flip_contracts.app_check import check_app, read_folder

MakeApp = Callable[..., Path]
REPOSITORY = Path(__file__).parents[2]
FLIP = [sys.executable, "-c", "from flip.cli import main; main()"]


def check(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*FLIP, "app", "check", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=REPOSITORY)


def test_a_good_app_ends_with_one_line_and_exit_code_0() -> None:
    done = check("templates/standard", "--trusts", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "FLIP would take this app; nothing to say about it."


def test_a_stock_flower_app_is_taken_and_told_what_it_lacks(make_app: MakeApp) -> None:
    server = """
        from flwr.serverapp import ServerApp

        app = ServerApp()

        @app.main()
        def main(grid, context):
            print("hello")
    """
    done = check(make_app(server=server))
    assert done.returncode == 0
    assert "warning lifecycle_missing" in done.stdout
    assert "warning results_uploaded_missing" in done.stdout
    assert done.stdout.splitlines()[-1] == "FLIP would take this app: 2 warnings, 2 notes."


def test_an_error_names_file_line_code_remedy_and_page_and_ends_with_exit_code_1(make_app: MakeApp) -> None:
    app = make_app(client="import pickle\nfrom app.gone import x  # [not markup]\napp = pickle.loads(x)\n")
    done = check(app)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{app}/app/client_app.py:2  error import_missing  It imports app.gone")
    assert lines[1].strip().startswith("Add app/gone.py")
    assert lines[1].endswith("docs/reference/findings.md#import_missing")
    assert f"{app}/app/client_app.py:3  warning pickle_load" in done.stdout
    assert lines[-1].startswith("FLIP would refuse this app: 1 error, ")


def test_json_is_one_document_with_the_findings_of_the_library(make_app: MakeApp) -> None:
    app = make_app(client="import pickle\napp = pickle.loads(b'')\n")
    (app / "app" / "weights.pt").write_bytes(b"x")
    done = check(app, "--json", "--trusts", "1", "--run-config", "num-server-rounds=1 learning-rat=1")
    assert (done.returncode, done.stderr) == (1, "")
    document = json.loads(done.stdout)
    assert set(document) == {"ok", "path", "counts", "findings", "left_out"}
    assert document["ok"] is False
    keys = {"code", "severity", "file", "line", "message", "remedy", "docs"}
    assert all(set(finding) == keys for finding in document["findings"])
    found = {(finding["code"], finding["file"], finding["line"]) for finding in document["findings"]}
    assert ("run_config_key_undeclared", "pyproject.toml", None) in found
    assert ("pickle_load", "app/client_app.py", 2) in found
    assert ("file_dropped", "app/weights.pt", None) in found
    assert sum(document["counts"].values()) == len(document["findings"])
    of_library = [f.code for f in check_app(read_folder(app).files, 1)]
    assert sorted([*of_library, "run_config_key_undeclared"]) == sorted(f["code"] for f in document["findings"])
    assert {"path": "app/weights.pt", "why": document["left_out"][-1]["why"]} in document["left_out"]


def test_the_trust_count_decides_on_minimums(make_app: MakeApp, server_source: str) -> None:
    app = make_app(server=server_source.replace("FedAvg(", "FedAvg(min_train_nodes=3, "))
    assert "min_nodes_above_trusts" not in check(app).stdout
    assert "min_nodes_above_trusts" in check(app, "--trusts", "2").stdout
    assert "min_nodes_above_trusts" not in check(app, "--trusts", "3").stdout


@pytest.mark.parametrize("as_json", [False, True])
def test_unusable_input_ends_with_exit_code_2(tmp_path: Path, as_json: bool) -> None:
    (tmp_path / "file.py").write_text("")
    good = REPOSITORY / "templates/standard"
    for args, code in (
        ((tmp_path / "nowhere",), "not_a_folder"),
        ((tmp_path / "file.py",), "not_a_folder"),
        ((tmp_path,), "pyproject_missing"),
        ((good, "--run-config", "rounds"), "run_config_invalid"),
        ((good, "--trusts", "-1"), None),
    ):
        done = check(*args, *(["--json"] if as_json else []))
        assert done.returncode == 2, args
        if code is None:
            continue  # the command line itself is wrong; typer tells
        if as_json:
            document = json.loads(done.stdout)
            assert (document["ok"], document["code"]) == (False, code)
        else:
            assert done.stdout == ""
            assert f"[{code}]" in done.stderr


def test_what_reading_meets_is_told(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app()
    (app / "app" / "shared.py").symlink_to(tmp_path / "shared.py")
    (app / "export.json").write_bytes(b"[" + b"1," * 6_000_000 + b"1]")
    (app / ".gitignore").write_text("outputs/\n")
    (app / "outputs").mkdir()
    (app / "outputs" / "run.json").write_text("{}")
    (app / ".venv").mkdir()
    (app / ".venv" / "x.py").write_text("(")
    done = check(app)
    assert done.returncode == 1
    assert "warning symlink_left_out" in done.stdout
    assert "error file_too_large" in done.stdout
    assert "outputs/  the root's .gitignore leaves it out" in done.stdout
    assert "syntax_error" not in done.stdout
    left_out = {left["path"] for left in json.loads(check(app, "--json").stdout)["left_out"]}
    assert left_out == {".venv/", "app/shared.py", "outputs/"}


def test_it_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys; sys.argv = ['flip', 'app', 'check', 'templates/standard']\n"
        "from flip.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        "print([m for m in ('flwr', 'torch', 'pandas', 'numpy', 'matplotlib', 'sqlglot') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.splitlines()[-1] == "[]"


def test_it_costs_less_than_two_seconds() -> None:
    """Processor time, so that a busy machine does not fail it; it takes about 0.5 s of it."""
    before = os.times().children_user
    check("templates/standard")
    assert os.times().children_user - before < 2


NAMES = """
app/data.json app/deep/er/x.yaml app/x.yml app/notes.md app/rows.jsonl app/weights.pt app/table.csv app/run.sh app/X.PY
app/test_x.py app/x_test.py app/tests/test_y.py app/testing.py app/lib/z.py lib/z.py build/z.py parts/a.md eggs/a.py
.eggs/a.py env.bak/a.py ENV/a.py LICENSE LICENSE.md app/LICENSE uv.lock x.egg/y.py docs/a.md data/keep.json data/a.json
data/sub/b.json app/local.toml local.toml other/a.txt.py app/__pycache__/x.py notes/a.md
"""


@pytest.mark.parametrize(
    ("gitignore", "more"),
    [
        ("", ""),
        ("data/\nlocal.toml\n*.md\n!notes/*.md\n", ""),
        ("/local.toml\n**/sub\napp/deep/**\ndata/*\n!data/keep.json\n", ""),
        ("# nothing\n\n[de]*/\n", ""),
        (None, 'fab-include = ["app/**/*.py", "data/"]\nfab-exclude = ["**/lib/*", "data/sub"]'),
        (None, 'fab-exclude = ["*.md"]'),
    ],
)
def test_the_same_files_come_along_as_in_flowers_own_bundle(
    make_app: MakeApp, tmp_path: Path, gitignore: str | None, more: str
) -> None:
    app = make_app()
    pyproject = (app / "pyproject.toml").read_text()
    (app / "pyproject.toml").write_text(pyproject.replace('publisher = "me"', f'publisher = "me"\n{more}'))
    for name in NAMES.split():
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text("{}" if name.endswith("json") else "")
    if gitignore is not None:
        (app / ".gitignore").write_text(gitignore)
    (app / "app" / "link.py").symlink_to(app / "app" / "testing.py")
    bundle = zipfile.ZipFile(io.BytesIO(build_fab_from_disk(app)))
    taken = {name for name in bundle.namelist() if name != ".info/CONTENT"}
    read = read_folder(app)
    dropped = {left.path for left in read.left_out}
    ours = {name for name in read.files if name not in dropped and not name.startswith(tuple(dropped))}
    assert ours - {".gitignore"} == taken
