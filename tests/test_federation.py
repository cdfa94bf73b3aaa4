"""The main promise: a real federation trains, ends in the right state whatever the app does, and nothing leaks."""

import io
import json
import subprocess
import zipfile
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from demo import story
from demo.client import HubClient, Refused
from demo.process import wait_until
from demo.stack import FLOWER_BIN, REPO, Stack

from flip_trust.synthetic import demo_query

pytestmark = pytest.mark.slow
STANDARD = REPO / "templates" / "standard"


def initiate(me: HubClient, model: dict, **run_config: object) -> dict:
    return me.post(f"models/{model['id']}/runs", {"run_config": run_config})


def test_the_seeds_minimal_server_app_trains_unchanged(stack: Stack, me: HubClient, project: dict, tmp_path: Path):
    model = story.model_with_app(me, project["id"], "Seed", STANDARD)
    run = story.finish(stack, me, initiate(me, model)["id"])
    assert (run["state"], run["reason_code"]) == ("succeeded", "completed"), run["reason_text"]

    model = me.get(f"models/{model['id']}")
    assert model["status"] == "RESULTS_UPLOADED"
    reached = [event["status"] for event in model["history"]]
    assert reached == ["INITIATED", "PREPARED", "TRAINING_STARTED", "RESULTS_UPLOADED"]

    series = me.get(f"runs/{run['id']}/metrics")
    losses = {s["trust"]: s["points"] for s in series if s["label"] == "TRAIN_LOSS"}
    assert set(losses) == {"trust-alpha", "trust-beta"}
    assert all(len(points) >= 1 for points in losses.values())

    archive = me.download(f"runs/{run['id']}/results", tmp_path / "results.zip")
    zipfile.ZipFile(archive).extractall(tmp_path)
    code = (
        "import sys; from safetensors.torch import load_file; from app.models import get_model; "
        "get_model().load_state_dict(load_file(sys.argv[1]))"
    )
    loaded = subprocess.run(
        [FLOWER_BIN / "python", "-c", code, str(tmp_path / "model.safetensors")], cwd=STANDARD, capture_output=True
    )
    assert loaded.returncode == 0, loaded.stderr.decode()


def test_a_trust_that_did_not_approve_sees_nothing_of_the_run(stack: Stack, me: HubClient, model: dict):
    run = story.finish(stack, me, initiate(me, model)["id"])
    assert run["state"] == "succeeded", run["reason_text"]
    assert {t["trust"] for t in run["trusts"]} == {"trust-alpha", "trust-beta"}
    gamma = stack.trusts["trust-gamma"].root
    for path in gamma.rglob("*"):
        if path.is_file() and "data" not in path.relative_to(gamma).parts[:1]:
            assert run["id"].encode() not in path.read_bytes(), path


def test_a_one_trust_project_trains_on_weights_outside_the_bundle(stack: Stack, me: HubClient, tmp_path: Path):
    project = story.approved_project(stack, me, "One trust", demo_query(), ["trust-beta"])
    story.wait_for_imaging(stack, me, project["id"], lambda _: None)
    app = Path(__file__).parent / "apps" / "numpy_app"
    model = story.model_with_app(me, project["id"], "Alone", app)
    stage_files(me, model, (app / "pyproject.toml").read_text())
    run = story.finish(stack, me, initiate(me, model, behaviour="staged")["id"])
    assert run["state"] == "succeeded", run["reason_text"]
    archive = zipfile.ZipFile(me.download(f"runs/{run['id']}/results", tmp_path / "results.zip"))
    trained = np.frombuffer(archive.read("model.safetensors")[-16:], np.float32)  # its one tensor ends the file
    assert np.array_equal(trained, np.full(4, 9, np.float32)), "it began with the staged weights, 7, and had 2 rounds"
    assert len(list((stack.trusts["trust-beta"].root / "state" / "files").iterdir())) == 2, "kept for the next run"


def stage_files(me: HubClient, model: dict, pyproject: str) -> None:
    """Weights for both sides, a table for the ClientApps, outside the bundle."""
    weights = io.BytesIO()
    np.save(weights, np.full(4, 7, np.float32))
    places = '\n[tool.flip.files]\nserver = ["weights/*.npy"]\nclients = ["weights/*.npy", "codes.csv"]\n'
    me.put_file(model["id"], "pyproject.toml", (pyproject + places).encode())
    me.put_file(model["id"], "codes.csv", b"code\n1\n")
    me.put_file(model["id"], "weights/start.npy", weights.getvalue())
    wait_until("The scan", lambda: {f["state"] for f in me.get(f"models/{model['id']}/files")} == {"READY"}, 60)


ENDINGS = {
    "silent": ("succeeded", "completed_unannounced", "RESULTS_UPLOADED", "RESULTS_UPLOADED"),
    "server_raises": ("failed", "server_app_raised", "ERROR", "the server has a bad day"),
    "server_exits": ("failed", "server_app_exited", "ERROR", "exit"),
    "clients_raise": ("failed", "no_client_results", "ERROR", "RuntimeError"),
    "clients_exit": ("failed", "no_client_results", "ERROR", "round 1"),
    "clients_print": ("succeeded", "completed", "RESULTS_UPLOADED", ""),
}


@pytest.fixture(scope="module")
def endings(stack: Stack, me: HubClient, project: dict) -> dict[str, dict]:
    """A queue of runs, each by a model of its own, that end as their names say: whatever one does, the next starts."""
    app = Path(__file__).parent / "apps" / "numpy_app"
    models = {behaviour: story.model_with_app(me, project["id"], behaviour, app) for behaviour in ENDINGS}
    runs = {behaviour: initiate(me, model, behaviour=behaviour) for behaviour, model in models.items()}
    assert {run["state"] for run in runs.values()} == {"queued"}
    return {behaviour: story.finish(stack, me, run["id"]) for behaviour, run in runs.items()}


