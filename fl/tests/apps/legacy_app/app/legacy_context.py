"""The same strategy inside `@app.main()`: how a legacy workflow (such as SecAgg+) is used today."""

import numpy as np
from flwr.common import Context, ndarrays_to_parameters
from flwr.server import Grid, LegacyContext, ServerApp, ServerConfig
from flwr.server.strategy import FedAvg
from flwr.server.workflow import DefaultWorkflow

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    legacy = LegacyContext(
        context=context,
        config=ServerConfig(num_rounds=int(context.run_config["num-server-rounds"])),
        strategy=FedAvg(initial_parameters=ndarrays_to_parameters([np.zeros(4, np.float32)])),
    )
    DefaultWorkflow()(grid, legacy)
    print("LOSSES", legacy.history.losses_distributed)
    (values,) = legacy.state.array_records["parameters"].to_numpy_ndarrays() or [None]
    np.save("final.npy", values)
