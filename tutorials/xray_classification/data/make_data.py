"""Write a small synthetic cohort here: chest-like radiographs, some with a bright patch. No patient's data.

    python data/make_data.py [--count 80] [--out data]

gives `dataframe.csv` and `accession-resources/<accession_id>/`, as `flip app run . --data data` reads them.
"""

import argparse
from pathlib import Path

import nibabel
import numpy as np

SHAPE = (96, 96)  # rows, columns


def radiograph(seed: int, pneumonia: bool) -> np.ndarray:
    """Pixel values (rows, columns), uint16: two dark lungs in a bright chest, and a hazy patch in one of them."""
    rng = np.random.default_rng(seed)
    row, column = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    image = np.full(SHAPE, 2600.0)
    for side in (-1, 1):
        centre, width = side * rng.normal(0.42, 0.03), rng.normal(0.3, 0.02)
        image[((column - centre) / width) ** 2 + (row / rng.normal(0.75, 0.04)) ** 2 < 1] = 900
    if pneumonia:
        y, x = rng.uniform(-0.4, 0.4), rng.choice([-1, 1]) * rng.uniform(0.35, 0.5)
        image += 1500 * np.exp(-(((row - y) / 0.25) ** 2 + ((column - x) / 0.18) ** 2))
    return np.clip(image + rng.normal(0, 120, SHAPE), 0, 4095).astype(np.uint16)


def write_cohort(root: Path, count: int) -> None:
    rows = ["accession_id,person_id,pneumonia"]
    for number, pneumonia in enumerate(np.random.default_rng(0).random(count) < 0.5):
        folder = root / "accession-resources" / f"XR{number:03d}" / "scan"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = radiograph(number, pneumonia).T[:, :, None]  # NIfTI: X, Y, Z
        nibabel.save(nibabel.Nifti1Image(pixels, np.eye(4)), folder / "input_xr.nii.gz")
        rows.append(f"XR{number:03d},{number},{int(pneumonia)}")
    (root / "dataframe.csv").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=80)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    write_cohort(arguments.out, arguments.count)
    print(f"{arguments.count} radiographs in {arguments.out}")
