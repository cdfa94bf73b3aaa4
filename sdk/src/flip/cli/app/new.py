"""`flip app new`."""

from __future__ import annotations

import re
import shutil
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from flip.errors import FlipError, InvalidArgument

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}")  # Flower's rule for names and publishers
_NOT_COPIED: Final = shutil.ignore_patterns(
    "__pycache__", ".*cache", "flip-local", "dataframe.csv", "accession-resources", "tests", "*.png"
)
_OF_THE_REPOSITORY: Final = "\n## In FLIP's repository\n"  # the end of a tutorial's README: of no use in a copy


class Template(StrEnum):
    STANDARD = "standard"
    EVALUATION = "evaluation"
    MONAI_SEGMENTATION = "monai-segmentation"
    XRAY_CLASSIFICATION = "xray-classification"
    TABULAR = "tabular"


TUTORIALS: Final = {
    Template.MONAI_SEGMENTATION: "monai",
    Template.XRAY_CLASSIFICATION: "xray_classification",
    Template.TABULAR: "ehr_risk",
}  # what is a tutorial and a template as well


def new(
    name: Annotated[str, typer.Argument(help="Name of the app: letters, digits, hyphens; a letter first.")],
    template: Annotated[Template, typer.Option("--template", "-t", help="What to start from.")] = Template.STANDARD,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="The folder to write; ./NAME where none is given.")
    ] = None,
    publisher: Annotated[str, typer.Option(help="Who publishes the app; the same rule as for names.")] = "my-lab",
) -> None:
    """Write a new app: a stock Flower project that passes the check and runs here."""
    target = folder if folder is not None else Path(name)
    write_app(name, template, target, publisher)
    print(f"{target}/ holds {name}, from the template {template}. Next:")
    print(f"  cd {target}")
    print("  pip install -e .            # what the app itself needs")
    print("  python data/make_data.py    # a small synthetic cohort")
    print("  flip app check .")
    print("  flip app run . --data data/")


def write_app(name: str, template: Template, target: Path, publisher: str) -> None:
    """Copy a template under a new name. Nothing is written where this raises.

    Raises InvalidArgument (`name_invalid`, `publisher_invalid`) or FlipError (`folder_not_empty`).
    """
    for what, text in (("name", name), ("publisher", publisher)):
        if not _NAME.fullmatch(text):
            raise InvalidArgument(
                f"{text!r} cannot be the {what} of a Flower app: it begins with a letter and has letters, digits and "
                "hyphens, 32 at most. For example: spleen-ct.",
                code=f"{what}_invalid",
            )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FlipError(
            f"{target} exists and is not an empty folder. Choose another name, or another folder with --dir.",
            code="folder_not_empty",
        )
    source = source_of(template)
    shutil.copytree(source, target, ignore=_NOT_COPIED, dirs_exist_ok=True)
    old = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
    for file in (target / "pyproject.toml", target / "README.md"):
        text = file.read_text(encoding="utf-8").partition(_OF_THE_REPOSITORY)[0]
        text = text.replace(old, name).replace('publisher = "flip"', f'publisher = "{publisher}"')
        file.write_text(text, encoding="utf-8")


def source_of(template: Template) -> Path:
    """The template's folder: inside the installed package; in a checkout, under templates/ or tutorials/ at its top."""
    package = Path(__file__).parents[2]
    checkout = package.parents[2]
    places = [package / "templates" / template, checkout / "templates" / template]
    if template in TUTORIALS:
        places.append(checkout / "tutorials" / TUTORIALS[template])
    for folder in places:
        if (folder / "pyproject.toml").is_file():
            return folder
    raise FlipError("The templates are not installed. Install flip-utils[cli] again.", code="templates_missing")
