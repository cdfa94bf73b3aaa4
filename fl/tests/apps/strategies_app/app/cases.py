"""Every strategy of `flwr.serverapp.strategy`, by name, with parameters whose result can be computed by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field

from flwr.serverapp.strategy import (
    Bulyan,
    DifferentialPrivacyClientSideAdaptiveClipping,
    DifferentialPrivacyClientSideFixedClipping,
    DifferentialPrivacyServerSideAdaptiveClipping,
    DifferentialPrivacyServerSideFixedClipping,
    FedAdagrad,
    FedAdam,
    FedAvg,
    FedAvgM,
    FedMedian,
    FedProx,
    FedTrimmedAvg,
    FedXgbBagging,
    FedXgbCyclic,
    FedYogi,
    Krum,
    MultiKrum,
    QFedAvg,
    Strategy,
)


@dataclass
class Case:
    make: Callable[[], Strategy]
    rounds: int = 1
    config: dict[str, str] = field(default_factory=dict)


TRAIN = {"fraction_train": 1.0, "fraction_evaluate": 0.0}


def _private(wrapper, trusts: int, norm: str, noise: float = 0.0) -> Strategy:
    return wrapper(FedAvg(**TRAIN), noise_multiplier=noise, num_sampled_clients=trusts, **{norm: 1.0})


def cases(trusts: int) -> dict[str, Case]:
    fixed, adaptive = "clipping_norm", "initial_clipping_norm"
    client_fixed, server_fixed = DifferentialPrivacyClientSideFixedClipping, DifferentialPrivacyServerSideFixedClipping
    client_adaptive = DifferentialPrivacyClientSideAdaptiveClipping
    server_adaptive = DifferentialPrivacyServerSideAdaptiveClipping
    return {
        "FedAvg": Case(lambda: FedAvg(fraction_train=1.0, fraction_evaluate=1.0)),
        "FedAvgM": Case(lambda: FedAvgM(**TRAIN, server_learning_rate=1.0, server_momentum=0.5), rounds=2),
        "FedProx": Case(lambda: FedProx(**TRAIN, proximal_mu=0.25)),
        "FedMedian": Case(lambda: FedMedian(**TRAIN)),
        "FedTrimmedAvg": Case(lambda: FedTrimmedAvg(**TRAIN, beta=0.34)),
        "FedAdagrad": Case(lambda: FedAdagrad(**TRAIN, eta=0.1, tau=1e-3)),
        "FedAdam": Case(lambda: FedAdam(**TRAIN, eta=0.1, tau=1e-3)),
        "FedYogi": Case(lambda: FedYogi(**TRAIN, eta=0.1, tau=1e-3)),
        "QFedAvg": Case(lambda: QFedAvg(**TRAIN, client_learning_rate=1.0, q=1.0)),
        "Krum": Case(lambda: Krum(**TRAIN)),
        "MultiKrum": Case(lambda: MultiKrum(**TRAIN, num_nodes_to_select=2)),
        "Bulyan": Case(lambda: Bulyan(**TRAIN)),
        "FedXgbBagging": Case(lambda: FedXgbBagging(**TRAIN), config={"model": "trees"}),
        "FedXgbCyclic": Case(lambda: FedXgbCyclic(**TRAIN), rounds=2),
        "DifferentialPrivacyServerSideFixedClipping": Case(lambda: _private(server_fixed, trusts, fixed)),
        "DifferentialPrivacyServerSideAdaptiveClipping": Case(lambda: _private(server_adaptive, trusts, adaptive)),
        "DifferentialPrivacyClientSideFixedClipping": Case(
            lambda: _private(client_fixed, trusts, fixed), config={"mod": "fixedclipping_mod"}
        ),
        "DifferentialPrivacyClientSideAdaptiveClipping": Case(
            lambda: _private(client_adaptive, trusts, adaptive), config={"mod": "adaptiveclipping_mod"}
        ),
        "noise of the server": Case(lambda: _private(server_fixed, trusts, fixed, noise=0.05)),
        "LocalDpMod": Case(lambda: FedAvg(**TRAIN), config={"mod": "LocalDpMod"}),
        "noise of the clients": Case(lambda: FedAvg(**TRAIN), config={"mod": "noisy LocalDpMod"}),
        "arrays_size_mod": Case(lambda: FedAvg(**TRAIN), config={"mod": "arrays_size_mod"}),
        "message_size_mod": Case(lambda: FedAvg(**TRAIN), config={"mod": "message_size_mod"}),
    }
