import os
import time

from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()


@app.train()
def train(msg: Message, context: Context) -> Message:
    behaviour = context.run_config["behaviour"]
    print("client of", os.environ["SUPERNODE_NAME"])
    if behaviour == "clients_raise":
        raise RuntimeError("row 17 of patient X")
    if behaviour == "clients_exit":
        os._exit(3)
    if behaviour == "slow":
        time.sleep(300)
    weights = msg.content["arrays"].to_numpy_ndarrays()[0] + 1
    return Message(
        RecordDict({"arrays": ArrayRecord([weights]), "metrics": MetricRecord({"num-examples": 1})}), reply_to=msg
    )
