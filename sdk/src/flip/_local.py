"""Local development: data from `DEV_DATAFRAME` and `DEV_IMAGES_DIR`, reports into `flip-local/<time>/`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flip import protocol
from flip._frame import frame_from_csv
from flip.constants import ResourceType
from flip.errors import LocalDataMissing, ResourceMissing

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

_PATTERNS: Final = {
    ResourceType.NIFTI: "input_*.nii.gz",
    ResourceType.SEGMENTATION: "label_*.nii.gz",
    ResourceType.DICOM: "*.dcm",
}
_STARTED: Final = time.strftime("%Y%m%d-%H%M%S")


def report_dir() -> Path:
    """`flip-local/<time>/` below the current folder. Made on the first report, not before."""
    folder = Path("flip-local") / _STARTED
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def report(kind: str, record: Mapping[str, Any]) -> None:
    """Append one JSON line to `<kind>.jsonl`."""
    with (report_dir() / f"{kind}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def dataframe() -> pd.DataFrame:
    name = os.environ.get(protocol.ENV_DEV_DATAFRAME)
    if not name:
        raise LocalDataMissing(
            f"Set {protocol.ENV_DEV_DATAFRAME} to a CSV file with an accession_id column to develop locally."
        )
    path = Path(name)
    if not path.is_file():
        raise LocalDataMissing(
            f"{protocol.ENV_DEV_DATAFRAME} names {path}, which is not a file (seen from {Path.cwd()})."
        )
    return frame_from_csv(path)


def accession_folder(accession_id: str, types: Iterable[ResourceType]) -> Path:
    name = os.environ.get(protocol.ENV_DEV_IMAGES_DIR)
    if not name:
        raise LocalDataMissing(
            f"Set {protocol.ENV_DEV_IMAGES_DIR} to a folder with one subfolder per accession to develop locally."
        )
    root = Path(name).resolve()
    folder = root / accession_id
    if folder.parent != root or accession_id in ("", ".", "..") or not folder.is_dir():
        raise LocalDataMissing(f"Expected the folder {folder} ({protocol.ENV_DEV_IMAGES_DIR}/<accession_id>).")
    for kind in types:
        pattern = _PATTERNS.get(kind)
        if pattern and next(folder.rglob(pattern), None) is None:
            raise ResourceMissing(
                f"{kind} is missing: no {pattern} in that accession's folder below "
                f"{protocol.ENV_DEV_IMAGES_DIR}. "
                "Skip the accession with `continue`."
            )
    return folder
