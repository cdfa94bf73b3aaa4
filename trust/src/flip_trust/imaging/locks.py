"""One builder per accession, across threads and processes; the kernel frees a lock after kill -9."""

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FLOCK = "hhxxxxqqixxxx"  # struct flock of 64-bit Linux: type, whence, start, length, pid


class AccessionLocks:
    """Locks single bytes of one empty file, at a place that the accession's key gives: no file per accession.

    Locks of an open file description (F_OFD_*), since those of a process do not exclude its own threads.
    """

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path

    @contextmanager
    def held(self, key: str, *, wait: bool = True) -> Iterator[None]:
        """`key`: hexadecimal. Raises BlockingIOError where somebody works and `wait` is false."""
        lock = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, int(key[:15], 16), 1, 0)
        with self._path.open("wb") as file:
            try:
                fcntl.fcntl(file, fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK, lock)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EACCES):
                    raise BlockingIOError from None
                raise
            yield
