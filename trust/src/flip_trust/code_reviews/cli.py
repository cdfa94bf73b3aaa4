"""`flip-trust code list | show | approve | decline`."""

from typing import Annotated

import typer

from flip_trust.terminal import By, fail, opened, told

code = typer.Typer(
    help="Apps that wait for a review here, where the policy says `code: review: manual`.", no_args_is_help=True
)
Hash = Annotated[str, typer.Argument(help="The bundle's SHA-256, or its first characters (at least 8).")]


@code.command("list")
def list_code() -> None:
    """Apps that were given for review, the newest first."""
    with told():
        found = opened().code.reviews()
    for review in found:
        by = (
            f" by {', '.join(review.approved_by) or review.declined_by}"
            if review.approved_by or review.declined_by
            else ""
        )
        typer.echo(
            f"{review.fab_sha256[:16]}  {review.decision:<8}{by}  {review.model_name} (project {review.project_id})"
        )
    if not found:
        typer.echo("No app was given for review.")


@code.command("show")
def show_code(
    sha256: Hash,
    file: Annotated[str, typer.Option(help="Print this file of the app instead.")] = "",
    all_files: Annotated[bool, typer.Option("--files", help="Print every file instead of the diff.")] = False,
) -> None:
    """Its files, what the app check says, and the diff since the last approved app of the model."""
    with told():
        agent = opened()
        review = agent.code.find(sha256)
        app = agent.code.app(review.project_id, review.fab_sha256)
    if file:
        if file not in app.files:
            raise fail("code_unknown", "The app has no such file.")
        typer.echo(app.files[file].decode("utf-8", "replace"))
        return
    typer.echo(f"{review.model_name}  {review.fab_sha256}\n{review.decision}, {review.wanted} reviewer(s) wanted")
    for path, content in app.files.items():
        typer.echo(f"  {len(content):>8}  {path}")
    if review.staged:
        typer.echo("Beside the bundle; a decision holds for exactly these:")
    for beside in review.staged:
        typer.echo(f"  {beside.size_bytes:>8}  {beside.path}  {beside.sha256}")
    for finding in app.findings:
        place = f"{finding.file or ''}{f':{finding.line}' if finding.line else ''}"
        typer.echo(f"{finding.severity}  {finding.code}  {place}  {finding.message}")
    if all_files:
        for path, content in app.files.items():
            typer.echo(f"\n=== {path}\n{content.decode('utf-8', 'replace')}")
        return
    typer.echo(
        f"\nSince {app.before_sha256[:16]}:" if app.before_sha256 else "\nNo app of this project was approved before:"
    )
    for line in app.diff:
        typer.echo(line)


@code.command("approve")
def approve_code(sha256: Hash, by: By) -> None:
    """This very bundle may run here."""
    with told():
        code_reviews = opened().code
        review = code_reviews.find(sha256)
        now = code_reviews.approve(review.project_id, review.fab_sha256, by)
    waiting = now.wanted - len(now.approved_by)
    typer.echo(
        f"Approved by you; {waiting} more reviewer has to." if waiting > 0 else "Approved. A run of it may join now."
    )


@code.command("decline")
def decline_code(sha256: Hash, by: By) -> None:
    """It may not run here, or not any more: a run of it ends here at once."""
    with told():
        code_reviews = opened().code
        review = code_reviews.find(sha256)
        code_reviews.decline(review.project_id, review.fab_sha256, by)
    typer.echo("Declined.")
