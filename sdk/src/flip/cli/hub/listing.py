"""`flip projects` and `flip models`."""

from __future__ import annotations

from typing import Annotated

import typer

from flip.cli.hub.arguments import JsonOption, ProjectArgument
from flip.cli.hub.lookup import find_project
from flip.cli.hub.output import clean, day, note, one_line, print_json, print_table, short
from flip.cli.hub.session import connect


def projects(as_json: JsonOption = False) -> None:
    """List the projects that you are a member of, with each trust's decision."""
    with connect() as hub:
        found = hub.projects()
    if as_json:
        print_json(found)
        return
    if not found:
        note("You are a member of no project yet. Projects are made on the hub's page.")
    rows = (
        (
            short(project["id"]),
            project["name"],
            project["status"],
            project["kind"],
            ", ".join(f"{t['trust']} {t['decision'].lower()}" for t in project["trusts"]),
        )
        for project in found
    )
    print_table(("ID", "NAME", "STATUS", "TYPE", "TRUSTS"), rows)


def models(
    project: ProjectArgument,
    create: Annotated[str, typer.Option("--create", metavar="NAME", help="Make a model of this name.")] = "",
    description: Annotated[str, typer.Option("--description", help="With --create: what it is, in a sentence.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List the models of a project, or make one."""
    with connect() as hub:
        parent = find_project(hub, project)
        if create:
            made = hub.create_model(parent["id"], create, description)
            if as_json:
                print_json(made)
            else:
                print(clean(f"Made model {short(made['id'])} `{made['name']}` in {parent['name']}."))
            return
        found = hub.models(parent["id"])
    if as_json:
        print_json(found)
        return
    if not found:
        note(f"{parent['name']} has no model yet. `flip models {short(parent['id'])} --create NAME` makes one.")
    rows = (
        (short(m["id"]), m["name"], m["status"], day(m["created_at"]), one_line(m["status_reason"])[:80]) for m in found
    )
    print_table(("ID", "NAME", "STATUS", "CREATED", "REASON"), rows)
