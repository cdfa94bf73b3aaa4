"""One de-identified image series to one NIfTI file with reproducible bytes and no text in it."""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dcm2niix
import nibabel as nib
import numpy as np
from isal import igzip

from flip_trust.imaging.deidentify import Instance
from flip_trust.imaging.errors import Exclusion, ImagingExcluded

_TIMEOUT_S = 600
_TOLERANCE_MM = 0.02
_TEXT_FIELDS = ((4, 32), (148, 252), (328, 344))  # data_type and db_name; descrip and aux_file; intent_name
_HEADER, _VOX_OFFSET = 348, 352


def convert_series(instances: Sequence[Instance], target: Path) -> None:
    """Writes `target` (.nii.gz), or raises ImagingExcluded and writes nothing."""
    step = slice_spacing(instances)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".convert-") as scratch:
        source, out = Path(scratch) / "in", Path(scratch) / "out"
        source.mkdir()
        out.mkdir()
        for instance in instances:
            (source / instance.path.name).hardlink_to(instance.path)
        nii = _run(source, out)
        image: Any = nib.load(nii)
        _check(image, instances, step)
        target.write_bytes(nifti_gz(nii.read_bytes()))


def slice_spacing(instances: Sequence[Instance]) -> float:
    """Distance between slices in mm, from positions alone; the tags that state it are often wrong."""
    try:
        first = instances[0].dataset
        orientation = np.asarray(first.ImageOrientationPatient, float)
        normal = np.cross(orientation[:3], orientation[3:])
        positions = np.array([np.asarray(i.dataset.ImagePositionPatient, float) for i in instances])
        same = all(
            np.allclose(np.asarray(i.dataset.ImageOrientationPatient, float), orientation, atol=1e-4)
            and np.allclose(np.asarray(i.dataset.PixelSpacing, float), np.asarray(first.PixelSpacing, float))
            and (i.dataset.Rows, i.dataset.Columns) == (first.Rows, first.Columns)
            for i in instances
        )
    except (AttributeError, ValueError, TypeError):
        raise ImagingExcluded(Exclusion.GEOMETRY_INVALID) from None
    positions = positions[np.argsort(positions @ normal)]
    moves = np.diff(positions, axis=0)
    steps = moves @ normal
    sideways = np.linalg.norm(moves - np.outer(steps, normal), axis=1)  # gantry tilt: voxels would be sheared
    even = len(steps) > 0 and steps.min() > _TOLERANCE_MM and np.ptp(steps) <= max(_TOLERANCE_MM, 0.01 * steps.mean())
    if not same or not even or sideways.max() > max(_TOLERANCE_MM, 0.01 * steps.mean()):
        raise ImagingExcluded(Exclusion.GEOMETRY_INVALID)
    return float(steps.mean())


def nifti_gz(raw: bytes) -> bytes:
    """Compressed NIfTI-1 whose text fields are zero and whose gzip header holds no name and no time."""
    if int.from_bytes(raw[:4], "little") != _HEADER or np.frombuffer(raw[108:112], "<f4")[0] != _VOX_OFFSET:
        raise ImagingExcluded(Exclusion.CONVERSION_FAILED)  # big-endian, or an extension that could hold text
    clean = bytearray(raw)
    for start, end in (*_TEXT_FIELDS, (_HEADER, _VOX_OFFSET)):
        clean[start:end] = bytes(end - start)
    return igzip.compress(bytes(clean), 1, mtime=0)


def _run(source: Path, out: Path) -> Path:
    command = [dcm2niix.bin, "-z", "n", "-b", "n", "-m", "n", "-f", "image", "-o", str(out), str(source)]
    try:
        # Its output names files and patients: nobody reads it. Its exit status is what counts, for it
        # writes a plausible file even when slices are missing.
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
            env={"LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        raise ImagingExcluded(Exclusion.CONVERSION_FAILED) from None
    written = list(out.iterdir())
    if done.returncode != 0 or len(written) != 1 or written[0].suffix != ".nii":
        raise ImagingExcluded(Exclusion.CONVERSION_FAILED)
    return written[0]


def _check(image: Any, instances: Sequence[Instance], step: float) -> None:
    first = instances[0].dataset
    expected = (first.Columns, first.Rows, len(instances))
    row_mm, column_mm = (float(v) for v in first.PixelSpacing)
    zooms = image.header.get_zooms()[:3]
    if image.shape != expected or not np.allclose(zooms, (column_mm, row_mm, step), atol=_TOLERANCE_MM, rtol=0.01):
        raise ImagingExcluded(Exclusion.GEOMETRY_INVALID)
