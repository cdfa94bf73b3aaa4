"""Puts the templates of `flip app new` into wheel and sdist. In a checkout they are the repository's templates and
tutorials, beside `sdk/`; in an unpacked sdist they lie inside it.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = {
    "standard": "templates/standard",
    "evaluation": "templates/evaluation",
    "monai-segmentation": "tutorials/monai",
    "xray-classification": "tutorials/xray_classification",
    "tabular": "tutorials/ehr_risk",
}
SUFFIXES = {".py", ".toml", ".md", ".json", ".sql"}


class Templates(BuildHookInterface):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return  # `flip app new` reads them in the checkout
        inside = Path(self.root, "templates")
        target = "flip/templates" if self.target_name == "wheel" else "templates"
        for name, source in SOURCES.items():
            root = inside / name if inside.is_dir() else Path(self.root).parent / source
            if not (root / "pyproject.toml").is_file():
                raise FileNotFoundError(f"no template in {root}; build from a checkout or an sdist")
            for file in root.rglob("*"):
                relative = file.relative_to(root)
                hidden = any(part.startswith(".") for part in relative.parts[:-1])  # caches of tools
                unwanted = hidden or {"tests", "flip-local"} & set(relative.parts)
                if file.is_file() and not unwanted and (file.suffix in SUFFIXES or file.name == ".gitignore"):
                    build_data["force_include"][str(file)] = f"{target}/{name}/{relative.as_posix()}"
