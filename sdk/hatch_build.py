"""Puts `templates/` into wheel and sdist. In a checkout it lies beside `sdk/`, in an unpacked sdist inside it."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAMES = ("standard", "evaluation", "monai-segmentation", "xray-classification", "tabular")
SUFFIXES = {".py", ".toml", ".md", ".json"}


class Templates(BuildHookInterface):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return  # `flip app new` reads them in the checkout
        inside = Path(self.root, "templates")
        source = inside if inside.is_dir() else Path(self.root).parent / "templates"
        target = "flip/templates" if self.target_name == "wheel" else "templates"
        for name in NAMES:
            root = source / name
            if not (root / "pyproject.toml").is_file():
                raise FileNotFoundError(f"no template in {root}; build from a checkout or an sdist")
            for file in root.rglob("*"):
                relative = file.relative_to(root)
                hidden = any(part.startswith(".") for part in relative.parts[:-1])  # caches of tools
                if file.is_file() and not hidden and (file.suffix in SUFFIXES or file.name == ".gitignore"):
                    build_data["force_include"][str(file)] = f"{target}/{name}/{relative.as_posix()}"
