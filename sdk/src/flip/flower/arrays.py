"""Model arrays as `.npz`, without pickle: `numpy.load(path)` reads them, by the name of each array."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from flwr.app import ArrayRecord


def save_npz(path: Path, arrays: ArrayRecord) -> None:
    """Write each array under its own name.

    Not `numpy.savez`, which takes names as keyword arguments and so refuses an array called `file`.

    Raises
    ------
    ValueError : an array of Python objects, which only pickle could store.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(array.numpy()), allow_pickle=False)
