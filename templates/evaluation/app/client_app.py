"""What each trust does: read its cohort, let the model predict, report metrics with confidence intervals."""

import os

from flip import FLIP
from flwr.app import Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from app.metrics import histograms, with_intervals
from app.model import load_cohort, predict

app = ClientApp()


@app.evaluate()
def evaluate(msg: Message, context: Context) -> Message:
    run_config = context.run_config
    flip = FLIP()
    client_name = os.getenv("SUPERNODE_NAME", "unknown_client")
    model_id = run_config.get("flip-model-id")

    features, labels = load_cohort(flip, run_config["flip-project-id"], run_config.get("flip-cohort-query", "*"))
    arrays = {name: array.numpy() for name, array in msg.content["arrays"].items()}
    positives, negatives = histograms(predict(arrays, features), labels)
    metrics = with_intervals((positives, negatives), int(run_config["bootstrap-samples"]))
    for name, (value, low, high) in metrics.items():
        flip.send_metrics(client_name, model_id, label=name.upper(), value=value, round=1)
        flip.send_metrics(client_name, model_id, label=f"{name.upper()}_LOW", value=low, round=1)
        flip.send_metrics(client_name, model_id, label=f"{name.upper()}_HIGH", value=high, round=1)

    # Lists are not charted; the ServerApp adds them up over the trusts.
    record = MetricRecord(
        {"num-examples": len(labels), "positives": positives.tolist(), "negatives": negatives.tolist()}
        | {f"{name}_interval": list(three) for name, three in metrics.items()}
    )
    return Message(content=RecordDict({"metrics": record}), reply_to=msg)
