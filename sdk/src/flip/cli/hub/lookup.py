"""Projects, models and runs by id, by the start of an id (four characters or more), or by exact name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from flip.cli.hub.errors import Ambiguous, HubProblem, Refused, Unknown
from flip.cli.hub.output import day, short
from flip.cli.hub.records import ENDED, ListedModel, Model, Project, Run

if TYPE_CHECKING:
    from flip.cli.hub.client import Hub

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MIN_PREFIX = 4
T = TypeVar("T", Project, ListedModel, Model, Run)


def choose(kind: str, wanted: str, candidates: Sequence[T], name: Callable[[T], str], where: str) -> T:
    """The one candidate that is meant. `name` describes a candidate; `where` tells how to list them."""
    prefix = wanted.lower()
    found = [
        c for c in candidates if (len(prefix) >= MIN_PREFIX and c["id"].startswith(prefix)) or c.get("name") == wanted
    ]
    if not found:
        hint = f" The start of an id needs {MIN_PREFIX} characters." if len(wanted) < MIN_PREFIX else ""
        raise Unknown(f"You see no {kind} `{wanted}`. {where} lists them.{hint}")
    if len(found) > 1:
        listed = "\n".join(f"  {c['id']}  {name(c)}" for c in found)
        raise Ambiguous(f"`{wanted}` may be any of these; name one by its id:\n{listed}")
    return found[0]


def find_project(hub: Hub, wanted: str) -> Project:
    return choose("project", wanted, hub.projects(), lambda p: p["name"], "`flip projects`")


def find_model(hub: Hub, wanted: str, project: str = "") -> Model:
    """A full id costs one request; anything else looks through the models of `project`, or of every project."""
    if UUID.fullmatch(wanted.lower()) and not project:
        try:
            return hub.model(wanted.lower())
        except HubProblem as error:
            if error.status != 404:
                raise
            raise Unknown(f"You see no model `{wanted}`. `flip models PROJECT` lists them.") from error
    listed = "`flip models PROJECT`"
    if project:
        return choose("model", wanted, hub.models(find_project(hub, project)["id"]), lambda m: m["name"], listed)
    found = choose("model", wanted, hub.all_models(), lambda m: f"{m['name']}, in {m['project']}", listed)
    return hub.model(found["id"])


def find_run(hub: Hub, model: Model, wanted: str = "") -> Run:
    """The run that is meant, or the model's newest."""
    runs = hub.runs(model["id"])
    if not runs:
        raise Refused(
            f"`{model['name']}` has not been trained yet. Run `flip train {short(model['id'])}`.", code="no_run"
        )
    if not wanted:
        return runs[0]
    listed = f"The runs of `{model['name']}` are " + ", ".join(short(r["id"]) for r in runs) + "; this"
    return choose("run", wanted, runs, lambda r: f"{r['state']}, from {day(r['created_at'])}", listed)


def active_run(hub: Hub, model: Model) -> Run:
    for run in hub.runs(model["id"]):
        if run["state"] not in ENDED:
            return run
    raise Refused(f"No run of `{model['name']}` is queued or running.", code="no_active_run")
