"""A DICOM SEG as a label on the voxel grid of its image: same shape, same affine, bit-exact."""

from pathlib import Path
from typing import Any

import highdicom as hd
import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from flip_trust.imaging.convert import nifti_gz
from flip_trust.imaging.deidentify import Instance
from flip_trust.imaging.errors import Exclusion, ImagingExcluded

_OFF_GRID = 0.05  # of a voxel


def referenced_series(seg: Dataset) -> str | None:
    """The one image series that a SEG was drawn on."""
    references = seg.get("ReferencedSeriesSequence")
    return str(references[0].SeriesInstanceUID) if references and len(references) == 1 else None


def segment_names(seg: Dataset) -> dict[int, str]:
    """What each voxel value stands for: a name of the allow-list, or its number."""
    segments = seg.get("SegmentSequence", ())
    return {int(s.SegmentNumber): str(s.SegmentLabel) for s in segments if s.SegmentNumber}  # 0: background


def write_segmentation(seg: Instance, image: Path, target: Path) -> None:
    """Writes `target` (.nii.gz) for the NIfTI `image`; voxel values are segment numbers."""
    try:
        volume = hd.seg.segread(seg.path).get_volume(combine_segments=True, allow_missing_positions=True)
    except Exception:  # noqa: BLE001 - overlap, missing geometry, damage; the text may quote the file
        raise ImagingExcluded(Exclusion.SEGMENTATION_MISMATCH) from None
    if volume is None:
        raise ImagingExcluded(Exclusion.SEGMENTATION_MISMATCH)
    reference: Any = nib.load(image)
    label = np.zeros(reference.shape, np.uint8)
    filled = np.argwhere(volume.array > 0)
    if len(filled):
        # Segment voxel -> DICOM millimetres (LPS) -> NIfTI millimetres (RAS) -> image voxel. Empty slices are
        # not stored in a SEG, so its own array never has the image's shape.
        to_image = np.linalg.inv(reference.affine) @ np.diag([-1, -1, 1, 1]) @ volume.affine
        exact = filled @ to_image[:3, :3].T + to_image[:3, 3]
        voxels = np.rint(exact).astype(int)
        values = volume.array[tuple(filled.T)]
        off_grid = np.abs(exact - voxels).max() > _OFF_GRID
        outside = (voxels < 0).any() or (voxels >= label.shape).any()
        if off_grid or outside or values.max() > np.iinfo(np.uint8).max:
            raise ImagingExcluded(Exclusion.SEGMENTATION_MISMATCH)
        label[tuple(voxels.T)] = values
        if np.count_nonzero(label) != len(filled):
            raise ImagingExcluded(Exclusion.SEGMENTATION_MISMATCH)  # coarser grid: two voxels fell into one
    write_label(label, reference, target)


def write_label(label: NDArray[np.uint8], reference: Any, target: Path) -> None:
    """A label on the grid of the NIfTI image `reference`, in the same storage order."""
    header = reference.header.copy()
    header.set_data_dtype(np.uint8)
    header.set_slope_inter(1, 0)
    header["cal_max"] = header["cal_min"] = 0
    target.write_bytes(nifti_gz(nib.Nifti1Image(label, reference.affine, header).to_bytes()))
