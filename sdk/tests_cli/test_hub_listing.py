"""Listing and naming projects and models."""

from uuid import uuid4

import pytest
from sdk.tests_cli.hub_fixtures import Shell, Story, TestHub, flip, hub, story  # noqa: F401  fixtures

from flip.cli.hub.errors import Ambiguous, Unknown
from flip.cli.hub.lookup import choose

# ruff: noqa: F811  pytest hands fixtures over by name


def test_projects_shows_status_type_and_what_each_trust_said(story: Story):
    (line,) = [line for line in story.flip("projects").out.splitlines() if story.project in line]
    assert line.split(story.project)[1].split() == [
        *("APPROVED", "imaging"),
        *("trust-alpha", "approved,", "trust-beta", "approved"),
    ]
    (found,) = [p for p in story.flip("projects", "--json").json if p["name"] == story.project]
    assert line.startswith(found["id"][:8])
    assert [t["decision"] for t in found["trusts"]] == ["APPROVED", "APPROVED"]


def test_a_project_without_approval_is_listed_and_takes_no_model(hub: TestHub, flip: Shell):
    name = f"New {uuid4()}"
    hub.do("project", name=name, approved=False)
    flip.logged_in(hub.url)
    assert "UNSTAGED" in flip("projects").out
    said = flip("models", name, "--create", "M")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("flip: No trust has approved this project yet. [project_not_approved] (request ")
    assert said.err.count("\n") == 1


def test_models_makes_and_lists(story: Story):
    made = story.flip("models", story.project, "--create", "Second", "--description", "x", "--json").json
    assert (made["name"], made["description"], made["status"]) == ("Second", "x", "PENDING")
    assert [m["name"] for m in story.flip("models", story.project, "--json").json] == [story.model, "Second"]
    table = story.flip("models", made["project_id"][:8]).out
    assert f"{made['id'][:8]}  Second" in table


def test_a_name_that_two_models_have_lists_both(story: Story):
    other = f"Other {uuid4()}"
    story.hub.do("project", name=other)
    ids = [story.flip("models", p, "--create", "Twin", "--json").json["id"] for p in (story.project, other)]
    said = story.flip("watch", "Twin", "--project", story.project)
    assert "[no_run]" in said.err  # one is left inside the project, and it has not been trained
    said = story.flip("watch", "Twin")
    assert said.code == 1
    assert "[ambiguous]" in said.err
    for identifier, project in zip(ids, (story.project, other), strict=True):
        assert f"  {identifier}  Twin, in {project}" in said.err


@pytest.mark.parametrize("wanted", ["no such", "", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_name_says_how_to_list(story: Story, wanted: str):
    said = story.flip("logs", wanted)
    assert (said.code, said.out) == (1, "")
    assert "[not_found]" in said.err
    assert "`flip models PROJECT`" in said.err


ITEMS = [
    {"id": "abcd1111-0000-0000-0000-000000000000", "name": "one"},
    {"id": "abcd2222-0000-0000-0000-000000000000", "name": "two"},
    {"id": "ffff0000-0000-0000-0000-000000000000", "name": "abcd1"},
    {"id": "eeee0000-0000-0000-0000-000000000000", "name": "two"},
]


def named(wanted: str) -> str:
    return choose("thing", wanted, ITEMS, lambda c: c["name"], "`list`")["id"]  # type: ignore[type-var]


@pytest.mark.parametrize(("wanted", "found"), [("one", 0), ("abcd2", 1), ("ABCD2222", 1), ("ffff", 2), ("eeee0000", 3)])
def test_names_and_starts_of_ids_name_one(wanted: str, found: int):
    assert named(wanted) == ITEMS[found]["id"]


@pytest.mark.parametrize("wanted", ["abcd", "two", "abcd1"])
def test_what_may_be_two_things_is_refused(wanted: str):
    with pytest.raises(Ambiguous):
        named(wanted)


@pytest.mark.parametrize("wanted", ["fff", "On", "ONE", "abcd3"])
def test_what_is_nothing_is_refused(wanted: str):
    with pytest.raises(Unknown):
        named(wanted)


def test_a_name_cannot_steer_the_terminal(hub: TestHub, flip: Shell):
    hub.do("project", name=f"Evil \x9b31m {uuid4()}", approved=False)
    flip.logged_in(hub.url)
    assert "Evil \ufffd31m" in flip("projects").out
