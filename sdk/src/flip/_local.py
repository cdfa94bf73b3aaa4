"""Local development: data from `DEV_DATAFRAME` and `DEV_IMAGES_DIR`, reports into `flip-local/<time>/`.

`DEV_DATAFRAME` is a CSV file, `DEV_IMAGES_DIR` a folder with one subfolder per accession, which holds
`input_*.nii.gz` (NIFTI), `label_*.nii.gz` beside it (SEGMENTATION) and `*.dcm` (DICOM).

The reports of a local run are JSON lines: one object a line, UTF-8, appended as it happens. The folder is
`flip-local/<YYYYmmdd-HHMMSS>` below the current folder, or the one that `FLIP_LOCAL_DIR` names. Keys are only ever
added; readers ignore those they do not know.

metrics.jsonl, one line per `send_metrics`:

    label        str, as accepted by the platform
    value        float, finite
    round        int, from 0
    x_label      str, the name of the x axis; "round" where the app named none
    x_value      float or null; null: the point is at `round`
    client_name  str, as given; "" where none was
    at           str, ISO 8601 with offset
    id           str, a UUID
    model_id     str or null, as given

status.jsonl, one line per `update_status`: at, model_id, status (a value of `ModelStatus`).

exceptions.jsonl, one line per `send_handled_exception`: at, error_class, text.

`results/` holds what `upload_results` kept.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flip import protocol
from flip._frame import frame_from_csv
from flip.constants import ResourceType
from flip.errors import InvalidArgument, LocalDataMissing, ResourceMissing

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

log = logging.getLogger("flip")

_INPUT, _LABEL, _SUFFIX = "input_", "label_", ".nii.gz"
_PATTERNS: Final = {
    ResourceType.NIFTI: f"{_INPUT}*{_SUFFIX}",
    ResourceType.SEGMENTATION: f"{_LABEL}*{_SUFFIX}",
    ResourceType.DICOM: "*.dcm",
}
_PREFIXES: Final = {ResourceType.NIFTI: _INPUT, ResourceType.SEGMENTATION: _LABEL, ResourceType.DICOM: ""}
_STARTED: Final = time.strftime("%Y%m%d-%H%M%S")


def report_dir() -> Path:
    """The folder of this run's reports. Made on the first report, not before."""
    named = os.environ.get(protocol.ENV_LOCAL_DIR)
    folder = Path(named) if named else Path("flip-local") / _STARTED
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def report(kind: str, record: Mapping[str, Any]) -> None:
    """Append one JSON line to `<kind>.jsonl`. A full disk is told and does not end a training."""
    try:
        with (report_dir() / f"{kind}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
    except OSError as exc:
        log.warning("a report of the local run could not be written to flip-local: %s", exc.strerror)


def dataframe() -> pd.DataFrame:
    name = os.environ.get(protocol.ENV_DEV_DATAFRAME)
    if not name:
        raise LocalDataMissing(
            f"Set {protocol.ENV_DEV_DATAFRAME} to a CSV file to develop locally; an imaging project's has an "
            "accession_id column."
        )
    path = Path(name)
    if not path.is_file():
        raise LocalDataMissing(
            f"{protocol.ENV_DEV_DATAFRAME} names {path}, which is not a file (seen from {Path.cwd()})."
        )
    return frame_from_csv(path)


def images_root() -> Path:
    name = os.environ.get(protocol.ENV_DEV_IMAGES_DIR)
    if not name:
        raise LocalDataMissing(
            f"Set {protocol.ENV_DEV_IMAGES_DIR} to a folder with one subfolder per accession to develop locally."
        )
    return Path(name).resolve()


def accession_folder(accession_id: str, types: Iterable[ResourceType]) -> Path:
    """The accession's folder, checked to hold what was asked for."""
    root = images_root()
    folder = root / accession_id
    if folder.parent != root or accession_id in ("", ".", "..") or not folder.is_dir():
        raise LocalDataMissing(f"Expected the folder {folder} ({protocol.ENV_DEV_IMAGES_DIR}/<accession_id>).")
    wanted = list(types)
    for kind in wanted:
        pattern = _PATTERNS.get(kind)
        if pattern and next(folder.rglob(pattern), None) is None:
            raise ResourceMissing(f"{kind} is missing: no {pattern} in {folder}. Skip the accession with `continue`.")
    if ResourceType.SEGMENTATION in wanted:
        inputs = list(folder.rglob(_PATTERNS[ResourceType.NIFTI]))
        if inputs and not any(label_of(path).is_file() for path in inputs):
            raise ResourceMissing(
                f"SEGMENTATION is missing: no label in {folder} stands beside its input under the same name. "
                f"Call the label of {inputs[0].name} {label_of(inputs[0]).name} and put both in one folder."
            )
    return folder


def label_of(image: Path) -> Path:
    """Where the label of `input_X` is expected: `label_X` beside it."""
    return image.with_name(_LABEL + image.name.removeprefix(_INPUT))


def resource_name(path: Path, kind: ResourceType, name: str | None) -> str:
    """What a file will be called, checked so that it is found again."""
    if kind not in _PREFIXES:
        raise InvalidArgument(f"resource_type must be one of: {', '.join(_PREFIXES)}.")
    if not path.is_file():
        raise InvalidArgument(f"There is no file {path} to add. Save it first.", code="no_resource")
    prefix, suffix = _PREFIXES[kind], ".dcm" if kind is ResourceType.DICOM else _SUFFIX
    chosen = name or (path.name if path.name.startswith(prefix) else prefix + path.name)
    if Path(chosen).name != chosen or not chosen.startswith(prefix) or not chosen.endswith(suffix):
        raise InvalidArgument(f"A {kind} file must be called {_PATTERNS[kind]}, or it would not be found again.")
    return chosen


def add_resource(accession_id: str, path: Path, kind: ResourceType, name: str | None) -> Path:
    """Copy a file into the accession's folder; an equal file that is there already is left as it is."""
    chosen = resource_name(path, kind, name)
    folder = accession_folder(accession_id, ())
    if kind is ResourceType.SEGMENTATION:
        inputs = folder.rglob(_INPUT + chosen.removeprefix(_LABEL))
        folder = next((image.parent for image in inputs), folder)
    import shutil

    target = folder / chosen
    try:
        with path.open("rb") as source, target.open("xb") as file:
            shutil.copyfileobj(source, file)
    except FileExistsError:
        if target.read_bytes() != path.read_bytes():
            raise InvalidArgument(
                f"{target} exists with another content and is not overwritten. Delete it, or give another name.",
                code="resource_exists",
            ) from None
    return target
