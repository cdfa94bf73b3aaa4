"""The demo's app learns: on phantoms, in one process, the loss falls in every round and the mask gets better."""

import json
import os
import subprocess
import sys
from pathlib import Path

APP = Path(__file__).parents[1]
MAKE_DATA = APP.parents[1] / "templates" / "standard" / "data" / "make_data.py"
FLIP = Path(sys.executable).parent / "flip"


def test_the_loss_falls_in_every_round(tmp_path: Path) -> None:
    data = tmp_path / "data"
    subprocess.run([sys.executable, MAKE_DATA, "--count", "8", "--out", data], check=True, timeout=60)
    local = {"DEV_DATAFRAME": str(data / "dataframe.csv"), "DEV_IMAGES_DIR": str(data / "accession-resources")}
    done = subprocess.run(
        [FLIP, "app", "run", APP, "--name", "trust-alpha", "--name", "trust-beta", "--json"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **local},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = Path(json.loads(done.stdout)["folder"])
    points = [json.loads(line) for line in (report / "metrics.jsonl").read_text().splitlines()]
    for trust in ("trust-alpha", "trust-beta"):
        series = {
            label: [p["value"] for p in points if p["client_name"] == trust and p["label"] == label]
            for label in ("TRAIN_LOSS", "VAL_LOSS", "VAL_DICE")
        }
        assert len(series["TRAIN_LOSS"]) == 9
        last_of_round = series["TRAIN_LOSS"][2::3]
        assert last_of_round == sorted(last_of_round, reverse=True)
        assert series["VAL_LOSS"][-1] < series["VAL_LOSS"][0]
        assert series["VAL_DICE"][-1] > series["VAL_DICE"][0]
