"""Every strategy and mod of Flower, on a real net, with results that were computed by hand.

Starting a run costs more than a round, so one run goes through all cases; each test then looks at one of them.
A trust adds a fixed number to each of four values (alpha 1, beta 2, gamma 6) and weighs 1, 3, 2 examples.
"""

import json
import math
from dataclasses import dataclass

import flwr.clientapp.mod as flwr_mod
import flwr.serverapp.strategy as flwr_strategy
import pytest

pytestmark = pytest.mark.slow

MEAN = (1 * 1 + 2 * 3) / 4  # weighted by examples
QFED = (1 + 2) / ((4 * 1**2 + 1) + (4 * 2**2 + 1))  # q = 1, loss 1, learning rate 1: sum of deltas over sum of h
ADAM_RATE = 0.1 * math.sqrt(1 - 0.99**2) / (1 - 0.9**2)  # Flower counts its rounds from 1 and adds 1
MOMENT = 0.1 * MEAN  # first moment after one round
TWO = {
    "FedAvg": MEAN,
    "FedAvgM": MEAN + (0.5 * MEAN + MEAN),  # two rounds, momentum 0.5
    "FedProx": MEAN,
    "FedMedian": 1.5,
    "FedTrimmedAvg": 1.5,  # of two, a third rounds down to none
    "FedAdagrad": 0.1 * MEAN / (MEAN + 1e-3),
    "FedAdam": ADAM_RATE * MOMENT / (math.sqrt(0.01 * MEAN**2) + 1e-3),
    "FedYogi": 0.1 * MOMENT / (math.sqrt(0.01 * MEAN**2) + 1e-3),
    "QFedAvg": QFED,
    "MultiKrum": MEAN,  # selects both
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
TWO_OTHERWISE = ["Krum", "FedXgbBagging", "noise of the server", "noise of the clients"]
# Bulyan needs 4 f + 3 trusts, so three even when none is hostile (f = 0). With three, a median, a trimmed mean and Krum
# differ from a mean: each leaves gamma's step of 6 out.
THREE = {"Bulyan": 3.0, "FedTrimmedAvg": 2.0, "FedMedian": 2.0}


@dataclass
class Ran:
    train_results: int
    cases: dict[str, dict]
    client_log: str


def run_cases(net, archive: bytes, trusts: list[str], names: list[str]) -> Ran:
    _, finished, events = net.run(trusts, archive, timeout=300, cases=",".join(names))
    lines = [line for e in events if e["kind"] == "log" for line in e["payload"]["lines"]]
    assert finished["outcome"] == "succeeded", (finished, lines[-30:])
    told = [json.loads(line.removeprefix("CASE ")) for line in lines if line.startswith("CASE ")]
    client_log = (net.nodes[-1].work / "clientapp.log").read_text()
    return Ran(finished["train_results"], {case["name"]: case for case in told}, client_log)


@pytest.fixture(scope="module")
def two(net, app_zip) -> Ran:
    return run_cases(net, app_zip("strategies_app"), ["alpha", "beta"], [*TWO, *TWO_OTHERWISE])


@pytest.fixture(scope="module")
def three(net, app_zip) -> Ran:
    return run_cases(net, app_zip("strategies_app"), ["alpha", "beta", "gamma"], [*THREE, "Krum"])


def test_no_strategy_or_mod_of_this_flower_is_left_out():
    strategies = set(flwr_strategy.__all__) - {"Strategy", "Result"}  # the base class and what start() returns
    assert strategies <= {*TWO, *TWO_OTHERWISE, *THREE}
    through_a_wrapper = {"fixedclipping_mod", "adaptiveclipping_mod"}  # the client side of two DP strategies
    assert set(flwr_mod.__all__) <= {*TWO, *through_a_wrapper}


@pytest.mark.parametrize("name", TWO)
def test_two_trusts_get_the_value_that_the_formula_gives(two, name):
    assert two.cases[name]["values"] == pytest.approx([TWO[name]] * 4, rel=1e-5)


@pytest.mark.parametrize("name", THREE)
def test_three_trusts_get_the_value_that_the_formula_gives(three, name):
    assert three.cases[name]["values"] == pytest.approx([THREE[name]] * 4, rel=1e-5)


def test_krum_takes_the_update_of_one_trust_and_never_the_outlier(two, three):
    assert two.cases["Krum"]["values"] in ([1.0] * 4, [2.0] * 4)
    assert three.cases["Krum"]["values"] in ([1.0] * 4, [2.0] * 4)


def test_bagging_holds_the_trees_of_both_trusts(two):
    model = two.cases["FedXgbBagging"]["values"]["learner"]["gradient_booster"]["model"]
    assert model["gbtree_model_param"]["num_trees"] == "2"
    assert sorted(tree["base_weights"][0] for tree in model["trees"]) == [1, 2]


@pytest.mark.parametrize("name", ["noise of the server", "noise of the clients"])
def test_noise_moves_each_value_a_little(two, name):
    values = two.cases[name]["values"]
    assert len(set(values)) == 4
    assert values == pytest.approx([0.5] * 4, abs=0.25)  # standard deviation 0.025: ten of them


def test_every_reply_was_counted(two, three):
    assert two.train_results == 2 * (len(TWO) + len(TWO_OTHERWISE) + 1)  # + FedAvgM's second round; Cyclic asks 2 × 1
    assert three.train_results == 3 * (len(THREE) + 1)


def test_configuration_and_metrics_travel_both_ways(two):
    assert two.cases["FedProx"]["train_metrics"]["1"]["proximal"] == 0.25
    assert two.cases["FedAvg"]["evaluate_metrics"]["1"]["eval_loss"] == pytest.approx(MEAN + MEAN)
    clipped = two.cases["DifferentialPrivacyClientSideAdaptiveClipping"]["train_metrics"]["1"]
    assert clipped["norm_bit"] == 1.0  # adaptiveclipping_mod says of both trusts that it clipped


def test_what_the_mods_say_stays_in_the_trusts_log(two):
    for words in (
        "Incoming message size: ",
        "Total array elements sent: ",
        "fixedclipping_mod: parameters are clipped by value: 1.0000",
        "LocalDpMod: local DP noise with",
    ):
        assert words in two.client_log
