"""A multipart/related body (RFC 2387) straight to files: memory stays at one chunk, whatever the size of a part."""

import io
import re
from collections.abc import Iterable
from pathlib import Path

from flip_trust.imaging.drivers.faults import Fault, PacsFault
from flip_trust.imaging.drivers.port import Spend

_BOUNDARY = re.compile(r'multipart/related\s*;.*?boundary="?([^";,\s]{1,70})"?', re.IGNORECASE)
_LONGEST_HEADER = 16 * 1024


def boundary_of(content_type: str) -> bytes:
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise PacsFault(Fault.NOT_DICOMWEB)
    return found.group(1).encode("latin-1")


def write_parts(chunks: Iterable[bytes], boundary: bytes, into: Path, first: int, spend: Spend) -> int:
    """Write each part's content to `into` as 000001.dcm from `first` on; returns how many.

    Raises PacsFault(BROKE_OFF) unless the closing boundary was seen: a body that ends early is never taken for whole.
    """
    delimiter = b"\r\n--" + boundary
    held = bytearray(b"\r\n")  # so that the first boundary looks like every other
    part: io.FileIO | None = None
    count, inside = 0, False  # before the first boundary there may be a preamble
    try:
        for chunk in chunks:
            spend(len(chunk))
            held += chunk
            while True:
                if inside and part is None:  # headers
                    end = held.find(b"\r\n\r\n")
                    if held.startswith(b"--"):
                        return count
                    if end < 0:
                        if len(held) > _LONGEST_HEADER:
                            raise PacsFault(Fault.FAILED)
                        break
                    del held[: end + 4]
                    part = (into / f"{first + count:06d}.dcm").open("wb", buffering=0)
                at = held.find(delimiter)
                if at < 0:
                    keep = len(delimiter) - 1  # a boundary may be cut in two by the network
                    _write(part, memoryview(held)[:-keep] if len(held) > keep else b"")
                    del held[: max(0, len(held) - keep)]
                    break
                _write(part, memoryview(held)[:at])
                if part is not None:
                    part.close()
                    part, count = None, count + 1
                del held[: at + len(delimiter)]
                inside = True
    finally:
        if part is not None:
            part.close()
    raise PacsFault(Fault.BROKE_OFF)


def _write(part: io.FileIO | None, data: memoryview | bytes) -> None:
    if part is None:
        return
    view = memoryview(data)
    while view:
        view = view[part.write(view) :]
