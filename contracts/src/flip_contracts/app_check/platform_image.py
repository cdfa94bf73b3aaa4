"""What an app may import on the platform image. Nothing is installed for a run."""

import sys
from collections.abc import Container, Iterable, Iterator
from typing import Final

from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.modules import Module

# Top-level module names, not names of distributions: scikit-learn is sklearn.
PLATFORM_IMAGE: Final = frozenset(
    {
        *sys.stdlib_module_names,
        "flip",
        "flwr",
        "monai",
        "nibabel",
        "numpy",
        "pandas",
        "safetensors",
        "scipy",
        "sklearn",
        "torch",
        # Come with the ones above.
        "dateutil",
        "google",  # protobuf, of flwr
        "joblib",
        "packaging",
        "typing_extensions",
        "yaml",
    }
)
_INSTEAD: Final = {
    "flwr_datasets": "The cohort takes its place: flip.get_dataframe.",
    "tensorflow": "Train with torch.",
    "wandb": "flip.send_metrics takes its place.",
    "mlflow": "flip.send_metrics takes its place.",
    "tensorboard": "flip.send_metrics takes its place.",
    "SimpleITK": "Read NIfTI files with nibabel.",
}


def check_image(modules: Iterable[Module], own: Container[str]) -> Iterator[Finding]:
    """One finding per package, at its first import. `own`: the app's modules."""
    seen: set[str] = set()
    for module in modules:
        for wanted in module.imports:
            root = wanted.module.split(".")[0]
            if not wanted.must_succeed or not root or root in PLATFORM_IMAGE or root in own or root in seen:
                continue
            seen.add(root)
            yield found(
                "import_not_on_image",
                f"{root} is not on the platform image, and nothing is installed for a run.",
                _INSTEAD.get(root, f"Do without {root}, or put the import under try … except ImportError."),
                module.file,
                wanted.line,
            )
