"""Is a file what it is said to be, and does a label lie on the voxel grid of its image?"""

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import nibabel as nib
import numpy as np
from isal import igzip
from numpy.typing import NDArray

from flip_trust.enrich.errors import ImageUnclear, NameRefused, NotALabel, NotAVolume, OffGrid
from flip_trust.imaging.convert import nifti_gz
from flip_trust.imaging.errors import ImagingExcluded

LABEL, INPUT, VOLUME = "label_", "input_", ".nii.gz"
MAX_VOLUME_BYTES: Final = 2**30  # unpacked
_HEADER_BYTES: Final = 2**20  # with room for extensions
_OFF_GRID: Final = 0.05  # of a voxel
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_OTHER: Final = (".json", ".csv", ".tsv", ".txt", ".npy", ".npz")


def other_name(name: str) -> str:
    """A file that is neither image nor label keeps its name, in the folder `extra`."""
    if not _NAME.fullmatch(name) or not name.endswith(_OTHER):
        raise NameRefused(
            f"A file beside the images is named with letters, digits, '.', '_' and '-', and ends with one of "
            f"{', '.join(_OTHER)}. Rename it."
        )
    return name


def volume_name(name: str, prefix: str) -> str:
    if not _NAME.fullmatch(name) or not name.startswith(prefix) or not name.endswith(VOLUME):
        raise NameRefused(f"A file of this kind is called {prefix}*{VOLUME}. Rename it.")
    return name


def clean_volume(raw: bytes) -> bytes:
    """An image with its text fields zeroed. Raises NotAVolume."""
    try:
        image: Any = nib.Nifti1Image.from_bytes(_unpacked(raw, MAX_VOLUME_BYTES))
        if not 2 <= image.ndim <= 4:
            raise ValueError
        np.asarray(image.dataobj)
        return nifti_gz(nib.Nifti1Image(np.asanyarray(image.dataobj), image.affine).to_bytes())
    except (ImagingExcluded, Exception):  # noqa: BLE001 - damage raises nearly anything, and its text may quote it
        raise NotAVolume("This is no NIfTI-1 volume that can be read. Save it again as .nii.gz.") from None


def label_for(raw: bytes, images: Mapping[str, Path], wanted: str = "") -> tuple[str, bytes]:
    """Which image of an accession a label belongs to, and the label in that image's storage order.

    Parameters
    ----------
    raw : a NIfTI-1 file, compressed or not, with whole numbers from 0 to 65535.
    images : suffix -> `input_<suffix>.nii.gz`.
    wanted : the suffix of the image it was made for; without it, the one image on whose grid it lies.

    Returns (suffix, .nii.gz without any text). A label that only stores its axes in another order or direction is
    turned; nothing is ever resampled. Raises NotALabel, OffGrid, ImageUnclear.
    """
    voxels = max((_voxels(path) for path in images.values()), default=0)
    values, affine = _label(raw, _HEADER_BYTES + 8 * voxels)
    candidates = {wanted: images[wanted]} if wanted in images else images
    fitting: dict[str, tuple[NDArray[Any], Any]] = {}
    for suffix, path in candidates.items():
        image: Any = nib.load(path)
        turned = _turned(values, affine, image)
        if turned is not None:
            fitting[suffix] = turned, image
    if not fitting:
        raise OffGrid(
            "This label does not lie on the voxel grid of the study's image: another size, position or spacing. "
            "Make it on the image that FLIP made: the trust's page gives it, and ResourceType.NIFTI in an app."
            if images
            else "This study has no image here that a label could lie on."
        )
    if len(fitting) > 1:
        raise ImageUnclear(
            "Several images of this study lie on this grid. Name the file label_<n>.nii.gz for input_<n>."
        )
    ((suffix, (voxels, image)),) = fitting.items()
    header = image.header.copy()
    header.set_data_dtype(voxels.dtype)
    header.set_slope_inter(1, 0)
    header["cal_max"] = header["cal_min"] = 0
    return suffix, nifti_gz(nib.Nifti1Image(voxels, image.affine, header).to_bytes())


def _voxels(path: Path) -> int:
    image: Any = nib.load(path)
    return int(np.prod(image.shape))


def _unpacked(raw: bytes, limit: int) -> bytes:
    """Never more than `limit`: a small file can be made to unpack to any size."""
    if raw[:2] != b"\x1f\x8b":
        return raw
    with igzip.IGzipFile(fileobj=io.BytesIO(raw)) as packed:
        plain = packed.read(limit + 1)
    if len(plain) > limit:
        raise ValueError("unpacks to more than any volume of this grid")
    return plain


def _label(raw: bytes, limit: int) -> tuple[NDArray[Any], NDArray[np.float64]]:
    try:
        image: Any = nib.Nifti1Image.from_bytes(_unpacked(raw, limit))
        values = np.asarray(image.dataobj)
        if values.ndim == 4 and values.shape[3] == 1:
            values = values[..., 0]
    except Exception:  # noqa: BLE001 - damage raises nearly anything, and its text may quote the file
        raise NotALabel("This is no NIfTI-1 volume that can be read. Save the label as .nii.gz.") from None
    whole = values.ndim == 3 and values.size > 0 and values.dtype.kind in "uifb"
    whole = whole and bool(np.isfinite(values).all()) and bool((values == np.rint(values)).all())
    if not whole or values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        raise NotALabel("A label is one 3-D volume of whole numbers from 0 to 65535. This file holds something else.")
    return values.astype(np.uint8 if values.max() <= np.iinfo(np.uint8).max else np.uint16), image.affine


def _turned(values: NDArray[Any], affine: NDArray[np.float64], image: Any) -> NDArray[Any] | None:
    """The label with its axes in the image's order and direction, or None where the grids differ."""
    change = nib.orientations.ornt_transform(
        nib.orientations.io_orientation(affine), nib.orientations.io_orientation(image.affine)
    )
    labelled: Any = nib.Nifti1Image(values, affine)
    turned: Any = labelled.as_reoriented(change)
    if turned.shape != image.shape[:3]:
        return None
    to_image = np.linalg.inv(image.affine) @ turned.affine
    corner = np.array([*turned.shape, 1.0])
    off = max(np.abs(to_image[:3, 3]).max(), np.abs((to_image @ corner)[:3] - corner[:3]).max())
    return np.ascontiguousarray(turned.dataobj) if off <= _OFF_GRID else None
