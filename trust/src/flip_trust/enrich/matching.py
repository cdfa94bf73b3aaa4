"""Which file belongs to which accession: by a table, by the folder it lies in, or by how its name begins."""

import csv
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from flip_trust.enrich.errors import TableRefused


@dataclass(frozen=True, repr=False)  # its text would name an accession
class Match:
    """`place`: the line of the table, or the number of the file in sorted order. `accession` '' where none fits."""

    place: int
    accession: str
    file: Path
    name: str


def from_table(table: Path) -> list[Match]:
    """A CSV with the columns accession_id, file (relative to the table), and name where the file's own will not do."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as source:
            reader = csv.DictReader(source)
            if not {"accession_id", "file"} <= set(reader.fieldnames or ()):
                raise TableRefused("The table needs the columns accession_id and file; name is optional.")
            return [
                Match(
                    number,
                    (row["accession_id"] or "").strip(),
                    table.parent / (row["file"] or "").strip(),
                    (row.get("name") or "").strip() or PurePosixPath((row["file"] or "").strip()).name,
                )
                for number, row in enumerate(reader, start=2)
            ]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise TableRefused("The table cannot be read. Save it as CSV in UTF-8.") from None


def from_folder(folder: Path, accessions: Collection[str]) -> list[Match]:
    files = sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
    return [
        Match(number, accession_of(file.relative_to(folder).parts, accessions), file, rest_of(file.name, accessions))
        for number, file in enumerate(files, start=1)
    ]


def accession_of(parts: Iterable[str], accessions: Collection[str]) -> str:
    """Of a path: the folder that is called like an accession, or else the longest accession its name begins with."""
    *folders, name = parts
    for folder in reversed(folders):
        if folder in accessions:
            return folder
    return _beginning(name, accessions)


def _beginning(name: str, accessions: Collection[str]) -> str:
    fitting = [a for a in accessions if re.match(re.escape(a) + r"(?![A-Za-z0-9])", name)]
    return max(fitting, key=len, default="")


def rest_of(name: str, accessions: Collection[str]) -> str:
    """A file's name without the accession it begins with, so that no accession number becomes a file's name."""
    found = _beginning(name, accessions)
    rest = name[len(found) :].lstrip("-_ ")
    return f"file{rest}" if rest.startswith(".") else rest
