"""A clean environment for each test; reports of the SDK go into a temporary folder."""

from pathlib import Path

import pytest
from flwr.supercore.task_identity import TaskIdentity

from flip import protocol


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(vars(protocol)):
        if name.startswith("ENV_"):
            monkeypatch.delenv(getattr(protocol, name), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(TaskIdentity, "_run_id", 1)
    monkeypatch.setattr(TaskIdentity, "_node_id", 1)
    monkeypatch.setattr(TaskIdentity, "_task_id", 1)


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(protocol.ENV_LOCAL_DIR, str(tmp_path / "run"))
    return tmp_path / "run"
