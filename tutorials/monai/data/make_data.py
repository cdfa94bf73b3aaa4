"""Write a small synthetic cohort here: CT-like phantoms with a spleen, each anatomy different. No patient's data.

    python data/make_data.py [--count 8] [--out data] [--table dataframe.csv]

gives the cohort as a table and `accession-resources/<accession_id>/`, as `flip app run . --data data` reads them.
"""

import argparse
from pathlib import Path

import nibabel
import numpy as np

SHAPE = (32, 64, 64)  # Z, Y, X
SPACING = (5.0, 6.0, 6.0)  # mm
STEP = 8  # Hounsfield units: coarser values make smaller files


def phantom(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hounsfield units and spleen mask, both (Z, Y, X): body, fat, liver, spine and spleen as warped ellipsoids."""
    rng = np.random.default_rng(seed)
    axes = [(np.arange(n) - n / 2) * s for n, s in zip(SHAPE, SPACING, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    wave = 6 * np.sin(x / rng.uniform(25, 45) + rng.uniform(0, 6)) * np.cos(z / 30 + rng.uniform(0, 6))

    def ellipsoid(centre, radii):
        jitter = rng.normal(0, 6, 3)
        size = np.array(radii) * rng.normal(1, 0.08, 3)
        distances = [
            ((axis - c - j) / r) ** 2 for axis, c, j, r in zip((z, y + wave, x), centre, jitter, size, strict=True)
        ]
        return sum(distances) < 1

    hu = np.full(SHAPE, -1000.0)
    hu[ellipsoid((0, 0, 0), (500, 125, 165))] = -100
    hu[ellipsoid((0, 0, 0), (500, 108, 148))] = 40
    hu[ellipsoid((15, -10, -75), (70, 75, 70))] = rng.normal(105, 8)
    hu[ellipsoid((0, 70, 0), (500, 20, 22))] = 400
    hu[ellipsoid((20, -50, 40), (40, 30, 42))] = rng.normal(20, 10)
    spleen = ellipsoid((20, 40, 95), (50, 40, 28))
    hu[spleen] = rng.normal(125, 8)
    noisy = np.where(hu > -1000, hu + rng.normal(0, 18, SHAPE), hu)
    return (np.rint(noisy / STEP) * STEP).astype(np.int16), spleen.astype(np.uint8)


def write_cohort(root: Path, count: int, table: str = "dataframe.csv") -> None:
    """`count` accessions with image and segmentation, and one without images, as every real cohort has some."""
    affine = np.diag([SPACING[2], SPACING[1], SPACING[0], 1.0])
    rows = ["accession_id,person_id,age"]
    for number in range(count):
        folder = root / "accession-resources" / f"ACC{number:03d}" / "scan"
        folder.mkdir(parents=True, exist_ok=True)
        for kind, volume in zip(("input", "label"), phantom(number), strict=True):
            nibabel.save(nibabel.Nifti1Image(volume.transpose(2, 1, 0), affine), folder / f"{kind}_ct.nii.gz")
        rows.append(f"ACC{number:03d},{number},{40 + number}")
    rows.append("ACC999,999,77")
    (root / table).write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--table", default="dataframe.csv")
    arguments = parser.parse_args()
    write_cohort(arguments.out, arguments.count, arguments.table)
    print(f"{arguments.count} accessions in {arguments.out}")
