"""The model to evaluate, uploaded with the app. Flower's bundle takes text files only, so it is JSON.

    python -m app.checkpoint model.npz

writes `app/checkpoint.json` out of a trained model's arrays; the bundle holds 10 MiB, about 7 MiB of weights.
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("checkpoint.json")


def load(file: Path = FILE) -> dict[str, np.ndarray]:
    """The arrays by name, in their own types and shapes."""
    stored = json.loads(file.read_text())
    return {
        name: np.frombuffer(base64.b64decode(array["base64"]), np.dtype(array["dtype"])).reshape(array["shape"])
        for name, array in stored.items()
    }


def save(arrays: dict[str, np.ndarray], file: Path = FILE) -> None:
    stored = {
        name: {
            "dtype": array.dtype.str,
            "shape": list(array.shape),
            "base64": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode(),
        }
        for name, array in arrays.items()
    }
    file.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    with np.load(sys.argv[1], allow_pickle=False) as archive:
        save(dict(archive))
    print(f"wrote {FILE}")
