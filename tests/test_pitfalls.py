"""Each of the seed's *Common pitfalls*: what a researcher sees locally, on upload, and on the platform."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from demo import story
from demo.client import HubClient
from demo.stack import FLOWER_BIN, REPO, Stack
from tests.pitfalls import PITFALLS

pytestmark = pytest.mark.slow
LOCAL_DATA = {
    "DEV_DATAFRAME": str(REPO / "data" / "spleen" / "sample_get_dataframe_response.csv"),
    "DEV_IMAGES_DIR": str(REPO / "data" / "spleen" / "accession-resources"),
}


@pytest.mark.parametrize("name", PITFALLS)
def test_a_pitfall_is_told_locally_on_upload_and_on_the_platform(
    stack: Stack, me: HubClient, project: dict, tmp_path: Path, name: str
):
    pitfall = PITFALLS[name]
    app = pitfall.app(tmp_path)

    def flip(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment}
        command = [str(FLOWER_BIN / "flip"), *arguments]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)

    # Locally: the check names the place, and the run does what the platform would.
    checked = flip("app", "check", str(app), "--json")
    assert checked.returncode == 0, checked.stderr
    (found,) = [f for f in json.loads(checked.stdout)["findings"] if f["code"] == pitfall.finding]
    assert found["file"] == pitfall.file
    run = json.loads(flip("app", "run", str(app), "--json", **LOCAL_DATA).stdout)
    assert run["ok"] == (pitfall.state == "succeeded"), run
    if not run["ok"]:
        assert run["error"]["code"] == pitfall.reason
        assert "app/client_app.py" in json.dumps(run["failures"])

    # On upload: the same words, and the app is taken.
    model = me.post(f"projects/{project['id']}/models", {"name": name})
    hub = {"FLIP_HUB_URL": stack.hub_url, "FLIP_TOKEN": me.token}
    sent = flip("upload", model["id"], str(app), **hub)
    assert sent.returncode == 0, sent.stderr
    assert pitfall.finding in sent.stdout
    assert pitfall.finding in {f["code"] for f in me.get(f"models/{model['id']}/check")["findings"]}

    # On the platform: never stuck, never under another name.
    done = story.finish(stack, me, me.post(f"models/{model['id']}/runs", {})["id"])
    assert (done["state"], done["reason_code"]) == (pitfall.state, pitfall.reason), done["reason_text"]
    assert me.get(f"models/{model['id']}")["status"] == ("ERROR" if done["state"] == "failed" else "RESULTS_UPLOADED")
    if done["state"] == "succeeded":
        series = me.get(f"runs/{done['id']}/metrics")
        assert {s["trust"] for s in series if s["label"] == "TRAIN_LOSS"} == {"trust-alpha", "trust-beta"}
