"""Files beside the bundle: where each side finds them, and what is told where they are not."""

from pathlib import Path
from typing import Any

import pytest

from flip import FLIP, errors, protocol


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "brought" / "weights").mkdir(parents=True)
    (tmp_path / "brought" / "weights" / "w.npy").write_bytes(b"x")
    monkeypatch.setenv(protocol.ENV_FILES_DIR, str(tmp_path / "brought"))
    return tmp_path / "brought"


def test_the_platform_says_where_they_are(as_server: Any, folder: Path) -> None:
    assert FLIP().get_file("weights/w.npy") == folder / "weights" / "w.npy"
    assert FLIP().get_file(Path("weights") / "w.npy").read_bytes() == b"x"
    with pytest.raises(errors.FileNotDelivered, match="server") as told:
        FLIP().get_file("other.npy")
    assert (told.value.code, told.value.details) == ("file_not_delivered", {"path": "other.npy"})


def test_a_side_that_gets_nothing_says_so(as_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.npy").write_bytes(b"x")
    with pytest.raises(errors.FileNotDelivered, match=r"tool\.flip\.files"):
        FLIP().get_file("w.npy")


def test_locally_they_are_in_the_apps_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(protocol.ENV_MODE, raising=False)
    monkeypatch.delenv(protocol.ENV_FILES_DIR, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.npy").write_bytes(b"x")
    assert FLIP().get_file("w.npy") == tmp_path / "w.npy"
    with pytest.raises(errors.FileNotDelivered, match="Locally"):
        FLIP().get_file("v.npy")


@pytest.mark.parametrize("path", ["/etc/passwd", "../w.npy", "a/../../w.npy", ""])
def test_a_path_stays_in_the_folder(folder: Path, path: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        FLIP().get_file(path)
