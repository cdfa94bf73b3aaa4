"""`flip upload`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flip.cli.hub.arguments import ModelArgument, ProjectOption
from flip.cli.hub.errors import HubProblem, Refused
from flip.cli.hub.findings import print_findings, print_left_out
from flip.cli.hub.large_files import outside, send_large
from flip.cli.hub.lookup import find_model
from flip.cli.hub.output import clean, short, size
from flip.cli.hub.progress import bar
from flip.cli.hub.session import connect

if TYPE_CHECKING:
    from flip.cli.hub.client import Hub
    from flip_contracts.app_check import AppFolder


def upload(
    model: ModelArgument,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The app's folder, with its pyproject.toml.")],
    project: ProjectOption = "",
    prune: Annotated[bool, typer.Option("--prune", help="Remove the model's files that are gone here.")] = False,
) -> None:
    """Check an app as the hub will, then send the files that changed. An app with errors is not sent."""
    app = _read(path)
    large = outside(app, path)
    with connect() as hub:
        target = find_model(hub, model, project)
        trusts = hub.project(target["project_id"])["trusts"]
        _check(app, path, sum(t["decision"] == "APPROVED" for t in trusts), {one.path for one in large})
        files = taken(app)
        remote = {file["path"]: file["sha256"] for file in hub.files(target["id"]) if file["state"] == "READY"}
        changed = {p: c for p, c in files.items() if remote.get(p) != hashlib.sha256(c).hexdigest()}
        changed_large = [one for one in large if remote.get(one.path) != one.sha256]
        gone = sorted(set(remote) - set(files) - {one.path for one in large})
        _send(hub, target["id"], changed)
        send_large(hub, target["id"], changed_large)
        for each in gone if prune else ():
            hub.delete_file(target["id"], each)
        verdict = hub.check(target["id"])

    count = sum(map(len, changed.values())) + sum(one.size for one in changed_large)
    sent = f"{_count(len(changed) + len(changed_large), 'file')} sent ({size(count)})"
    unchanged = len(files) + len(large) - len(changed) - len(changed_large)
    removed = f", {len(gone)} removed" if gone and prune else ""
    print(f"{sent}, {unchanged} unchanged{removed}.")
    if gone and not prune:
        print(clean(f"Still in the model, gone here: {', '.join(gone)}. `--prune` removes them."))
    if not verdict["ok"]:
        print_findings([f for f in verdict["findings"] if f["severity"] == "error"], target["name"])
        raise Refused("The files are at the hub, but its own check has errors.", code="app_check_failed")
    print(f"The hub's check has no errors. Next: flip train {short(target['id'])} --watch")


def taken(app: AppFolder) -> dict[str, bytes]:
    """The files that Flower's bundle would hold."""
    left = {each.path for each in app.left_out}
    folders = tuple(path for path in left if path.endswith("/"))
    # .gitignore is read for the check, and has done its work with that
    return {p: c for p, c in app.files.items() if p not in left and not p.startswith(folders) and p != ".gitignore"}


def _read(path: Path) -> AppFolder:
    from flip_contracts.app_check import read_folder

    try:
        return read_folder(path)
    except NotADirectoryError:
        raise Refused(
            f"{path} is not a folder. Give the folder that holds pyproject.toml.", code="not_a_folder"
        ) from None
    except FileNotFoundError:
        words = f"There is no pyproject.toml in {path}. Give the app's folder; `flip app new NAME` makes one."
        raise Refused(words, code="pyproject_missing") from None


def _check(app: AppFolder, path: Path, trust_count: int, outside_bundle: set[str]) -> None:
    """The hub's own rules, before a byte is sent."""
    from flip_contracts.app_check import check_app, in_order

    findings = in_order([*app.findings, *check_app(app.files, trust_count)])
    print_findings([finding.model_dump(mode="json") for finding in findings], str(path))
    print_left_out(app.left_out, {finding.file for finding in findings if finding.file} | outside_bundle)
    if errors := sum(finding.severity == "error" for finding in findings):
        raise Refused(f"The app has {_count(errors, 'error')}; nothing was uploaded.", code="app_check_failed")


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
