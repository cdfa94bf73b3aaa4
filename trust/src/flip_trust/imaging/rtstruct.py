"""An RTSTRUCT as a label on the voxel grid of its image: a voxel belongs to a structure when its centre lies inside.

Source: DICOM PS3.3 C.8.8.6 (ROI contour: closed planar polygons in patient millimetres). Contours of one structure in
one slice are combined by exclusive or, so that an inner contour is a hole. No slice is filled in between contours.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from skimage.draw import polygon2mask

from flip_trust.imaging.deidentify import Instance
from flip_trust.imaging.errors import Exclusion, ImagingExcluded
from flip_trust.imaging.segment import write_label

_OFF_PLANE: Final = 0.2  # of a slice: how far a contour may lie from the middle of its slice
_CLOSED: Final = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})
_BODY: Final = "EXTERNAL"
_MAX_POINTS: Final = 5_000_000


@dataclass(frozen=True)
class Drawn:
    """`names`: voxel value -> structure. `overlap`: structures share voxels; there the smaller one is kept."""

    names: dict[int, str] = field(default_factory=dict)
    overlap: bool = False


def referenced_series(structures: Dataset) -> str | None:
    """The one image series that the structures were drawn on."""
    found = {
        str(series.SeriesInstanceUID)
        for frame in structures.get("ReferencedFrameOfReferenceSequence", ())
        for study in frame.get("RTReferencedStudySequence", ())
        for series in study.get("RTReferencedSeriesSequence", ())
    }
    return found.pop() if len(found) == 1 else None


def write_structures(structures: Instance, image: Path, target: Path) -> Drawn:
    """Writes `target` (.nii.gz) for the NIfTI `image`; voxel values are ROI numbers. The body's outline is left out."""
    reference: Any = nib.load(image)
    masks = {number: mask for number, mask in _masks(structures.dataset, reference).items() if mask.any()}
    if not masks or max(masks) > np.iinfo(np.uint8).max or min(masks) < 1:
        raise ImagingExcluded(Exclusion.SEGMENTATION_MISMATCH)
    label = np.zeros(reference.shape, np.uint8)
    for number in sorted(masks, key=lambda n: (-np.count_nonzero(masks[n]), n)):
        label[masks[number]] = number
    write_label(label, reference, target)
    names = {int(r.ROINumber): str(r.ROIName) for r in structures.dataset.get("StructureSetROISequence", ())}
    overlap = sum(int(np.count_nonzero(mask)) for mask in masks.values()) != int(np.count_nonzero(label))
    return Drawn({number: names.get(number, f"ROI {number}") for number in sorted(masks)}, overlap)


def _masks(ds: Dataset, reference: Any) -> dict[int, NDArray[np.bool_]]:
    body = {
        int(o.ReferencedROINumber)
        for o in ds.get("RTROIObservationsSequence", ())
        if o.get("RTROIInterpretedType") == _BODY
    }
    masks: dict[int, NDArray[np.bool_]] = {}
    to_voxel = np.linalg.inv(reference.affine) @ np.diag([-1.0, -1.0, 1.0, 1.0])
    points = 0
    for roi in ds.get("ROIContourSequence", ()):
        number = int(roi.ReferencedROINumber)
        if number in body:
            continue
        slices: dict[int, NDArray[np.bool_]] = defaultdict(lambda: np.zeros(reference.shape[:2], bool))
        for contour in roi.get("ContourSequence", ()):
            if contour.get("ContourGeometricType") not in _CLOSED:
                continue
            corners = np.asarray(contour.ContourData, float).reshape(-1, 3)
            points += len(corners)
            if len(corners) < 3 or points > _MAX_POINTS:
                raise ImagingExcluded(Exclusion.SEGMENTATION_MISMATCH)
            voxels = corners @ to_voxel[:3, :3].T + to_voxel[:3, 3]
            plane = round(float(voxels[:, 2].mean()))
            inside = (
                voxels[:, :2].min() >= -0.5 - 1e-6
                and (voxels[:, :2].max(0) <= np.array(reference.shape[:2]) - 0.5 + 1e-6).all()
            )
            if np.abs(voxels[:, 2] - plane).max() > _OFF_PLANE or not 0 <= plane < reference.shape[2] or not inside:
                raise ImagingExcluded(Exclusion.SEGMENTATION_MISMATCH)
            slices[plane] ^= polygon2mask(reference.shape[:2], voxels[:, :2])
        mask = masks.setdefault(number, np.zeros(reference.shape, bool))
        for plane, drawn in slices.items():
            mask[:, :, plane] |= drawn
    return masks
