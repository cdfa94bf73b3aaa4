"""Files by their content: whole or not at all, what is damaged is not used, what a run uses is not forgotten."""

import hashlib
from pathlib import Path

import pytest
from pydantic import ValidationError

from flip_contracts.content import ContentStore, ContentWrong, StagedFile


def staged(content: bytes, path: str = "weights/w.npy") -> StagedFile:
    return StagedFile(path=path, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


def keep(store: ContentStore, content: bytes) -> StagedFile:
    file = staged(content)
    with store.receive(file) as receiving:
        receiving.write(content[:3])
        receiving.write(content[3:])
    return file


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(tmp_path / "files", 100)


def test_what_arrived_whole_is_laid_out_to_be_read_by_all_and_written_by_nobody(store: ContentStore, tmp_path: Path):
    file = keep(store, b"tensors")
    assert store.lay_out(file, tmp_path / "run")
    found = tmp_path / "run" / "weights" / "w.npy"
    assert found.read_bytes() == b"tensors"
    assert found.stat().st_mode & 0o777 == 0o444
    assert store.lay_out(file, tmp_path / "run"), "a repeat does no harm"
    assert not store.lay_out(staged(b"others", "others.npy"), tmp_path / "run")


@pytest.mark.parametrize("arrived", [b"", b"tensor", b"tensorz", b"tensors and more"])
def test_what_is_not_as_announced_is_not_kept(store: ContentStore, tmp_path: Path, arrived: bytes):
    file = staged(b"tensors")
    with pytest.raises(ContentWrong), store.receive(file) as receiving:
        receiving.write(arrived)
    assert list((tmp_path / "files").iterdir()) == []
    assert not store.lay_out(file, tmp_path / "run")


def test_what_was_damaged_since_is_not_used(store: ContentStore, tmp_path: Path):
    file = keep(store, b"tensors")
    kept = tmp_path / "files" / file.sha256
    kept.chmod(0o644)
    kept.write_bytes(b"TENSORS")
    assert not store.lay_out(file, tmp_path / "run")
    keep(store, b"tensors")
    assert store.lay_out(file, tmp_path / "run")


def test_the_least_used_is_forgotten_first_and_what_a_run_has_never(store: ContentStore, tmp_path: Path):
    files = [keep(store, bytes([n]) * 60) for n in range(3)]
    store.lay_out(files[0], tmp_path / "run")
    store.prune()
    left = {path.name for path in (tmp_path / "files").iterdir()}
    assert files[0].sha256 in left
    assert len(left) == 2, "60 of the 120 bytes that no run uses may stay"


@pytest.mark.parametrize("path", ["../w", "/w", "a/../w", ".hidden", "a//w", "", "a/", "a\nb", "/".join("a" * 11)])
def test_a_path_stays_inside(path: str):
    with pytest.raises(ValidationError):
        staged(b"", path)
