"""What a trust's own log shows while it reads headers full of invalid values."""

import subprocess
import sys

CHILD = """
import logging, sys
from pathlib import Path
from uuid import UUID
logging.basicConfig(level=logging.DEBUG)
from flip_trust.imaging.drivers.folder import FolderDriver
from flip_trust.imaging.ledger import Ledger
from flip_trust.imaging.pipeline import Patience, Pipeline

home, archive, project, *accessions = sys.argv[1:]
ledger = Ledger(Path(home) / "ledger.sqlite")
driver = FolderDriver(Path(archive))
pipeline = Pipeline(driver, Path(home) / "cache", b"k" * 32, ledger, patience=Patience(tries=(), least_free=0))
pipeline.prepare(UUID(project), accessions)
print(ledger.counts(UUID(project)))
"""


def spoil(data: bytes, tag: bytes) -> bytes:
    """The value of an explicit VR element with a short length, overwritten in place."""
    at = data.index(tag) + 6
    size = int.from_bytes(data[at : at + 2], "little")
    return data[: at + 2] + b"CANARY/\\?".ljust(size, b"Z")[:size] + data[at + 2 + size :]


def test_invalid_values_are_never_quoted(site):
    for file in site.files(site.first):
        data = file.read_bytes()
        for tag in (b"\x08\x00\x20\x00DA", b"\x08\x00\x30\x00TM", b"\x10\x00\x40\x00CS", b"\x18\x00\x60\x00DS"):
            data = spoil(data, tag)
        file.write_bytes(data)
    for file in site.files(site.second):
        file.write_bytes(spoil(file.read_bytes(), b"\x20\x00\x32\x00DS"))
    arguments = [site.home, site.archive, site.project, site.first, site.second]
    child = subprocess.run(
        [sys.executable, "-W", "always", "-c", CHILD, *map(str, arguments)],
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0
    assert child.stdout == "({'EXCLUDED': 1, 'READY': 1}, {'geometry_invalid': 1}, True)\n"
    assert "CANARY" not in child.stdout + child.stderr
    assert "IM0" not in child.stderr
