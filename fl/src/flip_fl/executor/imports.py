"""Which modules of the platform image an app imports, read from its FAB without running any of it."""

import ast
import io
import zipfile

# Only these are loaded ahead of the app: they are ours, slow to import, and safe to fork after.
PLATFORM = frozenset(
    {
        "torch",
        "torchvision",
        "monai",
        "sklearn",
        "scipy",
        "pandas",
        "nibabel",
        "skimage",
        "PIL",
        "safetensors",
    }
)


def platform_imports(fab: bytes) -> list[str]:
    """Dotted names in the order of first use; `pandas` too where the app calls `get_dataframe`."""
    found: dict[str, None] = {}
    with zipfile.ZipFile(io.BytesIO(fab)) as archive:
        for name in sorted(archive.namelist()):
            if not name.endswith(".py"):
                continue
            try:
                tree = ast.parse(archive.read(name))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue  # the app's own start will tell it
            for node in ast.walk(tree):
                match node:
                    case ast.Import(names=names):
                        found |= dict.fromkeys(alias.name for alias in names)
                    case ast.ImportFrom(module=str(module), level=0):
                        found[module] = None
                    case ast.Attribute(attr="get_dataframe"):
                        found["pandas"] = None
                    case _:
                        pass
    return [module for module in found if module.split(".")[0] in PLATFORM]
