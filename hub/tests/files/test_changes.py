"""The difference that a reviewer is shown: since the app last ran at that trust, without what the platform adds."""

from uuid import UUID

from hub.tests.conftest import Hub
from hub.tests.runs.test_story import join


def _changes(hub: Hub, model: dict, trust: str = "alpha") -> dict:
    return hub.researcher.get(f"models/{model['id']}/changes?trust={trust}")


def _put(hub: Hub, model: dict, path: str, content: bytes) -> None:
    response = hub.researcher.call("PUT", f"models/{model['id']}/files/{path}", content=content)
    assert response.status_code == 200, response.text


def test_what_ran_is_the_same_until_a_file_changes_comes_or_goes(hub):
    alpha = hub.trust("alpha")
    model = hub.model(hub.approved_project(alpha))
    assert _changes(hub, model)["since"] is None
    assert {file["change"] for file in _changes(hub, model)["files"]} == {"added"}

    run = hub.researcher.post(f"models/{model['id']}/runs")
    hub.settle()
    join(hub, UUID(run["id"]), alpha)
    hub.fl.finish(UUID(run["id"]), results={"model.safetensors": b"tensors"})
    hub.settle()
    same = _changes(hub, model)
    assert same["since"]["run_id"] == run["id"]
    assert same["files"] == []
    assert _changes(hub, model, "beta")["since"] is None

    project = hub.researcher.call("GET", f"models/{model['id']}/files/pyproject.toml").content
    _put(
        hub,
        model,
        "pyproject.toml",
        b"# a comment\n" + project.replace(b"num-server-rounds = 2", b"num-server-rounds = 9"),
    )
    _put(hub, model, "app/extra.py", b"x = 1\n")
    hub.researcher.call("DELETE", f"models/{model['id']}/files/app/server_app.py")
    changed = {file["path"]: file for file in _changes(hub, model)["files"]}
    assert {path: file["change"] for path, file in changed.items()} == {
        "app/extra.py": "added",
        "app/server_app.py": "removed",
        "pyproject.toml": "changed",
    }
    lines = [line for line in changed["pyproject.toml"]["diff"] if line[0] in "+-"]
    assert lines == [
        "-tool.flwr.app.config.num-server-rounds = 2",
        "+tool.flwr.app.config.num-server-rounds = 9",
    ]
    assert changed["app/extra.py"]["diff"][-1] == "+x = 1"
