"""docs/create-a-flip-app.md: its files make an app without a finding, and its commands run and learn."""

import json
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
        "DEV_DATAFRAME": "data/spleen/sample_get_dataframe_response.csv",
        "DEV_IMAGES_DIR": "data/spleen/accession-resources",
    }
    done = subprocess.run(
        ["bash", "-ec", command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def fewer_studies(spleen: Path) -> None:
    """Three of the repository's studies: enough to see that it learns."""
    spleen.mkdir(parents=True)
    (spleen / "accession-resources").symlink_to(REPO / "data/spleen/accession-resources")
    table = "sample_get_dataframe_response.csv"
    rows = (REPO / "data/spleen" / table).read_text().splitlines(keepends=True)
    (spleen / table).write_text("".join(rows[:4]))


def test_the_guides_app_has_no_finding(tmp_path: Path) -> None:
    folder = read_folder(write_app(tmp_path))
    assert [*folder.findings, *check_app(folder.files, trust_count=2)] == []


def test_the_guides_commands_run_and_its_strategies_work(tmp_path: Path) -> None:
    app = write_app(tmp_path)
    fewer_studies(tmp_path / "data" / "spleen")
    (commands,) = [text for _, _, language, text in BLOCK.findall(PAGE) if language == "sh"]
    run(commands, tmp_path)
    first = min((tmp_path / "flip-local").iterdir())
    points = [json.loads(line) for line in (first / "metrics.jsonl").read_text().splitlines()]
    for trust in ("trust-1", "trust-2"):
        losses = [p["value"] for p in points if p["client_name"] == trust and p["label"] == "TRAIN_LOSS"]
        assert len(losses) == 6
        assert losses[-1] < losses[0]

    # Both strategies of the page, one after the other in the same ServerApp.
    server = app / "app" / "server_app.py"
    text = server.read_text()
    stock = "    strategy = FedAvg(fraction_train=1.0, fraction_evaluate=0.0)\n    strategy.start("
    assert stock in text
    both = """
    common = {"fraction_train": 1.0, "fraction_evaluate": 0.0, "model_id": flip_model_id}
    best = BestFedAdam(best_metric="train_loss", mode="min", **common)
    for strategy in (MyStrategy(flip=flip, **common), best):
        strategy.start("""
    imports = "from app.best import BestFedAdam\nfrom app.strategy import MyStrategy\nfrom app.models"
    server.write_text(text.replace(stock, both).replace("from app.models", imports))
    done = json.loads(run("flip app run my-app --json --run-config 'num-server-rounds=1 local-epochs=1'", tmp_path))
    assert done["ok"], done
    assert {"MEAN_LOSS", "TRAIN_LOSS"} <= set(done["last_metrics"]["server"]), done["last_metrics"]
