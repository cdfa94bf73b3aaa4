"""The one port through which imaging archives are read."""

from pathlib import Path
from typing import Protocol


class PacsDriver(Protocol):
    def pull(self, accession_id: str, into: Path) -> int:
        """Copy every instance of the accession's one study into `into` (exists, empty); returns how many.

        File names in `into` are the driver's own, never the archive's.
        Raises AccessionNotFound for an empty, wildcard, unknown or ambiguous accession number.
        """
        ...
