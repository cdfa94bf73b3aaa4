"""The run config of a local run: defaults, overrides, FLIP's keys; what is refused, and how that is said."""

import uuid

import pytest

from flip.errors import FlipError
from flip.local_run.project import fused_config, parse_overrides, read_project

DECLARED = {"rounds": 3, "rate": 0.1, "note": "none", "shuffle": True, "optimiser.momentum": 0.9}


def test_nested_tables_become_dotted_keys(make_app) -> None:
    project = read_project(make_app())
    assert project.config["optimiser.momentum"] == 0.9
    assert (project.name, project.server, project.client) == ("small-app", "app.server_app:app", "app.client_app:app")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", {}),
        ('k=1 s="a b"', {"k": 1, "s": "a b"}),
        ("a.b=0.5 t=true s='x=y'", {"a.b": 0.5, "t": True, "s": "x=y"}),
        (r's="say \"yes\""', {"s": 'say "yes"'}),
        ("r=1e-4", {"r": 1e-4}),
    ],
)
def test_overrides_are_read_as_flower_reads_them(text, wanted) -> None:
    assert parse_overrides([text]) == wanted


@pytest.mark.parametrize("text", ["k", "k=", "s=hello", "k=1 junk", "k=[1]", "k=2020-01-01"])
def test_overrides_that_flower_would_not_understand_are_refused(text) -> None:
    with pytest.raises(FlipError) as raised:
        parse_overrides([text])
    assert raised.value.code == "run_config_invalid"


def test_flip_keys_are_injected_whether_declared_or_not() -> None:
    for declared in ({}, {"flip-model-id": "uuid", "flip-project-id": "uuid", "flip-cohort-query": "*"}):
        config = fused_config(declared, {}, 3)
        uuid.UUID(str(config["flip-model-id"]))
        uuid.UUID(str(config["flip-project-id"]))
        assert (config["flip-cohort-query"], config["flip-min-clients"]) == ("*", 3)
    assert fused_config({}, {"flip-model-id": "mine"}, 1)["flip-model-id"] == "mine"


def test_an_override_replaces_its_default_and_a_whole_number_stands_for_a_float() -> None:
    config = fused_config(DECLARED, {"rounds": 5, "rate": 1, "optimiser.momentum": 0.5}, 2)
    assert (config["rounds"], config["rate"], config["optimiser.momentum"], config["note"]) == (5, 1.0, 0.5, "none")
    assert type(config["rate"]) is float


def test_an_undeclared_key_is_refused_with_its_name_and_the_declared_ones() -> None:
    with pytest.raises(FlipError, match=r"nope.*Declared: note, optimiser\.momentum, rate, rounds, shuffle") as raised:
        fused_config(DECLARED, {"nope": 1, "rounds": 1}, 2)
    assert raised.value.code == "run_config_key_undeclared"
    assert raised.value.details["keys"] == ["nope"]


@pytest.mark.parametrize(
    ("key", "value"), [("rounds", "3"), ("rounds", 2.5), ("rounds", True), ("rate", "x"), ("note", 5), ("shuffle", 1)]
)
def test_a_value_of_another_type_is_refused(key, value) -> None:
    with pytest.raises(FlipError, match=rf"--run-config sets {key}") as raised:
        fused_config(DECLARED, {key: value}, 2)
    assert raised.value.code == "run_config_type_invalid"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text.replace("[project]", "[project"), "pyproject_unparsable"),
        (lambda text: text.replace("app.client_app:app", "app.client_app"), "component_invalid"),
        (lambda text: text.replace('clientapp = "app.client_app:app"', ""), "component_invalid"),
        (lambda text: text.replace("0.1", "[0.1, 0.2]"), "config_not_scalar"),
    ],
)
def test_a_pyproject_that_cannot_run_is_refused(make_app, change, code) -> None:
    app = make_app()
    file = app / "pyproject.toml"
    file.write_text(change(file.read_text()))
    with pytest.raises(FlipError) as raised:
        read_project(app)
    assert raised.value.code == code


def test_a_folder_without_pyproject_is_refused(tmp_path) -> None:
    with pytest.raises(FlipError, match="flip app new") as raised:
        read_project(tmp_path)
    assert raised.value.code == "pyproject_missing"
