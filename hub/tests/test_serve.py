"""`flip-hub serve` with several processes: they share one address, and all of them end with it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from flip_hub.keys import ensure_signing_key
from flip_hub.settings import HubSettings


@pytest.fixture
def url(database) -> Iterator[str]:
    """Of a database of its own: what serves here runs a scheduler."""
    name = "served"
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield database.engine.url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def children(pid: int) -> set[int]:
    return {
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    }


def test_two_processes_answer_at_one_address_and_end_together(url: str, tmp_path: Path):
    ensure_signing_key(HubSettings(data_dir=tmp_path).signing_key_file)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FLIP_HUB_")}
    environment |= {"FLIP_HUB_DATA_DIR": str(tmp_path), "FLIP_HUB_DATABASE_URL": url, "FLIP_HUB_PORT": str(port)}
    command = [sys.executable, "-c", "from flip_hub.cli import app; app(['serve'])"]
    hub = subprocess.Popen(command, env=environment | {"FLIP_HUB_WORKERS": "2"})
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/health", timeout=5, trust_env=False)
                if answer.status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            assert hub.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        below = children(hub.pid)
        assert len(below) >= 2
        hub.send_signal(signal.SIGTERM)
        assert hub.wait(60) == 0
        while any(Path(f"/proc/{pid}").exists() for pid in below):  # multiprocessing's own ends a moment later
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        hub.kill()
        hub.wait()
