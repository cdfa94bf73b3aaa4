"""`flip results`: the bytes that the hub has, whatever the connection does."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sdk.tests_cli.hub_fixtures import Story, flip, hub, story  # noqa: F401  fixtures

# ruff: noqa: F811  pytest hands fixtures over by name
SIZE = 3_000_000


@pytest.fixture
def finished(story: Story) -> tuple[Story, str, str]:
    """Story, run, and the SHA-256 of its results."""
    run_id = story.uploaded().finished(SIZE)
    return story, run_id, story.hub.do("sha256", run_id=run_id)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def breaking_line(url: str, after: int, times: int, for_good: bool = False) -> Iterator[str]:
    """A way to the hub that breaks off the first `times` answers of more than `after` bytes, after so many.

    `for_good`: after the first break nobody comes through any more.
    """
    to = urlsplit(url)
    left = [times]
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(here: socket.socket) -> None:
        there = socket.create_connection((to.hostname or "", to.port or 0))
        threading.Thread(target=pump, args=(here, there, None), daemon=True).start()
        pump(there, here, after)

    def pump(source: socket.socket, sink: socket.socket, limit: int | None) -> None:
        seen = 0
        try:
            while data := source.recv(65536):
                seen += len(data)
                if limit and seen > limit and left[0] > 0:
                    left[0] -= 1
                    if for_good:
                        listener.shutdown(socket.SHUT_RDWR)
                    break
                sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(here,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def test_the_results_arrive_whole_under_a_name_that_tells_model_and_run(finished):
    story, run_id, sha256 = finished
    said = story.flip("results", story.model)
    name = f"{story.model.lower().replace(' ', '-')}-{run_id[:8]}.zip"
    assert (said.code, said.out) == (0, f"{name}  (2.9 MiB, run {run_id[:8]})\n")
    assert digest(story.flip.home / name) == sha256
    listed = story.flip("results", story.model, "--list").out
    assert [line.split()[:4] for line in listed.splitlines()[1:]] == [[run_id[:8], "succeeded", "2.9", "MiB"]]
    (story.flip.home / "folder").mkdir()
    assert story.flip("results", story.model, "-o", "folder").code == 0
    assert {p.name for p in (story.flip.home / "folder").iterdir()} == {name}


def test_a_file_is_only_replaced_by_force(finished):
    story, _, sha256 = finished
    file = story.flip.home / "r.zip"
    file.write_text("mine")
    said = story.flip("results", story.model, "-o", "r.zip")
    assert said.code == 1
    assert "[file_exists]" in said.err
    assert file.read_text() == "mine"
    assert story.flip("results", story.model, "-o", "r.zip", "--force").code == 0
    assert digest(file) == sha256


def test_a_line_that_breaks_again_and_again_only_costs_time(finished):
    story, _, sha256 = finished
    with breaking_line(story.hub.url, after=1_000_000, times=2) as url:
        story.flip.logged_in(url)
        said = story.flip("results", story.model, "-o", "r.zip")
    assert said.code == 0, said.err
    assert said.err.count("Going on at") == 2
    assert digest(story.flip.home / "r.zip") == sha256
    assert [p.name for p in story.flip.home.glob("r.zip*")] == ["r.zip"]


def test_a_download_that_was_ended_goes_on_next_time(finished):
    story, run_id, sha256 = finished
    story.flip("results", story.model, "-o", "whole.zip")
    whole = (story.flip.home / "whole.zip").read_bytes()
    part = story.flip.home / f"r.zip.{run_id[:8]}.part"
    for kept in (SIZE // 2, len(whole)):  # half of it; or all of it, ended before the rename
        part.write_bytes(whole[:kept])
        said = story.flip("results", story.model, "-o", "r.zip", "--force")
        assert said.code == 0, said.err
        assert ("Going on at 1.4 MiB of 2.9 MiB." in said.err) == (kept < len(whole))
        assert digest(story.flip.home / "r.zip") == sha256
        assert not part.exists()


def test_a_damaged_part_is_found_out(finished):
    story, run_id, sha256 = finished
    (story.flip.home / f"r.zip.{run_id[:8]}.part").write_bytes(b"x" * 1000)
    said = story.flip("results", story.model, "-o", "r.zip")
    assert said.code == 1
    assert "[results_damaged]" in said.err
    assert list(story.flip.home.glob("r.zip*")) == []
    assert story.flip("results", story.model, "-o", "r.zip").code == 0
    assert digest(story.flip.home / "r.zip") == sha256


def test_a_hub_that_goes_away_leaves_the_part_and_says_where(finished):
    story, run_id, sha256 = finished
    with breaking_line(story.hub.url, after=1_000_000, times=1, for_good=True) as url:
        story.flip.logged_in(url)
        said = story.flip("results", story.model, "-o", "r.zip")
    assert said.code == 1
    part = f"r.zip.{run_id[:8]}.part"
    assert f" are kept in {part}; the same command goes on from there. [hub_unavailable]" in said.err
    assert 500_000 < (story.flip.home / part).stat().st_size < SIZE
    story.flip.logged_in(story.hub.url)
    said = story.flip("results", story.model, "-o", "r.zip")
    assert "Going on at" in said.err
    assert digest(story.flip.home / "r.zip") == sha256


def test_a_run_without_results_says_so(story: Story):
    run_id = story.uploaded().running()
    said = story.flip("results", story.model)
    assert said.code == 1
    assert "[results_not_ready] (request " in said.err
    story.hub.do("finish", run_id=run_id, outcome="failed", reason="server_app_raised", text="x")
    assert "[results_not_ready]" in story.flip("results", story.model).err
    assert list(story.flip.home.glob("*.part")) == []


def test_a_folder_that_is_not_there_is_one_line(finished):
    story, _, _ = finished
    said = story.flip("results", story.model, "-o", "nowhere/r.zip")
    assert said.code == 1
    assert said.err.startswith("flip: No such file or directory: nowhere/r.zip.")
    assert said.err.count("\n") == 1
