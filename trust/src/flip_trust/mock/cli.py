"""`flip-trust mock`: made-up data for whoever develops an app for a project."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from flip_contracts.sql_guard import SqlRefused
from flip_trust.errors import TrustError
from flip_trust.mock.images import shared_geometries
from flip_trust.mock.service import MAX_STUDIES, question, write_mock
from flip_trust.sql.engine import EngineFailed


def command(
    project: Annotated[UUID, typer.Option(help="An approved project.")],
    out: Annotated[Path, typer.Option(help="A new folder.")],
    studies: Annotated[
        int, typer.Option(min=1, max=MAX_STUDIES, help="Rows, and studies where there are images.")
    ] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Another one gives other data.")] = 1,
) -> None:
    """Make a cohort that looks like a project's, out of aggregates that may leave. It works as DEV_DATAFRAME."""
    from flip_trust.terminal import fail, opened

    agent = opened()
    try:
        approved = agent.approvals.valid(project)
        cohort = agent.store.cohort(project)
        columns = cohort.columns if cohort else []
        asked = question(project, approved.review.sql)
        told = agent.disclosure.answer(asked, agent.engine.check(asked.sql))
        geometries = shared_geometries(
            agent.images.ready(project), agent.owners(project), agent.policy, agent.rounding_key(), str(project)
        )
        made = write_mock(out, columns, told, geometries, studies=studies, seed=seed)
    except TrustError as error:
        raise fail(error.code, error.public) from None
    except (SqlRefused, EngineFailed) as failure:
        raise fail(failure.code, failure.message) from None
    typer.echo(
        f"{made.studies} made-up rows are in the folder. README.md says how to use them. Look before you hand it out."
    )
