"""One small app per finding, and good apps without errors."""

from collections.abc import Callable

import pytest

from flip_contracts.app_check import Finding, Severity, check_app

PYPROJECT = """
[project]
name = "quickstart-monai"
version = "1.0.0"
dependencies = ["flip-utils>=0.1.2", "flwr[simulation]>=1.26.1"]

[tool.flwr.app]
publisher = "flwrlabs"

[tool.flwr.app.components]
serverapp = "app.server_app:app"
clientapp = "app.client_app:app"

[tool.flwr.app.config]
num-server-rounds = 3
learning-rate = 1e-4
flip-model-id = "uuid"
flip-project-id = "uuid"
flip-cohort-query = "*"
"""
SERVER = """
from flip import FLIP
from flip.constants.flip_constants import ModelStatus
from flwr.app import ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from app.models import get_model
app = ServerApp()
@app.main()
def main(grid: Grid, context: Context, flip: FLIP = FLIP()) -> None:
    run_config = context.run_config
    num_rounds = int(run_config.get("num-server-rounds"))
    flip_model_id = run_config.get("flip-model-id")
    flip.update_status(flip_model_id, ModelStatus.INITIATED)
    model = get_model()
    flip.update_status(flip_model_id, ModelStatus.PREPARED)
    arrays = ArrayRecord(model.state_dict())
    strategy = FedAvg(fraction_train=1.0, fraction_evaluate=0.0)
    strategy.start(grid=grid, initial_arrays=arrays, num_rounds=num_rounds)
    flip.update_status(flip_model_id, ModelStatus.TRAINING_STARTED)
    flip.update_status(flip_model_id, ModelStatus.RESULTS_UPLOADED)
"""
CLIENT = """
import os
from flwr.clientapp import ClientApp
from app import models
app = ClientApp()
@app.train()
def train(msg, context):
    client_name = os.getenv("SUPERNODE_NAME", "unknown_client")
"""
Files = dict[str, bytes]


def seed_app() -> Files:
    return {
        "pyproject.toml": PYPROJECT.encode(),
        "app/__init__.py": b"",
        "app/server_app.py": SERVER.encode(),
        "app/client_app.py": CLIENT.encode(),
        "app/models.py": b"def get_model(): ...\n",
        "README.md": b"# App\n",
        ".gitignore": b"*.pyc\n",
    }


def quickstart() -> Files:
    toml = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "quickstart-pytorch"
version = "1.0.0"
description = ""
license = "Apache-2.0"
dependencies = ["flwr[simulation]>=1.26.1", "torch==2.8.0"]
[tool.hatch.build.targets.wheel]
packages = ["."]
[tool.flwr.app]
publisher = "flwrlabs"
[tool.flwr.app.components]
serverapp = "pytorchexample.server_app:app"
clientapp = "pytorchexample.client_app:app"
[tool.flwr.app.config]
num-server-rounds = 3
fraction-evaluate = 0.5
optimiser.name = "sgd"
[tool.flwr.federations]
default = "local-simulation"
[tool.flwr.federations.local-simulation]
options.num-supernodes = 10
"""
    server = """
import torch
from flwr.app import ArrayRecord, ConfigRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp
from pytorchexample.task import Net, load_centralized_dataset, test
app = ServerApp()
@app.main()
def main(grid: Grid, context: Context) -> None:
    model = Net()
"""
    client = """
from flwr.clientapp import ClientApp
from pytorchexample.task import Net
from pytorchexample.task import test as test_fn
app = ClientApp()
"""
    task = """
import torch.nn as nn
class Net(nn.Module):
    pass
