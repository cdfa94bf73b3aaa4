"""The simulated trusts: what each is called, which data it has, and the environment its ClientApp sees."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flip import protocol
from flip.errors import LocalDataMissing

DATAFRAME: Final = "dataframe.csv"
IMAGES: Final = "accession-resources"
_GROUPS: Final = ("person_id", "accession_id")  # rows of one of these stay at one trust


@dataclass(frozen=True, slots=True)
class Trust:
    """`environment` holds what differs between trusts: name and data."""

    name: str
    node_id: int
    index: int
    environment: dict[str, str]

    def node_config(self, count: int) -> dict[str, str | int | float | bool]:
        return {"partition-id": self.index, "num-partitions": count, "name": self.name}


def names_of(count: int) -> list[str]:
    """`trust-1` ... `trust-<count>`."""
    return [f"trust-{number}" for number in range(1, count + 1)]


def make_trusts(names: Sequence[str], data: Path | None, scratch: Path) -> list[Trust]:
    """The trusts of these names, each with its data.

    Parameters
    ----------
    data : a folder with `trust-1/`, ... each holding `dataframe.csv` and, for images, `accession-resources/`; or one
        with a single `dataframe.csv` (and `accession-resources/`), whose rows are dealt out, each to one trust. None:
        all trusts see `DEV_DATAFRAME` and `DEV_IMAGES_DIR` as they are set.
    scratch : where the dealt-out rows are written.
    """
    folders: list[Mapping[str, str]] = [{}] * len(names)
    if data is not None:
        data = data.resolve()
        if not data.is_dir():
            raise LocalDataMissing(f"--data names {data}, which is not a folder.")
        if any((data / name).is_dir() for name in names):
            folders = [_own_folder(data / name) for name in names]
        elif (data / DATAFRAME).is_file():
            folders = _dealt(data, names, scratch)
        else:
            raise LocalDataMissing(
                f"--data {data} has neither {names[0]}/ nor {DATAFRAME}. Put {DATAFRAME} there (and {IMAGES}/ with a "
                f"folder per accession), or one folder per trust with these inside."
            )
    return [
        Trust(name, 1001 + index, index, {protocol.ENV_SUPERNODE_NAME: name, **folders[index]})
        for index, name in enumerate(names)
    ]


@contextmanager
def environment(changes: Mapping[str, str]) -> Iterator[None]:
    """The process's environment with these changes; afterwards exactly what it was before."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)


def _own_folder(folder: Path) -> dict[str, str]:
    if not (folder / DATAFRAME).is_file():
        raise LocalDataMissing(
            f"Expected {folder / DATAFRAME}: one of the trusts has a folder in --data, so each needs one."
        )
    return _variables(folder / DATAFRAME, folder / IMAGES)


def _dealt(data: Path, names: Sequence[str], scratch: Path) -> list[Mapping[str, str]]:
    """The rows of one CSV file, dealt out in turn: every row at one trust, all rows of a person at the same one."""
    with (data / DATAFRAME).open(newline="", encoding="utf-8-sig") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    column = next((header.index(name) for name in _GROUPS if name in header), None)
    hands: dict[str, int] = {}
    dealt: list[list[list[str]]] = [[] for _ in names]
    for number, row in enumerate(rows):
        if not row:
            continue
        key = row[column] if column is not None and column < len(row) else f"row {number}"
        dealt[hands.setdefault(key, len(hands) % len(names))].append(row)
    if len(hands) < len(names):
        raise LocalDataMissing(
            f"{data / DATAFRAME} has rows for {len(hands)} trust(s), fewer than --trusts {len(names)}. "
            "Add rows or use fewer trusts.",
            code="too_few_rows",
        )
    scratch.mkdir(parents=True, exist_ok=True)
    variables: list[Mapping[str, str]] = []
    for name, hand in zip(names, dealt, strict=True):
        path = scratch / f"{name}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *hand])
        variables.append(_variables(path, data / IMAGES))
    return variables


def _variables(table: Path, images: Path) -> dict[str, str]:
    found = {protocol.ENV_DEV_DATAFRAME: str(table), protocol.ENV_LOCAL_OWN_DATA: "1"}
    if images.is_dir():
        found[protocol.ENV_DEV_IMAGES_DIR] = str(images)
    return found
