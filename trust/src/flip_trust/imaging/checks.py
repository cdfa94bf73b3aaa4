"""Is the converted volume the DICOM one? Compared by place in the patient, so a flip of storage order is no matter.

Source: DICOM PS3.3 C.7.6.2.1.1 (image plane, LPS millimetres); NIfTI-1 (RAS millimetres).
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flip_trust.imaging.deidentify import Instance
from flip_trust.imaging.errors import Exclusion, ImagingExcluded

_TOLERANCE_MM: Final = 0.02
_OFF_GRID: Final = 0.02  # of a voxel
_LPS_TO_RAS: Final = np.diag([-1.0, -1.0, 1.0, 1.0])


def ordered_with_spacing(instances: Sequence[Instance]) -> tuple[list[Instance], float]:
    """The slices along their normal, and the distance between two of them in mm, from positions alone.

    The tags that state the distance are often wrong. Raises ImagingExcluded with what exactly is irregular.
    """
    if len(instances) < 2:
        raise ImagingExcluded(Exclusion.TOO_FEW_SLICES)
    try:
        orientation = np.asarray(instances[0].dataset.ImageOrientationPatient, float)
        positions = np.array([np.asarray(i.dataset.ImagePositionPatient, float) for i in instances])
        np.asarray(instances[0].dataset.PixelSpacing, float)
    except (AttributeError, ValueError, TypeError):
        raise ImagingExcluded(Exclusion.GEOMETRY_INVALID) from None
    if orientation.shape != (6,) or positions.shape != (len(instances), 3):
        raise ImagingExcluded(Exclusion.GEOMETRY_INVALID)
    normal = np.cross(orientation[:3], orientation[3:])
    if not np.isclose(np.linalg.norm(normal), 1, atol=1e-3):
        raise ImagingExcluded(Exclusion.GEOMETRY_INVALID)  # rows and columns not perpendicular
    order = np.argsort(positions @ normal, kind="stable")
    moves = np.diff(positions[order], axis=0)
    steps = moves @ normal
    least = float(steps.min())
    if least <= _TOLERANCE_MM:
        raise ImagingExcluded(Exclusion.SLICES_DUPLICATED)
    usual = float(np.median(steps))
    sideways = np.linalg.norm(moves - np.outer(steps, normal), axis=1)
    if sideways.max() > max(_TOLERANCE_MM, 0.01 * usual):
        raise ImagingExcluded(Exclusion.GANTRY_TILT)
    if np.ptp(steps) > max(_TOLERANCE_MM, 0.01 * usual):
        whole = steps / least
        gaps = np.abs(whole - np.rint(whole)).max() <= 0.05
        raise ImagingExcluded(Exclusion.SLICES_MISSING if gaps else Exclusion.SPACING_UNEVEN)
    return [instances[int(i)] for i in order], float(steps.mean())


def dicom_affine(first: Instance, step: float) -> NDArray[np.float64]:
    """(column, row, slice) indices of an ordered series -> RAS millimetres."""
    ds = first.dataset
    orientation = np.asarray(ds.ImageOrientationPatient, float)
    row_mm, column_mm = (float(v) for v in ds.PixelSpacing)
    lps = np.eye(4)
    lps[:3, 0] = orientation[:3] * column_mm
    lps[:3, 1] = orientation[3:] * row_mm
    lps[:3, 2] = np.cross(orientation[:3], orientation[3:]) * step
    lps[:3, 3] = np.asarray(ds.ImagePositionPatient, float)
    return _LPS_TO_RAS @ lps


def check_volume(image: Any, ordered: Sequence[Instance], step: float) -> None:
    """Raises ImagingExcluded(CONVERSION_DIFFERS) unless every voxel's place, the range of values, and the first, the
    middle and the last slice value by value are those of the DICOM series."""
    shape = (ordered[0].dataset.Columns, ordered[0].dataset.Rows, len(ordered))
    if sorted(image.shape) != sorted(shape) or len(image.shape) != 3:
        raise ImagingExcluded(Exclusion.CONVERSION_DIFFERS)
    to_image = np.linalg.inv(image.affine) @ dicom_affine(ordered[0], step)
    corners = np.array([[x, y, z, 1] for x in (0, shape[0] - 1) for y in (0, shape[1] - 1) for z in (0, shape[2] - 1)])
    exact = corners @ to_image[:3].T
    nearest = np.rint(exact).astype(int)
    if np.abs(exact - nearest).max() > _OFF_GRID * max(1.0, max(shape) / 100):
        raise ImagingExcluded(Exclusion.CONVERSION_DIFFERS)
    if nearest.min() < 0 or (nearest.max(axis=0) != np.array(image.shape) - 1).any():
        raise ImagingExcluded(Exclusion.CONVERSION_DIFFERS)
    turn = np.rint(to_image[:3, :3]).astype(int)
    start = np.rint(to_image[:3, 3]).astype(int)
    voxels = image.dataobj
    raw = voxels.get_unscaled() if hasattr(voxels, "get_unscaled") else np.asarray(voxels)
    slope, intercept = (float(v) for v in (voxels.slope, voxels.inter))
    columns, rows = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    for number in sorted({0, shape[2] // 2, shape[2] - 1}):
        one = ordered[number]
        expected = one.rescaled(one.pixels().astype(np.float64)).T
        index = [turn[a, 0] * columns + turn[a, 1] * rows + turn[a, 2] * number + start[a] for a in range(3)]
        found = raw[tuple(index)].astype(np.float64) * slope + intercept
        if not np.allclose(found, expected, rtol=1e-4, atol=_step_of(expected)):
            raise ImagingExcluded(Exclusion.CONVERSION_DIFFERS)
    ends = sorted(float(raw_end) * slope + intercept for raw_end in (raw.min(), raw.max()))
    wanted = [min(i.low for i in ordered), max(i.high for i in ordered)]
    if not np.allclose(ends, wanted, rtol=1e-4, atol=1e-2):
        raise ImagingExcluded(Exclusion.CONVERSION_DIFFERS)


def _step_of(values: NDArray[np.float64]) -> float:
    """A converter that must store several slopes as floats rounds in the seventh digit."""
    return max(1e-3, float(np.abs(values).max()) * 1e-5)
