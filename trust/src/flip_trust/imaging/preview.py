"""The three middle planes of a volume as one small picture, for people who look through many."""

from pathlib import Path
from typing import Any, Final

import nibabel as nib
import numpy as np
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray
from PIL import Image

HEIGHT: Final = 120  # pixels
_WIDEST: Final = 3 * HEIGHT


def preview_of(nifti: Path) -> Path:
    return nifti.with_name(f"preview_{nifti.name.removeprefix('input_').removesuffix('.nii.gz')}.png")


def write_preview(image: Any, target: Path) -> None:
    """Axial, coronal and sagittal side by side, as radiologists look at them; one plane of a radiograph."""
    planes = _planes(image)
    low, high = np.percentile(np.concatenate([plane.ravel() for plane, _ in planes]), (1, 99.5))
    pictures = [_scaled(plane, aspect, float(low), float(high)) for plane, aspect in planes]
    whole = Image.new("L", (sum(p.width for p in pictures) + 2 * (len(pictures) - 1), HEIGHT))
    left = 0
    for picture in pictures:
        whole.paste(picture, (left, 0))
        left += picture.width + 2
    whole.save(target, optimize=True)


def _planes(image: Any) -> list[tuple[NDArray[Any], float]]:
    """Each with the height of its pixels over their width."""
    stored = (
        image.dataobj.get_unscaled() if nib.is_proxy(image.dataobj) else image.dataobj
    )  # as floats it were 4 times it
    if image.shape[2] == 1:
        x, y = (float(v) for v in image.header.get_zooms()[:2])
        return [(np.asarray(stored)[:, :, 0].T, y / x)]
    turn = nib.orientations.io_orientation(image.affine)  # to x to the right, y to the front, z to the head
    voxels = nib.orientations.apply_orientation(stored, turn)
    x, y, z = voxel_sizes(image.affine @ nib.orientations.inv_ornt_aff(turn, image.shape))
    i, j, k = (n // 2 for n in voxels.shape)
    return [
        (voxels[::-1, ::-1, k].T, y / x),  # the patient's left is on the right
        (voxels[::-1, j, ::-1].T, z / x),
        (voxels[i, ::-1, ::-1].T, z / y),
    ]


def _scaled(plane: NDArray[Any], aspect: float, low: float, high: float) -> Image.Image:
    grey = np.clip((plane.astype(np.float32) - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    width = round(HEIGHT * grey.shape[1] / max(grey.shape[0] * aspect, 1e-6))
    return Image.fromarray(grey).resize((min(max(width, 1), _WIDEST), HEIGHT), Image.Resampling.BILINEAR)
