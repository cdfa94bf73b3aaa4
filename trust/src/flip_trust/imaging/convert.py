"""One volume of de-identified slices, or one radiograph, to one NIfTI file: reproducible bytes, no text in it."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dcm2niix
import nibabel as nib
import numpy as np
from isal import igzip

from flip_trust.imaging.checks import check_volume, ordered_with_spacing
from flip_trust.imaging.deidentify import Instance
from flip_trust.imaging.errors import Exclusion, ImagingExcluded
from flip_trust.imaging.preview import preview_of, write_preview

_TIMEOUT_S = 600
_TEXT_FIELDS = ((4, 32), (148, 252), (328, 344))  # data_type and db_name; descrip and aux_file; intent_name
_HEADER, _VOX_OFFSET = 348, 352
_PIECE = 1 << 20


def convert_volume(instances: Sequence[Instance], target: Path) -> list[float]:
    """Writes `target` (.nii.gz), returns the voxel spacing in mm; or raises ImagingExcluded and writes nothing."""
    ordered, step = ordered_with_spacing(instances)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".convert-") as scratch:
        source, out = Path(scratch) / "in", Path(scratch) / "out"
        source.mkdir()
        out.mkdir()
        for instance in instances:
            (source / instance.path.name).hardlink_to(instance.path)
        nii = _run(source, out)
        image: Any = nib.load(nii)
        check_volume(image, ordered, step)
        _compress(nii, target)
        write_preview(image, preview_of(target))
    return [round(float(v), 4) for v in image.header.get_zooms()[:3]]


def convert_projection(instance: Instance, target: Path) -> list[float]:
    """A radiograph as (columns, rows, 1): it lies in no patient space, so only its pixel spacing is kept."""
    ds = instance.dataset
    try:
        spacing = ds.get("ImagerPixelSpacing") or ds.get("PixelSpacing") or (1.0, 1.0)
        row_mm, column_mm = (float(v) for v in spacing)
    except (TypeError, ValueError):
        raise ImagingExcluded(Exclusion.GEOMETRY_INVALID) from None
    stored = instance.pixels().T[:, :, None]
    slope, intercept = float(ds.get("RescaleSlope", 1) or 1), float(ds.get("RescaleIntercept", 0) or 0)
    image = nib.Nifti1Image(stored, np.diag([column_mm, row_mm, 1.0, 1.0]))
    image.header.set_sform(None, 0)
    image.header.set_qform(None, 0)
    image.header["pixdim"][1:4] = column_mm, row_mm, 1.0
    raw = bytearray(image.to_bytes())
    raw[112:120] = np.array([slope, intercept], "<f4").tobytes()  # scl_slope, scl_inter: nibabel would rescale
    target.write_bytes(nifti_gz(bytes(raw)))
    write_preview(image, preview_of(target))
    return [column_mm, row_mm, 1.0]


def nifti_gz(raw: bytes) -> bytes:
    """Compressed NIfTI-1 whose text fields are zero and whose gzip header holds no name and no time."""
    return igzip.compress(_head_without_text(raw[:_VOX_OFFSET]) + raw[_VOX_OFFSET:], 1, mtime=0)


def _compress(nii: Path, target: Path) -> None:
    """As `nifti_gz`, a piece at a time: a volume has hundreds of megabytes."""
    with nii.open("rb") as source, target.open("wb") as sink:
        head = _head_without_text(source.read(_VOX_OFFSET))
        with igzip.IGzipFile(filename="", mode="wb", compresslevel=1, fileobj=sink, mtime=0) as packed:
            packed.write(head)
            shutil.copyfileobj(source, packed, _PIECE)


def _head_without_text(head: bytes) -> bytes:
    if int.from_bytes(head[:4], "little") != _HEADER or np.frombuffer(head[108:112], "<f4")[0] != _VOX_OFFSET:
        raise ImagingExcluded(Exclusion.CONVERSION_FAILED)  # big-endian, or an extension that could hold text
    clean = bytearray(head)
    for start, end in (*_TEXT_FIELDS, (_HEADER, _VOX_OFFSET)):
        clean[start:end] = bytes(end - start)
    return bytes(clean)


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
        shutil.rmtree(out, ignore_errors=True)  # what a failed conversion wrote is wrong in ways that do not show
        raise ImagingExcluded(Exclusion.CONVERSION_FAILED)
    return written[0]
