"""Counts its messages in a module: possible because the app's config says `flip-warm = true`."""

from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

calls = 0
app = ClientApp()


@app.train()
def train(msg: Message, context: Context) -> Message:
    global calls
    calls += 1
    arrays = ArrayRecord(msg.content["arrays"].to_numpy_ndarrays())
    metrics = MetricRecord({"num-examples": 1, "calls": calls})
    return Message(RecordDict({"arrays": arrays, "metrics": metrics}), reply_to=msg)