fds = None
def load_centralized_dataset(): ...
def test(net): ...
"""
    return {
        "pyproject.toml": toml.encode(),
        "pytorchexample/__init__.py": b'"""pytorchexample."""\n',
        "pytorchexample/server_app.py": server.encode(),
        "pytorchexample/client_app.py": client.encode(),
        "pytorchexample/task.py": task.encode(),
    }


def namespace_app() -> Files:
    """No __init__.py, relative imports, guarded imports, a class and a conditional definition."""
    files = seed_app()
    del files["app/__init__.py"]
    files["app/client_app.py"] = (
        b"from typing import TYPE_CHECKING\n"
        b"from .models import get_model\nfrom . import models\n"
        b"if TYPE_CHECKING:\n    from app.nowhere import X\n"
        b"try:\n    from app.fast import go\nexcept ImportError:\n    go = None\n"
        b"if go:\n    app = 1\nelse:\n    app = 2\n"
    )
    return files


def status_by_text_app() -> Files:
    files = seed_app()
    files["app/server_app.py"] = (
        SERVER.replace("ModelStatus.PREPARED", "'PREPARED'")
        .replace("ModelStatus.TRAINING_STARTED", "ModelStatus.RUNNING")
        .encode()
    )
    return files


@pytest.mark.parametrize("app", [seed_app, namespace_app, status_by_text_app], ids=lambda app: app.__name__)
def test_a_good_app_has_no_finding(app: Callable[[], Files]) -> None:
    assert check_app(app(), trust_count=2) == []


def test_flowers_quickstart_has_no_error() -> None:
    findings = check_app(quickstart(), trust_count=2)
    assert {f.severity for f in findings} == {Severity.WARNING, Severity.INFO}
    assert {f.code for f in findings} == {
        "lifecycle_missing",
        "results_uploaded_missing",
        "flip_key_undeclared",
    }


def toml(old: str, new: str) -> Callable[[Files], None]:
    assert old in PYPROJECT

    def change(files: Files) -> None:
        files["pyproject.toml"] = PYPROJECT.replace(old, new).encode()

    return change


def server(old: str, new: str) -> Callable[[Files], None]:
    assert old in SERVER

    def change(files: Files) -> None:
        files["app/server_app.py"] = SERVER.replace(old, new).encode()

    return change


def client(code: str) -> Callable[[Files], None]:
    return lambda files: files.update({"app/client_app.py": (CLIENT + code).encode()})


def add(path: str, content: bytes = b"x") -> Callable[[Files], None]:
    return lambda files: files.update({path: content})


def drop(path: str) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        del files[path]

    return change


def client_is_a_test_file(files: Files) -> None:
    files["app/test_client.py"] = files.pop("app/client_app.py")
    toml("app.client_app:app", "app.test_client:app")(files)


E, W, I = Severity.ERROR, Severity.WARNING, Severity.INFO  # noqa: E741


@pytest.mark.parametrize(
    ("change", "code", "severity", "file", "line", "said"),
    [
        (drop("pyproject.toml"), "pyproject_missing", E, "pyproject.toml", None, ""),
        (toml("name = ", "name "), "pyproject_unparsable", E, "pyproject.toml", 3, ""),
        (toml('name = "quickstart-monai"', ""), "name_missing", E, "pyproject.toml", None, ""),
        (toml("quickstart-monai", "my_app"), "name_invalid", E, "pyproject.toml", 3, "hyphens"),
        (toml("quickstart-monai", "a" * 33), "name_invalid", E, "pyproject.toml", 3, ""),
        (toml('version = "1.0.0"', ""), "version_missing", E, "pyproject.toml", None, ""),
        (toml('"1.0.0"', '"1/../../x"'), "version_invalid", E, "pyproject.toml", 4, "PEP 440"),
        (toml('"1.0.0"', "1.0"), "version_invalid", E, "pyproject.toml", 4, ""),
        (toml('publisher = "flwrlabs"', ""), "publisher_missing", E, "pyproject.toml", None, ""),
        (toml("flwrlabs", "a/b"), "publisher_invalid", E, "pyproject.toml", 8, ""),
        (
            toml('clientapp = "app.client_app:app"', ""),
            "component_missing",
            E,
            "pyproject.toml",
            None,
            "clientapp",
        ),
        (
            toml('"app.client_app:app"', '"app/client_app.py"'),
            "component_invalid",
            E,
            "pyproject.toml",
            12,
            "",
        ),
        (toml("client_app:app", "nowhere:app"), "component_unresolved", E, "pyproject.toml", 12, "nowhere.py"),
        (toml("client_app:app", "client_app:client"), "component_unresolved", E, "pyproject.toml", 12, "client"),
        (client_is_a_test_file, "component_dropped", E, "app/test_client.py", None, ""),
        (
            toml("[tool.flwr.app.config]", 'agentapp = "app.agent:app"\n[tool.flwr.app.config]'),
            "agentapp_refused",
            E,
            "pyproject.toml",
            14,
            "",
        ),
        (drop("app/models.py"), "import_missing", E, "app/server_app.py", 7, "app/models.py"),
        (add("app/models.py", b"y = 1"), "import_missing", E, "app/server_app.py", 7, "get_model"),
        (client("    import app.helpers.io\n"), "import_missing", E, "app/client_app.py", 9, "app/helpers/io.py"),
        (client("from .gone import x\n"), "import_missing", E, "app/client_app.py", 9, "app/gone.py"),
        (client("def f(:\n"), "syntax_error", E, "app/client_app.py", 9, ""),
        (add("app/x.py", b"\x00"), "syntax_error", E, "app/x.py", None, ""),
        (toml("num-server-rounds = 3", "num-server-rounds = [3]"), "config_not_scalar", E, "pyproject.toml", 15, ""),
        (add("app/data.json", b"x" * 10 * 2**20), "app_too_large", E, None, None, "10 MiB"),
        (add("../x.py"), "path_invalid", E, "../x.py", None, ""),
        (add("a/" * 10 + "x.py", b""), "path_too_deep", E, "a/" * 10 + "x.py", None, ""),
        (add("app/weights.pt"), "file_dropped", W, "app/weights.pt", None, ""),
        (add("app/test_x.py", b""), "file_dropped", W, "app/test_x.py", None, "test"),
        (add("lib/x.py", b""), "file_dropped", W, "lib/x.py", None, "lib/"),
        (toml('flip-cohort-query = "*"', ""), "flip_key_undeclared", I, "pyproject.toml", None, "flip-cohort"),
        (
            server("    flip.update_status(flip_model_id, ModelStatus.PREPARED)\n", ""),
            "lifecycle_missing",
            W,
            "app/server_app.py",
            None,
            "PREPARED",
        ),
        (
            server("    flip.update_status(flip_model_id, ModelStatus.RESULTS_UPLOADED)\n", ""),
            "results_uploaded_missing",
            W,
            "app/server_app.py",
            None,
            "",
        ),
        (
            server(
                "ModelStatus.RESULTS_UPLOADED)\n",
                "ModelStatus.RESULTS_UPLOADED)\n    flip.update_status(flip_model_id, ModelStatus.PREPARED)\n",
            ),
            "lifecycle_order",
            W,
            "app/server_app.py",
            22,
            "PREPARED",
        ),
        (
            server("fraction_train=1.0", "min_available_nodes=5"),
            "min_nodes_above_trusts",
            W,
            "app/server_app.py",
            18,
            "",
        ),
        (
            client('    os.environ["SUPERNODE_NAME"] = "alpha"\n'),
            "supernode_name_hard_coded",
            W,
            "app/client_app.py",
            9,
            "",
        ),
        (
            client('    os.environ.setdefault("SUPERNODE_NAME", "alpha")\n'),
            "supernode_name_hard_coded",
            W,
            "app/client_app.py",
            9,
            "",
        ),
        (client('SUPERNODE_NAME = "alpha"\n'), "supernode_name_hard_coded", W, "app/client_app.py", 9, ""),
    ],
)  # fmt: skip
def test_each_mistake_is_found_once_with_its_place(
    change: Callable[[Files], None], code: str, severity: Severity, file: str | None, line: int | None, said: str
) -> None:
    files = seed_app()
    change(files)
    findings = check_app(files, trust_count=2)
    (finding,) = [f for f in findings if f.code == code and (f.file, f.line) == (file, line)]
    assert finding.severity is severity
    assert said in finding.message
    assert finding.remedy.endswith(".")
    others = [f for f in findings if f is not finding and f.code not in ("file_dropped", code)]
    assert others == []


def test_several_mistakes_come_in_order_errors_first() -> None:
    files = seed_app()
    add("app/weights.pt")(files)
    del files["app/models.py"]
    severities = [finding.severity for finding in check_app(files, 2)]
    assert severities == sorted(severities, key=[E, W, I].index)


def test_an_import_of_a_dropped_file_says_that_it_is_dropped() -> None:
    files = seed_app()
    files["app/test_data.py"] = b"X = 1\n"
    client("from app.test_data import X\n")(files)
    (finding,) = [f for f in check_app(files, 2) if f.severity is E]
    assert finding.code == "import_missing"
    assert "left out" in finding.message


def test_a_status_computed_at_run_time_is_no_missing_call() -> None:
    files = seed_app()
    server("ModelStatus.RESULTS_UPLOADED", "final_status()")(files)
    assert check_app(files, 2) == []


def test_nothing_of_the_app_is_run(tmp_path: object) -> None:
    files = seed_app()
    client("raise SystemExit('imported')\n")(files)
    assert check_app(files, 2) == []


@pytest.mark.parametrize("junk", [b"", b"\xff\xfe\x00", b"[[[[", b"a = " + b"[" * 5000])
def test_junk_is_a_finding_and_never_a_crash(junk: bytes) -> None:
    for name in seed_app():
        findings = check_app({**seed_app(), name: junk}, 2)
        assert all(isinstance(finding, Finding) for finding in findings)
