"""What each trust does in a round: read its cohort, train, validate, report."""

import os

from flip import FLIP
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from sklearn.metrics import log_loss, roc_auc_score

from app.data import load_cohort, split
from app.models import get_model

app = ClientApp()


def validate(model, features, labels) -> dict[str, float]:
    """Log loss, and the area under the ROC curve where both labels occur."""
    probability = model.predict_proba(features)[:, 1]
    found = {"val_loss": float(log_loss(labels, probability, labels=[0, 1]))}
    if len(set(labels)) == 2:
        found["val_auc"] = float(roc_auc_score(labels, probability))
    return found


@app.train()
def train(msg: Message, context: Context) -> Message:
    run_config = context.run_config
    flip = FLIP()
    client_name = os.getenv("SUPERNODE_NAME", "unknown_client")
    model_id = run_config.get("flip-model-id")

    features, labels = load_cohort(flip, run_config["flip-project-id"], run_config.get("flip-cohort-query", "*"))
    training, validation = split(len(labels))
    model = get_model(msg.content["arrays"].to_numpy_ndarrays(), float(run_config["learning-rate"]))
    for _ in range(int(run_config["local-epochs"])):
        model.partial_fit(features[training], labels[training], classes=[0, 1])

    server_round = int(msg.content["config"]["server-round"])
    train_loss = float(log_loss(labels[training], model.predict_proba(features[training]), labels=[0, 1]))
    flip.send_metrics(client_name, model_id, label="TRAIN_LOSS", value=train_loss, round=server_round)
    for label, value in validate(model, features[validation], labels[validation]).items():
        flip.send_metrics(client_name, model_id, label=label.upper(), value=value, round=server_round)

    metrics = {"train_loss": train_loss, "num-examples": len(training)}
    content = RecordDict({"arrays": ArrayRecord([model.coef_, model.intercept_]), "metrics": MetricRecord(metrics)})
    return Message(content=content, reply_to=msg)
