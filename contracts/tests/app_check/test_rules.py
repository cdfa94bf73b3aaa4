"""Rules where the cases are many and small."""

import time

import pytest

from flip_contracts.app_check import check_app, check_overrides
from flip_contracts.app_check.flow import Flow, Reach
from flip_contracts.app_check.gitignore import Patterns
from flip_contracts.app_check.modules import parse_all

CALL = "flip.update_status(m, ModelStatus.RESULTS_UPLOADED)"


def reach(body: str) -> Reach:
    modules, _ = parse_all({"app.py": body.replace("CALL", CALL).encode()})
    module = modules["app"]
    assert module is not None
    return Flow(module).block(module.tree.body).reach


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("CALL", Reach.ALWAYS),
        ("if a:\n    CALL\nelse:\n    CALL", Reach.ALWAYS),
        ("if a:\n    CALL\nelse:\n    raise X", Reach.ALWAYS),
        ("if a:\n    return\nCALL", Reach.ALWAYS),
        ("if True:\n    CALL", Reach.ALWAYS),
        ("with a:\n    CALL", Reach.ALWAYS),
        ("try:\n    f()\nfinally:\n    CALL", Reach.ALWAYS),
        ("try:\n    return f()\nfinally:\n    CALL", Reach.ALWAYS),
        ("try:\n    CALL\nexcept X:\n    pass", Reach.ALWAYS),
        ("match a:\n    case 1:\n        CALL\n    case _:\n        CALL", Reach.ALWAYS),
        ("while True:\n    if a:\n        break\nCALL", Reach.ALWAYS),
        ("return CALL", Reach.ALWAYS),
        ("if a:\n    CALL", Reach.MAYBE),
        ("for a in b:\n    CALL", Reach.MAYBE),
        ("a and CALL", Reach.MAYBE),
        ("CALL if a else None", Reach.MAYBE),
        ("match a:\n    case 1:\n        CALL", Reach.MAYBE),
        ("try:\n    f()\nexcept X:\n    CALL", Reach.ON_FAILURE),
        ("try:\n    f()\nexcept X:\n    if a:\n        CALL", Reach.ON_FAILURE),
        ("return\nCALL", Reach.DEAD),
        ("if a:\n    return\nelse:\n    raise X\nCALL", Reach.DEAD),
        ("import sys\nsys.exit(0)\nCALL", Reach.DEAD),
        ("try:\n    return f()\nexcept X:\n    raise\nCALL", Reach.DEAD),
        ("while True:\n    f()\nCALL", Reach.DEAD),
        ("if False:\n    CALL", Reach.DEAD),
        ("if not 1:\n    CALL", Reach.DEAD),
        ("for a in b:\n    continue\n    CALL", Reach.DEAD),
        ("f()", Reach.NEVER),
    ],
)
def test_how_surely_the_last_status_is_reported(body: str, wanted: Reach) -> None:
    assert reach(body) is wanted


@pytest.mark.parametrize(
    ("lines", "path", "wanted"),
    [
        ("*.csv", "a/b.csv", True),
        ("*.csv", "a.csv/b.py", True),
        ("*.csv", "a.csvx", False),
        ("/data", "data/a.json", True),
        ("/data", "app/data/a.json", False),
        ("data/", "app/data/a.json", True),
        ("data/", "data", False),
        ("a/b", "x/a/b", False),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**", "a/x/y", True),
        ("**/a", "x/a/y", True),
        ("a?[bc].py", "axc.py", True),
        ("a[!b].py", "ab.py", False),
        ("# a", "a", False),
        ("\\#a", "#a", True),
        ("*.py\n!keep.py", "x/keep.py", False),
        ("!keep.py\n*.py", "keep.py", True),
    ],
)
def test_gitignore_patterns(lines: str, path: str, wanted: bool) -> None:
    assert Patterns.of(lines.splitlines()).match(path) is wanted


CONFIG = {"rounds": 3, "lr": 0.1, "on": True, "name": "x", "model": {"layers": 2}}


@pytest.mark.parametrize(
    ("overrides", "codes"),
    [
        ({}, []),
        ({"rounds": 1, "lr": 1, "on": False, "name": "y", "model.layers": 3}, []),
        ({"model": {"layers": 3}}, []),
        ({"round": 1}, ["run_config_key_undeclared"]),
        ({"layers": 3}, ["run_config_key_undeclared"]),
        ({"flip-model-id": "x", "flip-min-clients": 1}, ["run_config_key_reserved"] * 2),
        ({"rounds": "1"}, ["run_config_type_wrong"]),
        ({"rounds": 1.5}, ["run_config_type_wrong"]),
        ({"rounds": True}, ["run_config_type_wrong"]),
        ({"lr": float("nan")}, ["run_config_type_wrong"]),
        ({"name": "a\0b"}, ["run_config_type_wrong"]),
        ({"lr": [1]}, ["run_config_type_wrong"]),
    ],
)
def test_overrides(overrides: dict[str, object], codes: list[str]) -> None:
    assert [finding.code for finding in check_overrides(CONFIG, overrides)] == codes


def test_an_undeclared_override_names_the_nearest_key() -> None:
    (finding,) = check_overrides(CONFIG, {"round": 1})
    assert finding.remedy == "Did you mean rounds?"


@pytest.mark.parametrize(
    "code",
    [
        "x = " + "(" * 150 + "1" + ")" * 150,
        "x = " + "-" * 250 + "1",
        "x = " + " + ".join(["1"] * 5000),
        "if a: f()\n" + "elif a: f()\n" * 2000,
        "x" + ".y" * 5000,
        "f" + "()" * 3000,
        "def f(): return " + "lambda: " * 280 + "1",
        "a = b\n" * 10000,
        "".join(f"x{n} = x{n + 1}\n" for n in range(3000)) + "x0.load()\n",
        "password = '" + "a1" * 200000 + "'",
    ],
)
def test_strange_code_ends_soon_and_never_crashes(code: str) -> None:
    toml = b'[tool.flwr.app.components]\nserverapp = "a:app"\nclientapp = "a:app"\n'
    started = time.process_time()
    check_app({"pyproject.toml": toml, "a.py": (code + "\napp = 1\n").encode()}, 2)
    assert time.process_time() - started < 5
