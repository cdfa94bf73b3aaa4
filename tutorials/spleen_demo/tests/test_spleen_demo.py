"""The demo's app learns: on phantoms, in one process, the loss falls in every round and the mask gets better."""

import json
import subprocess
import sys
from pathlib import Path

APP = Path(__file__).parents[1]
HELPERS = APP.parents[1] / "templates" / "tests"


def test_the_loss_falls_in_every_round(tmp_path: Path) -> None:
    make = "import sys, json; from pathlib import Path; from phantoms import make_local_cohort; "
    make += "print(json.dumps(make_local_cohort(Path(sys.argv[1]), 8)))"
    made = subprocess.check_output([sys.executable, "-c", make, str(tmp_path)], cwd=HELPERS, timeout=60)
    subprocess.run(
        [sys.executable, str(HELPERS / "inproc.py"), str(APP), "trust-alpha", "trust-beta"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **json.loads(made)},
        check=True,
        capture_output=True,
        timeout=240,
    )
    (report,) = (tmp_path / "flip-local").iterdir()
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
