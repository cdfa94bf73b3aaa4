"""`flip upload`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flip.cli.hub.app_folder import AppFolder, read_app
from flip.cli.hub.arguments import ModelArgument, ProjectOption
from flip.cli.hub.errors import HubProblem, Refused
from flip.cli.hub.findings import print_dropped, print_findings
from flip.cli.hub.lookup import find_model
from flip.cli.hub.output import clean, short, size
from flip.cli.hub.progress import bar
from flip.cli.hub.session import connect

if TYPE_CHECKING:
    from flip.cli.hub.client import Hub


def upload(
    model: ModelArgument,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The app's folder, with its pyproject.toml.")],
    project: ProjectOption = "",
    prune: Annotated[bool, typer.Option("--prune", help="Remove the model's files that are gone here.")] = False,
) -> None:
    """Check an app as the hub will, then send the files that changed. An app with errors is not sent."""
    app = read_app(path)
    with connect() as hub:
        target = find_model(hub, model, project)
        trusts = hub.project(target["project_id"])["trusts"]
        found = check(app, sum(t["decision"] == "APPROVED" for t in trusts))
        print_findings(found)
        print_dropped(app.dropped)
        if errors := sum(f["severity"] == "error" for f in found):
            raise Refused(f"The app has {_count(errors, 'error')}; nothing was uploaded.", code="app_check_failed")
        remote = {file["path"]: file["sha256"] for file in hub.files(target["id"])}
        changed = {p: c for p, c in app.kept.items() if remote.get(p) != hashlib.sha256(c).hexdigest()}
        _send(hub, target["id"], changed)
        gone = sorted(set(remote) - set(app.kept))
        for each in gone if prune else ():
            hub.delete_file(target["id"], each)
        verdict = hub.check(target["id"])

    sent = f"{_count(len(changed), 'file')} sent ({size(sum(map(len, changed.values())))})"
    removed = f", {len(gone)} removed" if gone and prune else ""
    print(f"{sent}, {len(app.kept) - len(changed)} unchanged{removed}.")
    if gone and not prune:
        print(clean(f"Still in the model, gone here: {', '.join(gone)}. `--prune` removes them."))
    if not verdict["ok"]:
        print_findings([f for f in verdict["findings"] if f["severity"] == "error"])
        raise Refused("The files are at the hub, but its own check has errors.", code="app_check_failed")
    print(f"The hub's check has no errors. Next: flip train {short(target['id'])} --watch")


def check(app: AppFolder, trust_count: int) -> list[dict[str, Any]]:
    """The hub's own rules. Files that stay behind are listed apart, by reason."""
    from flip_contracts.app_check import check_app

    present = app.kept | {path: b"" for path in app.dropped if not path.endswith("/")}
    found = [finding.model_dump(mode="json") for finding in check_app(present, trust_count)]
    return [finding for finding in found if finding["code"] != "file_dropped"]


def _send(hub: Hub, model_id: str, files: dict[str, bytes]) -> None:
    with bar("Uploading", sum(map(len, files.values()))) as advance:
        for path, content in files.items():
            try:
                hub.put_file(model_id, path, content)
            except HubProblem as error:
                error.args = (f"{path}: {error}",)
                raise
            advance(len(content))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
