"""Phantom volumes in the image geometry that enough persons of a project share."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nibabel as nib
import numpy as np

from flip_trust.disclosure.policy import Policy
from flip_trust.disclosure.rounding import rounded_number
from flip_trust.imaging.convert import nifti_gz
from flip_trust.imaging.study import RECORD
from flip_trust.synthetic.phantom import OTHER_STYLE, SHAPE, SiteStyle, make_phantom

_SLICES, _MILLIMETRES, _PIXELS = 16, 0.5, 32  # what a geometry is rounded to before it is counted


@dataclass(frozen=True)
class Geometry:
    """columns, rows, slices; millimetres along each."""

    modality: str
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]


GENERIC: Final = Geometry("CT", (SHAPE[2], SHAPE[1], SHAPE[0]), (4.0, 4.0, 5.0))


def shared_geometries(
    folders: Mapping[str, Path], owners: Mapping[str, int | None], policy: Policy, key: bytes, label: str
) -> list[tuple[Geometry, int]]:
    """Rounded geometries that at least the threshold of persons share, each with how many, rounded.

    `folders`: accession -> its folder. `owners`: accession -> person; images of nobody who is known count for nobody.
    """
    persons: dict[Geometry, set[int]] = defaultdict(set)
    for accession, folder in folders.items():
        person = owners.get(accession)
        if person is None:
            continue
        for image in json.loads((folder / RECORD).read_text())["images"]:
            persons[_rounded(image["modality"], image["shape"], image["spacing_mm"])].add(person)
    told = [(one, len(who)) for one, who in persons.items() if len(who) >= policy.threshold]
    told.sort(key=lambda item: (-item[1], repr(item[0])))
    return [(one, rounded_number(n, policy.round_to, key, f"{label} {one} {n}")) for one, n in told]


def _rounded(modality: str, shape: Iterable[int], spacing: Iterable[float]) -> Geometry:
    columns, rows, slices = shape
    x, y, z = (max(_MILLIMETRES, round(float(v) / _MILLIMETRES) * _MILLIMETRES) for v in spacing)

    def near(n: int, step: int) -> int:
        return max(step, round(n / step) * step)

    depth = 1 if slices == 1 else near(slices, _SLICES)
    return Geometry(modality, (near(columns, _PIXELS), near(rows, _PIXELS), depth), (x, y, z))


def write_study(folder: Path, geometry: Geometry, seed: int) -> None:
    """`input_1.nii.gz` and `label_1.nii.gz`: a phantom abdomen with its spleen, whatever the project is about."""
    folder.mkdir(parents=True)
    columns, rows, slices = geometry.shape
    x, y, z = geometry.spacing
    style = SiteStyle(OTHER_STYLE.noise, OTHER_STYLE.hu_offset, OTHER_STYLE.blur, (z, y, x))
    phantom = make_phantom(seed, style, (max(slices, 9), rows, columns))
    image, label = phantom.hu, phantom.spleen
    if slices == 1:
        image, label = image[4:5], label[4:5]
    affine = np.diag([-x, y, z, 1.0])
    for name, values in (("input_1", image), ("label_1", label)):
        stored = np.ascontiguousarray(values.transpose(2, 1, 0)[:, ::-1])
        (folder / f"{name}.nii.gz").write_bytes(nifti_gz(nib.Nifti1Image(stored, affine).to_bytes()))
