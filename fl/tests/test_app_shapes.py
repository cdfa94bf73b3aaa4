"""Apps of other shapes than one strategy in `main`: Flower's quickstarts, queries, its older API, a kept process."""

import json

import pytest

pytestmark = pytest.mark.slow
TRUSTS = ["alpha", "beta"]


def run(net, archive: bytes, **run_config) -> tuple[dict, list[str]]:
    _, finished, events = net.run(TRUSTS, archive, **run_config)
    lines = [line for e in events if e["kind"] == "log" for line in e["payload"]["lines"]]
    assert finished["outcome"] == "succeeded", (finished, lines[-30:])
    return finished, lines


def told(lines: list[str], word: str) -> list[list[str]]:
    return [line.split() for line in lines if line.startswith(f"{word} ")]


@pytest.mark.parametrize("name", ["torch_app", "sklearn_app"])
def test_a_quickstart_trains_evaluates_and_gets_better_than_chance(net, app_zip, name):
    finished, lines = run(net, app_zip(name))
    assert finished["train_results"] == 4
    assert finished["reason"] == "completed"
    ((_, accuracy),) = told(lines, "ACCURACY")
    assert float(accuracy) > 0.6


def test_messages_of_every_kind_start_afresh_and_share_only_their_context(net, app_zip):
    finished, lines = run(net, app_zip("flower_api_app"))
    assert finished["train_results"] == 4
    assert any("LIFESPAN ends" in line for line in lines)
    trained = {int(r): json.loads(" ".join(rest)) for _, r, *rest in told(lines, "TRAIN")}
    evaluated = {int(r): json.loads(" ".join(rest)) for _, r, *rest in told(lines, "EVALUATE")}
    answers = [(kind, json.loads(" ".join(rest))) for _, kind, *rest in told(lines, "ANSWER")]
    assert [trained[1]["messages"], evaluated[1]["messages"], trained[2]["messages"], evaluated[2]["messages"]] == [
        *(1, 2, 3, 4)
    ]
    queried = [found for kind, found in answers if kind == "query"]
    assert [found["messages"] for found in queried] == [5, 5]
    for found in (*trained.values(), *evaluated.values(), *queried):
        assert found["calls"] == 1
        assert found["inside"] == 1
        assert {found[k] for k in ("secrets", "left-in-cwd", "left-in-home", "left-in-tmp", "left-in-environment")} == {
            0
        }
    assert sorted(found["length"] for kind, found in answers if kind == "query.name") == [4, 5]


def test_an_app_that_only_asks_has_results(net, app_zip):
    finished, lines = run(net, app_zip("flower_api_app"), train=False)
    assert len(told(lines, "ANSWER")) == finished["train_results"] == 4


def test_an_app_of_flowers_older_api_has_results(net, app_zip):
    finished, _ = run(net, app_zip("legacy_app"))
    assert finished["train_results"] > 0


def test_a_kept_process_keeps_its_modules_where_the_app_asks_for_it(net, app_zip):
    _, lines = run(net, app_zip("kept_app"))
    counts = [json.loads(" ".join(rest))["calls"] for _, _, *rest in told(lines, "TRAIN")]
    assert counts == [1, 2, 3]
