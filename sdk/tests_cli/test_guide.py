"""docs/create-a-flip-app.md: its files make an app without a finding, and its commands run and learn."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from flip_contracts.app_check import check_app, read_folder

REPO = Path(__file__).parents[2]
PAGE = (REPO / "docs" / "create-a-flip-app.md").read_text()
BLOCK = re.compile(r"(?:<!-- (file|more): (\S+) -->\n)?```(\w*)\n(.*?)```", re.DOTALL)


def write_app(root: Path) -> Path:
    """The page's files. Every Python and TOML snippet of it belongs to one."""
    app = root / "my-app"
    (app / "app").mkdir(parents=True)
    (app / "app" / "__init__.py").touch()
    for how, name, language, text in BLOCK.findall(PAGE):
        if language in ("python", "toml"):
            assert name, f"a snippet belongs to no file: {text[:80]}"
            with (app / name).open("a" if how == "more" else "x") as file:
                file.write(f"\n\n{text}" if how == "more" else text)
    return app


def run(command: str, cwd: Path) -> str:
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(cwd),
        "OMP_NUM_THREADS": "1",
        "DEV_DATAFRAME": os.path.relpath(REPO / "data/spleen/sample_get_dataframe_response.csv", cwd),
        "DEV_IMAGES_DIR": os.path.relpath(REPO / "data/spleen/accession-resources", cwd),
    }
    done = subprocess.run(
        ["bash", "-ec", command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def test_the_guides_app_has_no_finding(tmp_path: Path) -> None:
    folder = read_folder(write_app(tmp_path))
    assert [*folder.findings, *check_app(folder.files, trust_count=2)] == []


def test_the_guides_commands_run_and_its_strategies_work(tmp_path: Path) -> None:
    app = write_app(tmp_path)
    (tmp_path / "data").symlink_to(REPO / "data")
    (commands,) = [text for _, _, language, text in BLOCK.findall(PAGE) if language == "sh"]
    run(commands, tmp_path)
    first = min((tmp_path / "flip-local").iterdir())
    points = [json.loads(line) for line in (first / "metrics.jsonl").read_text().splitlines()]
    for trust in ("trust-1", "trust-2"):
        losses = [p["value"] for p in points if p["client_name"] == trust and p["label"] == "TRAIN_LOSS"]
        assert len(losses) == 6
        assert losses[-1] < losses[0]

    server = app / "app" / "server_app.py"
    stock = server.read_text()
    for new, module in (
        ("MyStrategy(flip=flip, model_id=flip_model_id, ", "from app.strategy import MyStrategy"),
        (
            "BestFedAdam(model_id=flip_model_id, best_metric='train_loss', mode='min', ",
            "from app.best import BestFedAdam",
        ),
    ):
        server.write_text(stock.replace("FedAvg(", new).replace("from app.models", f"{module}\nfrom app.models"))
        done = json.loads(run("flip app run my-app --json --run-config 'num-server-rounds=1'", tmp_path))
        assert done["ok"], done
        assert "server" in done["last_metrics"], done["last_metrics"]
