"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

ProjectArgument = Annotated[
    str, typer.Argument(metavar="PROJECT", help="Name, id, or the first four or more characters of the id.")
]
ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="Name, id, or the first four or more characters of the id.")
]
ProjectOption = Annotated[
    str, typer.Option("--project", "-p", metavar="PROJECT", help="Look for MODEL in this project only.")
]
RunOption = Annotated[str, typer.Option("--run", metavar="RUN", help="An earlier run, by its id. Default: the newest.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, as the hub answers it.")]