@pytest.mark.parametrize("behaviour", ENDINGS)
def test_every_ending_is_told_right_and_soon(me: HubClient, endings: dict[str, dict], behaviour: str):
    state, reason, status, words = ENDINGS[behaviour]
    run = endings[behaviour]
    assert (run["state"], run["reason_code"]) == (state, reason), run["reason_text"]
    assert words in run["reason_text"]
    assert me.get(f"models/{run['model_id']}")["status"] == status
    took = datetime.fromisoformat(run["finished_at"]) - datetime.fromisoformat(run["running_at"])
    assert took.total_seconds() < 70, f"{behaviour} took {took} to be told"


def test_stop_ends_the_run_and_frees_the_trusts(stack: Stack, me: HubClient, model: dict):
    run_id = initiate(me, model, **{"num-server-rounds": 500})["id"]
    for run in story.follow(stack, me, run_id):
        if run["state"] == "running":
            me.post(f"runs/{run_id}/stop")
            break
    run = story.finish(stack, me, run_id, timeout=60)
    assert (run["state"], run["reason_code"]) == ("stopped", "stopped_by_user")
    assert me.get(f"models/{model['id']}")["status"] == "STOPPED"


REFUSALS = {
    "sql_syntax": "SELECT person_id FROM WHERE",
    "sql_not_single_statement": "SELECT person_id FROM omop.person; SELECT person_id FROM omop.person",
    "sql_unknown_column": "SELECT person_id, shoe_size FROM omop.person",
    "sql_unknown_table": "SELECT person_id FROM omop.shoes",
}


@pytest.mark.parametrize("code", REFUSALS)
def test_bad_sql_is_refused_and_changes_nothing(me: HubClient, project: dict, code: str):
    fresh = me.post("projects", {"name": f"Bad SQL {code}", "purpose": "x", "kind": "imaging"})
    with pytest.raises(Refused) as refusal:
        me.post(f"projects/{fresh['id']}/cohort-queries", {"sql": REFUSALS[code], "trusts": None})
    assert refusal.value.code == code
    assert refusal.value.body["message"]
    assert me.get(f"projects/{fresh['id']}") == fresh


def test_bad_files_trusts_and_config_are_refused_and_change_nothing(me: HubClient, project: dict, model: dict):
    before = me.get(f"models/{model['id']}/files")

    def code_of(call, *arguments) -> str:
        with pytest.raises(Refused) as refusal:
            call(*arguments)
        return refusal.value.code

    assert code_of(me.put_file, model["id"], "weights.pkl", b"x") == "file_type_mismatch"
    assert code_of(me.put_file, model["id"], "app/big.py", b"#" * (11 * 2**20)) == "file_too_large"
    assert code_of(initiate_with, me, model, {"not-declared": 1}) == "run_config_key_undeclared"
    fresh = me.post("projects", {"name": "Unknown trust", "purpose": "x", "kind": "imaging"})
    unknown = {"sql": demo_query(), "trusts": ["trust-nowhere"]}
    assert code_of(me.post, f"projects/{fresh['id']}/cohort-queries", unknown) == "trust_unknown"
    assert me.get(f"models/{model['id']}/files") == before


def initiate_with(me: HubClient, model: dict, run_config: dict) -> dict:
    return me.post(f"models/{model['id']}/runs", {"run_config": run_config})


def test_a_version_with_a_path_in_it_is_refused(me: HubClient, project: dict):
    model = story.model_with_app(me, project["id"], "Path", Path(__file__).parent / "apps" / "numpy_app")
    pyproject = (Path(__file__).parent / "apps" / "numpy_app" / "pyproject.toml").read_text()
    me.put_file(model["id"], "pyproject.toml", pyproject.replace('"1.0.0"', '"1/../../../../x"').encode())
    with pytest.raises(Refused) as refusal:
        initiate(me, model)
    assert refusal.value.code == "app_check_failed"
    assert "version" in json.dumps(refusal.value.body)
    assert me.get(f"models/{model['id']}")["status"] == "PENDING"


def test_nothing_listens_beyond_loopback(stack: Stack):
    pids = {p.popen.pid for p in stack.processes} | {c for p in stack.processes for c in _descendants(p.popen.pid)}
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                target = link.readlink().name
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    listening = [
        fields[1]
        for table in ("tcp", "tcp6")
        for fields in map(str.split, Path(f"/proc/net/{table}").read_text().splitlines()[1:])
        if fields[3] == "0A" and fields[9] in inodes
    ]
    assert listening
    loopback = {"0100007F", "00000000000000000000000001000000"}
    assert {address.split(":")[0] for address in listening} <= loopback


def _descendants(pid: int) -> set[int]:
    children = {
        int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()
    }
    return children | {grandchild for child in children for grandchild in _descendants(child)}


def test_no_patient_value_reached_the_hub_or_any_log(stack: Stack, endings: dict[str, dict]):
    """The synthetic hospitals hold CANARY values in every text column, DICOM header and accession number.

    Two of the runs named one in an exception, or printed them all.
    """
    assert {endings["clients_raise"]["state"], endings["clients_print"]["state"]} == {"failed", "succeeded"}
    searched = 0
    for path in stack.root.rglob("*"):
        inside = path.relative_to(stack.root).parts
        at_trust = inside[0] in stack.trusts
        is_log = path.suffix in {".log", ".jsonl"} and "runs" not in inside  # an app's own output stays at its trust
        if path.is_file() and (not at_trust or is_log):
            searched += 1
            assert b"CANARY" not in path.read_bytes(), f"{path} holds a patient value"
    assert searched > 20
