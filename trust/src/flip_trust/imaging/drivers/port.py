"""The one port through which imaging archives are read."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_WILDCARDS = frozenset("*?\\")  # PS3.4 C.2.2.2.4: a query would match these against other people's studies
_LONGEST = 64  # VR SH allows 16; archives hold longer ones
_UID = re.compile(r"[0-9][0-9.]{0,63}")


@dataclass(frozen=True)
class Series:
    uid: str
    modality: str = ""
    description: str = ""  # free text: for a selection rule, never for a log
    instances: int | None = None


@dataclass(frozen=True)
class Study:
    """What an archive says of one study. `instances` is how many files it says there are, if it says so."""

    uid: str
    accession_id: str
    patient: str  # compared with that of other studies, never kept
    instances: int | None = None
    series: tuple[Series, ...] = ()


@dataclass(frozen=True)
class Check:
    """One step of `flip-trust pacs test`, in plain words."""

    name: str
    fine: bool
    remedy: str = ""


Spend = Callable[[int], None]  # told of bytes as they come; may take its time, which slows the archive down


class PacsDriver(Protocol):
    """Thread-safe. Raises PacsFault for what the archive or the way to it does wrong, OSError for our own disk."""

    def find(self, accession_id: str) -> list[Study]:
        """Every study of exactly this accession number; the caller has made sure that it is `askable`."""
        ...

    def pull(self, study: Study, into: Path, spend: Spend = lambda _: None) -> int:
        """Copy every instance into `into` (exists, empty); returns how many.

        File names in `into` are the driver's own, never the archive's. After a fault `into` may hold a part.
        """
        ...

    def test(self) -> Iterator[Check]:
        """What works, step by step, up to the first that does not."""
        ...

    def close(self) -> None: ...


def askable(accession_id: str) -> bool:
    """Whether an archive may be asked: not empty, no wildcard, no backslash (several values), printable."""
    return bool(
        accession_id
        and accession_id == accession_id.strip()
        and len(accession_id) <= _LONGEST
        and not _WILDCARDS & set(accession_id)
        and accession_id.isprintable()
    )


def is_uid(text: str) -> bool:
    """Only such a text may become part of an address or a query."""
    return _UID.fullmatch(text) is not None
