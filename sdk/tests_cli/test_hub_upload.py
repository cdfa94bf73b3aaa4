"""`flip upload`: checked first, only what changed, and nothing left behind without a word."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from sdk.tests_cli.hub_fixtures import APP, Story, flip, hub, story, token_of  # noqa: F401  fixtures

from flip.cli.hub.client import Hub
from flip.cli.hub.credentials import Access

# ruff: noqa: F811  pytest hands fixtures over by name


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return shutil.copytree(APP, tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))


def remote(story: Story) -> set[str]:
    hub = Hub(Access(story.hub.url, token_of(story.hub.url)))
    return {file["path"] for file in hub.files(story.model_id)}


ALL = {"pyproject.toml", "app/__init__.py", "app/client_app.py", "app/server_app.py"}


def test_only_what_changed_is_sent(story: Story, app: Path):
    said = story.flip("upload", story.model, str(app))
    assert said.code == 0, said.err
    assert "4 files sent (" in said.out
    assert "flip train" in said.out
    assert remote(story) == ALL
    assert "0 files sent (0 B), 4 unchanged." in story.flip("upload", story.model, str(app)).out
    (app / "app" / "__init__.py").write_text("# changed\n")
    assert "1 file sent (10 B), 3 unchanged." in story.flip("upload", story.model, str(app)).out


def test_what_stays_behind_is_told_with_its_reason(story: Story, app: Path):
    (app / "weights.bin").write_bytes(b"x")
    (app / "notes").mkdir()
    (app / "notes" / "a.md").write_text("a")
    (app / ".gitignore").write_text("notes/\n")
    (app / "__pycache__").mkdir()
    said = story.flip("upload", story.model, str(app))
    assert said.code == 0, said.err
    assert "weights.bin" in said.out
    assert "Not uploaded: notes/: the root's .gitignore leaves it out" in said.out
    assert "__pycache__" not in said.out
    assert remote(story) == ALL


def test_prune_removes_what_is_gone_here_and_nothing_else_does(story: Story, app: Path):
    (app / "app" / "old.py").write_text("OLD = 1\n")
    story.flip("upload", story.model, str(app))
    (app / "app" / "old.py").unlink()
    said = story.flip("upload", story.model, str(app))
    assert "Still in the model, gone here: app/old.py. `--prune` removes them." in said.out
    assert remote(story) == ALL | {"app/old.py"}
    assert "1 removed" in story.flip("upload", story.model, str(app), "--prune").out
    assert remote(story) == ALL


MISTAKES = {
    "syntax_error": ("app/server_app.py", "def main(", "def main(("),
    "component_unresolved": ("pyproject.toml", "app.client_app:app", "app.nowhere:app"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_app_with_errors_is_not_sent(story: Story, app: Path, mistake: str):
    file, old, new = MISTAKES[mistake]
    (app / file).write_text((app / file).read_text().replace(old, new))
    said = story.flip("upload", story.model, str(app))
    assert said.code == 1
    assert "nothing was uploaded. [app_check_failed]" in said.err
    assert mistake in said.out
    assert "  error " in said.out
    assert remote(story) == set()
    checked = story.flip("app", "check", str(app))
    assert all(line in said.out for line in checked.out.splitlines() if " error " in line), checked.out


def test_a_folder_without_an_app_is_refused(story: Story, tmp_path: Path):
    assert "[pyproject_missing]" in story.flip("upload", story.model, str(tmp_path)).err
    assert "[not_a_folder]" in story.flip("upload", story.model, str(tmp_path / "nowhere")).err


def test_a_file_that_the_hub_refuses_is_named(story: Story, app: Path):
    (app / "é.md").write_text("x")
    said = story.flip("upload", story.model, str(app))
    assert said.code == 1
    assert "é.md" in said.out + said.err


def test_a_model_in_a_run_takes_no_files(story: Story, app: Path):
    story.uploaded().queued()
    (app / "app" / "__init__.py").write_text("# changed\n")
    said = story.flip("upload", story.model, str(app))
    assert said.code == 1
    assert "flip: app/__init__.py: A run of this model is queued or running" in said.err
    assert "[model_busy] (request " in said.err
    story.flip("stop", story.model, "--yes")
    story.hub.do("settle")
    assert "1 file sent" in story.flip("upload", story.model, str(app)).out


def test_weights_travel_outside_the_bundle_and_are_looked_into(story: Story, app: Path):
    pyproject = app / "pyproject.toml"
    pyproject.write_text(pyproject.read_text() + '\n[tool.flip.files]\nserver = ["weights/*.npy"]\n')
    (app / "weights").mkdir()
    np.save(app / "weights" / "start.npy", np.zeros(2_200_000))  # three pieces
    sending = story.flip.start("upload", story.model, str(app))
    while "SCANNING" not in states_of(story):
        assert sending.poll() is None, sending.communicate()
        time.sleep(0.2)
    story.hub.do("look_into_files")
    out, err = sending.communicate(timeout=60)
    assert (sending.returncode, err) == (0, "")
    assert "5 files sent (16.8 MiB), 0 unchanged." in out
    assert "Not uploaded" not in out
    assert "staged_file" not in out
    assert remote(story) == ALL | {"weights/start.npy"}
    assert "0 files sent (0 B), 5 unchanged." in story.flip("upload", story.model, str(app)).out

    (app / "weights" / "start.npy").write_bytes(b"not an array")
    said = story.flip("upload", story.model, str(app))
    assert (said.code, "[file_type_mismatch]" in said.err) == (1, True), said


def states_of(story: Story) -> set[str]:
    hub = Hub(Access(story.hub.url, token_of(story.hub.url)))
    return {file["state"] for file in hub.files(story.model_id)}
