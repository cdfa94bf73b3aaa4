"""`flip results`."""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from flip.cli.hub.arguments import ModelArgument, ProjectOption, RunOption
from flip.cli.hub.errors import HubProblem, HubUnavailable, Refused
from flip.cli.hub.lookup import find_model, find_run
from flip.cli.hub.output import day, note, print_table, short, size
from flip.cli.hub.progress import bar
from flip.cli.hub.records import Model
from flip.cli.hub.session import connect
from flip.errors import FlipError

if TYPE_CHECKING:
    from flip.cli.hub.client import Hub

TRIES: Final = 5  # in a row without a further byte


class ResultsDamaged(FlipError):
    """What arrived is not what the hub has."""

    default_code = "results_damaged"


def results(
    model: ModelArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; a file or a folder.")
    ] = None,
    project: ProjectOption = "",
    run: RunOption = "",
    list_them: Annotated[bool, typer.Option("--list", help="List what the model's runs left behind.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Download the results of the newest run: model, history and what the ServerApp wrote, as a zip."""
    with connect() as hub:
        target = find_model(hub, model, project)
        if list_them:
            found = hub.results_of(target["id"])
            rows = ((short(r["run_id"]), r["state"], size(r["size_bytes"]), day(r["stored_at"])) for r in found)
            return print_table(("RUN", "STATE", "SIZE", "STORED"), rows)
        wanted = find_run(hub, target, run)["id"]
        file = _file(output, target, wanted)
        if file.exists() and not force:
            raise Refused(f"{file} exists. `--force` replaces it, `-o FILE` names another.", code="file_exists")
        count = download(hub, wanted, file)
    print(f"{file}  ({size(count)}, run {short(wanted)})")


def download(hub: Hub, run_id: str, file: Path) -> int:
    """Stream to `FILE.<run>.part`, go on where an earlier try ended, compare the SHA-256, rename. Returns the bytes."""
    part = file.with_name(f"{file.name}.{short(run_id)}.part")
    failures = 0
    while True:
        before = _length(part)
        try:
            expected = _fetch(hub, run_id, part)
            break
        except HubUnavailable as error:
            failures = 1 if _length(part) > before else failures + 1
            if failures >= TRIES:
                kept = f" {size(_length(part))} are kept in {part}; the same command goes on from there."
                raise HubUnavailable(f"{error}{kept if part.exists() else ''}") from error
            time.sleep(0.5 * failures)
        except HubProblem as error:
            if error.status != 416:
                raise
            part.unlink()  # longer than the results, or whole already: start again
    with part.open("rb") as source:
        found = hashlib.file_digest(source, "sha256").hexdigest()
    if expected and found != expected:
        part.unlink()
        raise ResultsDamaged(
            "What arrived differs from what the hub has (SHA-256). It was removed; run the command again."
        )
    os.replace(part, file)
    return file.stat().st_size


def _fetch(hub: Hub, run_id: str, part: Path) -> str:
    """One try; returns the SHA-256 that the hub gives."""
    have = _length(part)
    with hub.results(run_id, have) as stream:
        if stream.offset:
            note(f"Going on at {size(stream.offset)} of {size(stream.total)}.")
        with (
            part.open("r+b" if stream.offset else "wb") as sink,
            bar("Results", stream.total, stream.offset) as advance,
        ):
            sink.seek(stream.offset)
            for chunk in stream.chunks:
                sink.write(chunk)
                advance(len(chunk))
    return stream.sha256


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _file(output: Path | None, model: Model, run_id: str) -> Path:
    name = re.sub(r"[^A-Za-z0-9]+", "-", model["name"]).strip("-").lower() or "model"
    default = f"{name}-{short(run_id)}.zip"
    if output is None:
        return Path(default)
    return output / default if output.is_dir() else output
