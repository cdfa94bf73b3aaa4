import numpy as np
from flwr.common import Context, ndarrays_to_parameters
from flwr.server import ServerApp, ServerAppComponents, ServerConfig
from flwr.server.strategy import FedAvg


def weighted_average(metrics):
    examples = sum(n for n, _ in metrics)
    return {"step": sum(n * m["step"] for n, m in metrics) / examples}


def server_fn(context: Context) -> ServerAppComponents:
    strategy = FedAvg(
        initial_parameters=ndarrays_to_parameters([np.zeros(4, np.float32)]),
        fit_metrics_aggregation_fn=weighted_average,
    )
    config = ServerConfig(num_rounds=int(context.run_config["num-server-rounds"]))
    return ServerAppComponents(strategy=strategy, config=config)


app = ServerApp(server_fn=server_fn)
