"""The apps that run on a real net in fl/tests also run here, with the same results."""

import contextlib
import io
import json
from pathlib import Path

import flwr.serverapp.strategy as flwr_strategy
import pytest

APPS = Path(__file__).parents[2] / "fl" / "tests" / "apps"
MEAN = (1 * 1 + 2 * 3) / 4  # alpha adds 1 and weighs 1, beta adds 2 and weighs 3
TWO = {
    "FedAvg": MEAN,
    "FedAvgM": None,
    "FedProx": MEAN,
    "FedMedian": 1.5,
    "FedTrimmedAvg": 1.5,
    "FedAdagrad": None,
    "FedAdam": None,
    "FedYogi": None,
    "QFedAvg": None,
    "Krum": None,
    "MultiKrum": MEAN,
    "FedXgbBagging": None,
    "FedXgbCyclic": 3.0,  # two rounds, one trust after the other
    # A step of 1 or 2 in four values has a norm of 2 or 4; clipped to 1, each value moves by 0.5.
    "DifferentialPrivacyServerSideFixedClipping": 0.5,
    "DifferentialPrivacyServerSideAdaptiveClipping": 0.5,
    "DifferentialPrivacyClientSideFixedClipping": 0.5,
    "DifferentialPrivacyClientSideAdaptiveClipping": 0.5,
    "LocalDpMod": 0.5,
    "arrays_size_mod": MEAN,
    "message_size_mod": MEAN,
}
THREE = {"Bulyan": 3.0, "FedMedian": 2.0}


@pytest.mark.parametrize(("names", "wanted"), [(["alpha", "beta"], TWO), (["alpha", "beta", "gamma"], THREE)])
def test_every_strategy_wrapper_and_mod_gives_what_a_deployment_gives(run_here, names, wanted) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as said:
        result = run_here(APPS / "strategies_app", names=names, config=f'cases="{",".join(wanted)}"')
    assert result.error is None, result.failure and result.failure.text
    told = [json.loads(line.removeprefix("CASE ")) for line in said.getvalue().splitlines() if line.startswith("CASE ")]
    assert [case["name"] for case in told] == list(wanted)
    for case in told:
        if (value := wanted[case["name"]]) is not None:
            assert case["values"] == pytest.approx([value] * 4, abs=1e-6), case["name"]


def test_no_strategy_of_this_flower_is_left_out() -> None:
    assert set(flwr_strategy.__all__) - {"Strategy", "Result"} <= {*TWO, *THREE}


@pytest.mark.parametrize("name", ["torch_app", "sklearn_app", "flower_api_app", "legacy_app"])
def test_stock_flower_apps_run_unchanged(run_here, name) -> None:
    result = run_here(APPS / name, names=["alpha", "beta"])
    assert result.error is None, (result.error, result.failure and result.failure.text)
