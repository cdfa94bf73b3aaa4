"""Is there text in the pixels? Looked for by tesseract where it is likely; what it reads is never kept.

One picture stands for a whole series: the brightest value of each pixel through all slices. Text is drawn at the
extreme of the scale, mostly outside the body, and so survives in it.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flip_trust.imaging.deidentify import Instance
from flip_trust.imaging.errors import Exclusion, ImagingExcluded
from flip_trust.imaging.plan import TextCheck

Plane = NDArray[np.float32]
_ALWAYS_LIKELY: Final = frozenset({"CR", "DX", "PT"})  # and whatever calls itself DERIVED
_LETTERS: Final = 4  # fewer are laterality and position markers, and noise
_CONFIDENCE: Final = 50.0  # tesseract's own, of 100
_TIMEOUT_S: Final = 60
_EDGE_SHARE: Final = 0.2  # of the scale: no scanner jumps that far between two pixels and lands on one value again
_EDGES: Final = 30


def check_text(instances: Sequence[Instance], when: TextCheck) -> None:
    """Raises ImagingExcluded(BURNED_IN_TEXT), or TEXT_CHECK_UNAVAILABLE where it is needed and cannot be made."""
    ds = instances[0].dataset
    likely = ds.get("Modality") in _ALWAYS_LIKELY or "DERIVED" in ds.get("ImageType", [])
    pictures = [_brightest(instances)]
    if when == TextCheck.ALWAYS or likely:
        middle = instances[len(instances) // 2]
        pictures.append(middle.rescaled(middle.pixels().astype(np.float32)))
    elif not looks_drawn(pictures[0]):
        return
    if any(reads_text(picture) for picture in pictures[: len(instances)]):
        raise ImagingExcluded(Exclusion.BURNED_IN_TEXT)


def looks_drawn(picture: Plane) -> bool:
    """Many sharp steps up to one and the same value: letters have them, anatomy and noise do not."""
    low, high = float(picture.min()), float(picture.max())
    if high <= low:
        return False
    step = np.diff(picture, axis=1)
    sharp = np.abs(step) > _EDGE_SHARE * (high - low)
    upper = np.maximum(picture[:, 1:], picture[:, :-1])[sharp]
    if upper.size < _EDGES:
        return False
    _, counts = np.unique(upper, return_counts=True)
    return int(counts.max()) >= max(_EDGES, 0.2 * upper.size)


def reads_text(picture: Plane) -> bool:
    """Whether tesseract reads a word of four or more letters or digits in it."""
    done = subprocess.run(
        [tesseract(), "stdin", "stdout", "--psm", "11", "tsv"],
        input=_pgm(picture),
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
        env={"LC_ALL": "C", "OMP_THREAD_LIMIT": "1"},
    )
    if done.returncode != 0:
        raise ImagingExcluded(Exclusion.TEXT_CHECK_UNAVAILABLE)
    for line in done.stdout.decode("utf-8", "replace").splitlines()[1:]:
        fields = line.split("\t")
        if len(fields) == 12 and _sure(fields[10]) and len(re.findall(r"[^\W_]", fields[11])) >= _LETTERS:
            return True
    return False


@cache
def tesseract() -> str:
    found = shutil.which("tesseract")
    if found is None:
        raise ImagingExcluded(Exclusion.TEXT_CHECK_UNAVAILABLE)
    return found


def _sure(confidence: str) -> bool:
    try:
        return float(confidence) >= _CONFIDENCE
    except ValueError:
        return False


def _brightest(instances: Sequence[Instance]) -> Plane:
    picture: Any = None
    for one in instances:
        plane = one.pixels()
        picture = plane.copy() if picture is None or picture.shape != plane.shape else np.maximum(picture, plane)
    return instances[0].rescaled(picture.astype(np.float32))


def _pgm(picture: Plane) -> bytes:
    """Twice the size, 8 bits: small letters are read better."""
    low, high = np.percentile(picture, 0.5), float(picture.max())
    grey = np.clip((picture - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    large = grey.repeat(2, axis=0).repeat(2, axis=1)
    return b"P5 %d %d 255\n" % (large.shape[1], large.shape[0]) + large.tobytes()
