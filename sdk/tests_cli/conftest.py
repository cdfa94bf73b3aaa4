"""Small apps written on the spot, and a run of them in this process."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("flwr", reason="the flip command's tests run in the environment with Flower")

from flip.local_run.project import parse_overrides
from flip.local_run.runner import Order, Result, run_app
from flip.local_run.trusts import names_of
from flip.local_run.views import SilentView

SERVER = """
    from flip import FLIP
    from flip.constants import ModelStatus
    from flwr.app import ArrayRecord, Context
    from flwr.serverapp import Grid, ServerApp
    from flwr.serverapp.strategy import FedAvg
    import numpy as np

    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context, flip: FLIP = FLIP()) -> None:
        model_id = context.run_config["flip-model-id"]
        flip.update_status(model_id, ModelStatus.INITIATED)
        strategy = FedAvg(fraction_evaluate=1.0 if context.run_config["evaluate"] else 0.0)
        start = ArrayRecord([np.zeros(3, np.float32)])
        strategy.start(grid=grid, initial_arrays=start, num_rounds=context.run_config["num-server-rounds"])
        flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED)
"""
CLIENT = """
    import os
    from flip import FLIP
    from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp

    app = ClientApp()

    @app.train()
    def train(msg, context):
        arrays = [a + 1 for a in msg.content["arrays"].to_numpy_ndarrays()]
        server_round = msg.content["config"]["server-round"]
        FLIP().send_metrics(os.environ["SUPERNODE_NAME"], "m", "TRAIN_LOSS", 1 / server_round, round=server_round)
        metrics = MetricRecord({"num-examples": 1, "train_loss": 1 / server_round})
        return Message(RecordDict({"arrays": ArrayRecord(arrays), "metrics": metrics}), reply_to=msg)
"""
PYPROJECT = """
    [project]
    name = "small-app"
    version = "1.0.0"
    [tool.flwr.app]
    publisher = "me"
    [tool.flwr.app.components]
    serverapp = "app.server_app:app"
    clientapp = "app.client_app:app"
    [tool.flwr.app.config]
    num-server-rounds = 2
    evaluate = false
    learning-rate = 0.1
    note = "none"
    flip-model-id = "uuid"
    [tool.flwr.app.config.optimiser]
    momentum = 0.9
"""
MakeApp = Callable[..., Path]
RunHere = Callable[..., Result]


@pytest.fixture
def make_app(tmp_path: Path) -> MakeApp:
    """Write an app; keywords replace its parts, `files` adds to them."""

    def make(client: str = CLIENT, server: str = SERVER, pyproject: str = PYPROJECT, **files: str) -> Path:
        root = tmp_path / "small-app"
        parts = {"app/__init__.py": "", "app/client_app.py": client, "app/server_app.py": server}
        parts |= {"pyproject.toml": pyproject, **{f"app/{name}.py": text for name, text in files.items()}}
        for name, text in parts.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(textwrap.dedent(text))
        return root

    return make


@pytest.fixture
def run_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunHere:
    """Run an app in this process; reports, and what an app writes into the current folder, below `tmp_path`."""
    monkeypatch.chdir(tmp_path)

    def run(app: Path, trusts: int = 2, config: str = "", **order) -> Result:
        names = order.pop("names", None) or names_of(trusts)
        view = order.pop("view", None) or SilentView()
        return run_app(Order(app, names, parse_overrides([config]), base=tmp_path, **order), view)

    return run


@pytest.fixture
def server_source() -> str:
    """The ServerApp that `make_app` writes, to change a part of it."""
    return SERVER
