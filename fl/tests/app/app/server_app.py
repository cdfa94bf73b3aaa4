import os

import numpy as np
from flwr.app import ArrayRecord, Context, Message, RecordDict
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    behaviour = context.run_config["behaviour"]
    print("SECRETS", [k for k in os.environ if "SECRET" in k])
    if behaviour == "server_raises":
        raise ValueError("the server has a bad day")
    if behaviour == "server_exits":
        os._exit(3)
    if behaviour == "address_other":
        node = int(context.run_config["other-node"])
        print("VISIBLE", sorted(grid.get_node_ids()))
        pushed = list(grid.push_messages([Message(RecordDict(), node, "train")]))
        print("PUSHED", pushed)
    arrays = ArrayRecord([np.zeros(4, np.float32)])
    strategy = FedAvg(fraction_train=1.0, fraction_evaluate=0.0)
    strategy.start(grid=grid, initial_arrays=arrays, num_rounds=int(context.run_config["num-server-rounds"]))
