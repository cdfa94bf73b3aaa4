"""Files that Flower's bundle cannot hold, named in `[tool.flip.files]`: sent in pieces, and looked into by the hub."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flip.cli.hub.errors import HubUnavailable, Refused
from flip.cli.hub.progress import bar

if TYPE_CHECKING:
    from flip.cli.hub.client import Hub
    from flip_contracts.app_check import AppFolder

PIECE: Final = 8 * 2**20
TRIES: Final = 5  # in a row without a further byte
LOOK_SECONDS: Final = 600.0  # that the hub may take to look into what was sent


@dataclass(frozen=True)
class LargeFile:
    path: str  # in the app
    file: Path
    size: int
    sha256: str


def outside(app: AppFolder, root: Path) -> list[LargeFile]:
    """The files that pyproject.toml sends along outside the bundle."""
    from flip_contracts.app_check import staged_files

    found: list[LargeFile] = []
    for path in sorted(staged_files(app.files.get("pyproject.toml", b""), app.files)):
        file = root / path
        with file.open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
        found.append(LargeFile(path, file, file.stat().st_size, digest))
    return found


def send_large(hub: Hub, model_id: str, files: Sequence[LargeFile]) -> None:
    """Send each, and wait until the hub has looked into all of them. Raises Refused if it does not take one."""
    for one in files:
        upload_id = hub.create_upload(model_id, one.path, one.size, one.sha256)
        with one.file.open("rb") as source, bar(one.path, one.size) as advance:
            offset = failures = 0
            while offset < one.size:
                source.seek(offset)
                try:
                    after = hub.send_piece(model_id, upload_id, offset, source.read(PIECE))
                    failures = 0
                except HubUnavailable:
                    failures += 1
                    if failures >= TRIES:
                        raise
                    time.sleep(0.5 * failures)
                    after = hub.upload_offset(model_id, upload_id)
                advance(after - offset)
                offset = after
    if files:
        _wait(hub, model_id, {one.path for one in files})


def _wait(hub: Hub, model_id: str, paths: set[str]) -> None:
    deadline = time.monotonic() + LOOK_SECONDS
    while True:
        listed = [file for file in hub.files(model_id) if file["path"] in paths]
        for file in listed:
            if file["state"] == "REJECTED":
                raise Refused(f"{file['path']}: {file['reason']}", code=file["reason_code"])
        if not any(file["state"] == "SCANNING" for file in listed):
            return
        if time.monotonic() > deadline:
            raise Refused("The hub has not looked into the files yet. Run the command again later.", code="scanning")
        time.sleep(0.5)
