"""Abdominal CT-like phantoms with a spleen: made-up anatomy, so there is nobody to protect."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

SHAPE = (32, 96, 96)
_QUARTER = 4  # smooth deformation lives on a grid this many times coarser


@dataclass(frozen=True)
class SiteStyle:
    """How one site's scanner differs: the domain shift that federated learning has to survive."""

    noise: float
    hu_offset: float
    blur: float
    spacing: tuple[float, float, float]  # slice, row, column; mm


STYLES = {
    "alpha": SiteStyle(noise=12.0, hu_offset=0.0, blur=0.5, spacing=(5.0, 3.9, 3.9)),
    "beta": SiteStyle(noise=22.0, hu_offset=18.0, blur=0.8, spacing=(4.5, 4.1, 4.1)),
}
OTHER_STYLE = SiteStyle(noise=16.0, hu_offset=-8.0, blur=0.6, spacing=(5.5, 4.0, 4.0))


@dataclass(frozen=True)
class Phantom:
    hu: NDArray[np.int16]  # slice, row, column; slices from feet to head
    spleen: NDArray[np.uint8]
    spacing: tuple[float, float, float]


def seed_of(seed: int, accession_id: str) -> int:
    """An accession's own anatomy: stable whatever else is in the list."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{accession_id}".encode()).digest()[:8], "big")


def make_phantom(seed: int, style: str | SiteStyle, shape: tuple[int, int, int] = SHAPE) -> Phantom:
    """`style`: the name of one of `STYLES`, or a style of its own."""
    site = STYLES.get(style, OTHER_STYLE) if isinstance(style, str) else style
    rng = np.random.default_rng(seed)
    z, y, x = _millimetres(shape, site.spacing)
    dz, dy, dx = (_smooth_field(rng, shape) for _ in range(3))
    vary = rng.normal(1.0, 0.06, 12).clip(0.85, 1.15)
    width, depth, fat = 160 * vary[0], 118 * vary[1], rng.uniform(8, 24)

    def organ(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> NDArray[np.bool_]:
        (cz, cy, cx), (rz, ry, rx) = centre, radii
        return ((z + dz - cz) / rz) ** 2 + ((y + dy - cy) / ry) ** 2 + ((x + dx - cx) / rx) ** 2 < 1

    def trunk(margin: float) -> NDArray[np.bool_]:
        return (y / (depth - margin)) ** 2 + (x / (width - margin)) ** 2 < 1

    hu = np.full(shape, -1000.0, np.float32)
    hu[np.broadcast_to(trunk(0), shape)] = -100
    hu[np.broadcast_to(trunk(fat), shape)] = 50
    cavity = np.broadcast_to(trunk(fat + 18), shape)
    hu[cavity] = -80
    # Patient left is +x and back is +y, as in DICOM: the spleen sits left, high and towards the back.
    hu[organ((20, -10, -62 * vary[2]), (70, 74 * vary[3], 66)) & cavity] = rng.normal(100, 8)  # liver
    hu[organ((15, -50, 35), (40, 30, 42)) & cavity] = rng.normal(35, 6)  # stomach
    for side in (-1, 1):
        hu[organ((-40, 42, side * 52), (40, 22, 20)) & cavity] = rng.normal(165, 12)  # kidneys
    left = (width - fat - 18) * 0.66
    spleen = organ((22 * vary[5], 34, left), (48 * vary[6], 40 * vary[7], 28 * vary[8])) & cavity
    hu[spleen] = rng.normal(128, 7)
    hu[np.broadcast_to((y - 36) ** 2 + x**2 < 12**2, shape)] = rng.normal(160, 15)  # aorta
    hu[np.broadcast_to((y - 68) ** 2 + x**2 < 22**2, shape)] = 420  # spine
    hu = gaussian_filter(hu, (0.2, site.blur, site.blur))
    noise = gaussian_filter(rng.normal(0, 1, shape).astype(np.float32), (0, 0.6, 0.6))
    noise *= site.noise / float(noise.std())
    inside = np.broadcast_to(trunk(0), shape)
    hu = hu + noise + np.where(inside, site.hu_offset, 0.0)
    return Phantom(np.clip(np.rint(hu), -1024, 3071).astype(np.int16), spleen.astype(np.uint8), site.spacing)


def _millimetres(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> list[NDArray[np.float32]]:
    axes = [((np.arange(n) - (n - 1) / 2) * step).astype(np.float32) for n, step in zip(shape, spacing, strict=True)]
    return list(np.meshgrid(*axes, indexing="ij", sparse=True))


def _smooth_field(rng: np.random.Generator, shape: tuple[int, int, int], millimetres: float = 4.0) -> NDArray:
    coarse = rng.normal(0, millimetres, [max(3, n // (_QUARTER * 3)) for n in shape]).astype(np.float32)
    return np.asarray(zoom(coarse, [n / c for n, c in zip(shape, coarse.shape, strict=True)], order=1))
