"""The three middle planes of a volume as one small picture, for people who look through many."""

from pathlib import Path
from typing import Any, Final

import nibabel as nib
import numpy as np
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray
from PIL import Image

HEIGHT: Final = 120  # pixels
_WIDEST, _GAP = 3 * HEIGHT, 4


def preview_of(nifti: Path) -> Path:
    return nifti.with_name(f"preview_{nifti.name.removeprefix('input_').removesuffix('.nii.gz')}.png")


def write_preview(image: Any, target: Path) -> None:
    """Axial, coronal and sagittal side by side on one scale, as radiologists look; or the one plane of a radiograph."""
    planes = _planes(image)
    low, high = np.percentile(np.concatenate([plane.ravel() for plane, _, _ in planes]), (1, 99.5))
    tallest = max(plane.shape[0] * tall for plane, tall, _ in planes)  # millimetres
    pictures = [
        _scaled(plane, tall * HEIGHT / tallest, wide * HEIGHT / tallest, float(low), float(high))
        for plane, tall, wide in planes
    ]
    whole = Image.new("L", (sum(p.width for p in pictures) + _GAP * (len(pictures) - 1), HEIGHT))
    left = 0
    for picture in pictures:
        whole.paste(picture, (left, (HEIGHT - picture.height) // 2))
        left += picture.width + _GAP
    whole.save(target, optimize=True)


def _planes(image: Any) -> list[tuple[NDArray[Any], float, float]]:
    """Each with the height and the width of its pixels in mm."""
    stored = image.dataobj.get_unscaled() if nib.is_proxy(image.dataobj) else image.dataobj  # not as floats
    if image.shape[2] == 1:
        x, y = (float(v) for v in image.header.get_zooms()[:2])
        return [(np.asarray(stored)[:, :, 0].T, y, x)]
    turn = nib.orientations.io_orientation(image.affine)  # to x to the right, y to the front, z to the head
    voxels = nib.orientations.apply_orientation(stored, turn)
    x, y, z = voxel_sizes(image.affine @ nib.orientations.inv_ornt_aff(turn, image.shape))
    i, j, k = (n // 2 for n in voxels.shape)
    return [
        (voxels[::-1, ::-1, k].T, y, x),  # the patient's left is on the right
        (voxels[::-1, j, ::-1].T, z, x),
        (voxels[i, ::-1, ::-1].T, z, y),
    ]


def _scaled(plane: NDArray[Any], tall: float, wide: float, low: float, high: float) -> Image.Image:
    """`tall`, `wide`: of one pixel of the plane, in pixels of the picture."""
    grey = np.clip((plane.astype(np.float32) - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    height, width = round(grey.shape[0] * tall), round(grey.shape[1] * wide)
    size = min(max(width, 1), _WIDEST), min(max(height, 1), HEIGHT)
    return Image.fromarray(grey).resize(size, Image.Resampling.BILINEAR)
