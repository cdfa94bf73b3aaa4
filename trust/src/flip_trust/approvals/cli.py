"""`flip-trust projects | show | approve | renew | decline | withdraw`."""

import dataclasses
import json
from typing import Annotated, Any
from uuid import UUID

import typer

from flip_trust.approvals.reading import ProjectDetails, ProjectSummary
from flip_trust.terminal import By, Json, opened, told

Conditions = Annotated[str, typer.Option(help="What the researcher has to keep to. They see it.")]
Days = Annotated[int | None, typer.Option(help="The approval ends after so many days.")]
Id = Annotated[UUID, typer.Argument(help="As `flip-trust projects` lists it.")]


def register(app: typer.Typer) -> None:
    for command in (projects, show, approve, renew, decline, withdraw):
        app.command()(command)


def projects(as_json: Json = False) -> None:
    """Projects that ask this trust, and what it has decided."""
    with told():
        found = opened().projects.projects()
    if as_json:
        typer.echo(json.dumps([_summary(p) for p in found], indent=1, default=str))
        return
    for project in found:
        runs = f"  {project.open_runs} run(s) on" if project.open_runs else ""
        code = f"  {project.code_waiting} app(s) to review" if project.code_waiting else ""
        typer.echo(f"{project.project_id}  {project.standing:<10} {project.name} ({project.owner}){runs}{code}")
    if not found:
        typer.echo("No project asks this trust.")


def show(project_id: Id, as_json: Json = False) -> None:
    """All there is to know before you decide, with the cohort's exact size here, which does not leave."""
    with told():
        details = opened().projects.project(project_id)
    if as_json:
        typer.echo(json.dumps(_details(details), indent=1, default=str))
        return
    summary = details.summary
    typer.echo(f"{summary.name}, of {summary.owner}\nid: {summary.project_id}\nstanding: {summary.standing}")
    if summary.decided_by:
        typer.echo(f"decided: by {summary.decided_by} on {summary.decided_at:%Y-%m-%d}")
    if details.conditions:
        typer.echo(f"conditions: {details.conditions}")
    if summary.expires_at:
        typer.echo(f"ends: {summary.expires_at:%Y-%m-%d %H:%M} UTC")
    typer.echo(f"purpose: {details.purpose}")
    typer.echo(f"images: {_images(details)}")
    if details.series_rule:
        typer.echo(f"image series: {json.dumps(details.series_rule)}")
    typer.echo(f"columns that apps get: {', '.join(details.columns) or 'not known'}")
    typer.echo("\nThe query in words:")
    for line in details.words:
        typer.echo(f"  {line}")
    typer.echo("\nThe query:")
    for line in details.sql.splitlines():
        typer.echo(f"  {line}")
    if details.size is not None:
        size = f"{details.size.persons} persons, {details.size.accessions} accessions"
        typer.echo(f"\nhere (exact, stays here): {size}")
    else:
        typer.echo(f"\nhere: its size is not known: {details.why_no_size}")
    if details.frozen is not None:
        frozen, intact = (
            details.frozen,
            "" if details.frozen.intact else "  NOT AS APPROVED: withdraw and approve again",
        )
        typer.echo(f"frozen at approval: {frozen.rows} rows, {frozen.accessions} accessions{intact}")
    for review in details.code:
        typer.echo(f"app: {review.model_name} {review.fab_sha256[:12]} {review.decision}")


def _images(details: ProjectDetails) -> str:
    if not details.summary.imaging:
        return "none"
    return "of each accession, as NIfTI" if details.dicom_to_nifti else "of each accession, as DICOM"


def _summary(summary: ProjectSummary) -> dict[str, Any]:
    told = dataclasses.asdict(summary)
    return {"id": told.pop("project_id"), **told, "decision": summary.standing}


def _details(details: ProjectDetails) -> dict[str, Any]:
    told = {**dataclasses.asdict(details), **_summary(details.summary)}
    told["history"] = [
        {**past.decision.model_dump(mode="json"), "persons": past.persons, "at_hub": past.at_hub}
        for past in details.history
    ]
    told.pop("summary")
    return told


def approve(project_id: Id, by: By, conditions: Conditions = "", expires_days: Days = None) -> None:
    """Say yes to exactly this project and query; the cohort is frozen now."""
    with told():
        opened().approvals.approve(project_id, conditions, expires_days, by)
    typer.echo("Approved. The cohort is frozen; the agent tells the hub and prepares the images.")


def renew(
    project_id: Id,
    by: By,
    conditions: Annotated[str | None, typer.Option(help="New ones; without this they stay as they are.")] = None,
    expires_days: Days = None,
) -> None:
    """Approve the same frozen cohort for longer, also after the approval has expired."""
    with told():
        opened().approvals.renew(project_id, conditions, expires_days, by)
    typer.echo("Renewed. The cohort is the one that was frozen.")


def decline(project_id: Id, by: By) -> None:
    """Say no."""
    with told():
        opened().approvals.decline(project_id, by)
    typer.echo("Declined.")


def withdraw(project_id: Id, by: By) -> None:
    """Take an approval back: runs of the project end here at once."""
    with told():
        opened().approvals.withdraw(project_id, by)
    typer.echo("Withdrawn. Runs of this project end here at once.")
