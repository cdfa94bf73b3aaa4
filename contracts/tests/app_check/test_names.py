"""What a name stands for, in the ways that Python binds one."""

import ast

import pytest

from flip_contracts.app_check.names import Names, uses


def used(code: str) -> list[str]:
    tree = ast.parse(code)
    return [use.name for use in uses(tree, Names(tree, "app")) if not use.name.startswith("builtins.print")]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import torch as t\nt.load(x)", "torch.load"),
        ("import os.path\nos.system(x)", "os.system"),
        ("from pickle import loads as l\nl(b)", "pickle.loads"),
        ("from . import models\nmodels.get()", "app.models.get"),
        ("import pickle\nread = pickle.loads\nread(b)", "pickle.loads"),
        ("import pickle as a\nb = a\nc = b\nc.loads(x)", "pickle.loads"),
        ("import requests\ns = requests.Session()\ns.get(u)", "requests.Session().get"),
        ("import requests\nwith requests.Session() as s:\n    s.get(u)", "requests.Session().get"),
        ("def f():\n    import pickle\n    pickle.loads(b)", "pickle.loads"),
        ("import pickle\nclass A:\n    pickle = 1\n    def f(self):\n        pickle.loads(b)", "pickle.loads"),
        ("try:\n    import pickle5 as pickle\nexcept ImportError:\n    import pickle\npickle.loads(b)", "pickle.loads"),
        ("import pickle\nif (p := pickle):\n    p.loads(b)", "pickle.loads"),
        ("import pickle\nf = lambda b: pickle.loads(b)", "pickle.loads"),
        ("import pickle\n@pickle.loads\ndef f(): ...", "pickle.loads"),
        ("import pickle\ndef f(x=pickle.loads(b)): ...", "pickle.loads"),
        ("eval(x)", "builtins.eval"),
    ],
)
def test_a_name_is_followed_to_where_it_comes_from(code: str, name: str) -> None:
    assert name in used(code)


@pytest.mark.parametrize(
    "code",
    [
        "# import pickle; pickle.loads(b)",
        "'''import pickle\npickle.loads(b)'''",
        "def f(pickle):\n    pickle.loads(b)",
        "import pickle\ndef f(pickle):\n    pickle.loads(b)",
        "import pickle\nf = lambda pickle: pickle.loads(b)",
        "import pickle\n[pickle.loads(b) for pickle in many]",
        "from pickle import loads\ndef loads(b): ...\nloads(b)",
        "import pickle\ndef f():\n    for pickle in x:\n        pickle.loads(b)",
        "import pickle\ndef f():\n    pickle, y = x\n    pickle.loads(b)",
        "import pickle\nx: pickle.loads = 1\ndef f(a: pickle.loads) -> pickle.loads: ...",
        "import pickle\ntry: ...\nexcept pickle.loads: ...",
        "a = b\nb = a\na.loads(x)",
        "read = pickle.loads if x else json.loads\nread(b)",
        "self.pickle.loads(b)",
    ],
)
def test_another_thing_of_the_same_name_is_not_meant(code: str) -> None:
    assert "pickle.loads" not in used(code)
