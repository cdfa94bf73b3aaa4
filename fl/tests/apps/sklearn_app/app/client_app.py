import os
import warnings

from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from sklearn.metrics import log_loss

from app.task import (
    create_log_reg_and_instantiate_parameters,
    get_model_parameters,
    load_data,
    set_model_params,
)

app = ClientApp()
SEEDS = {"alpha": 1, "beta": 2}


@app.train()
def train(msg: Message, context: Context):
    """Train the model on local data."""
    model = create_log_reg_and_instantiate_parameters(int(context.run_config["local-epochs"]))
    set_model_params(model, msg.content["arrays"].to_numpy_ndarrays())
    x_train, y_train = load_data(SEEDS[os.environ["SUPERNODE_NAME"]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a few iterations do not converge, and need not
        model.fit(x_train, y_train)
    loss = log_loss(y_train, model.predict_proba(x_train))
    content = RecordDict(
        {
            "arrays": ArrayRecord(get_model_parameters(model)),
            "metrics": MetricRecord({"num-examples": len(x_train), "train_logloss": loss}),
        }
    )
    return Message(content=content, reply_to=msg)


@app.evaluate()
def evaluate(msg: Message, context: Context):
    """Evaluate the model on test data."""
    model = create_log_reg_and_instantiate_parameters(1)
    set_model_params(model, msg.content["arrays"].to_numpy_ndarrays())
    x_test, y_test = load_data(10 + SEEDS[os.environ["SUPERNODE_NAME"]])
    metrics = {"num-examples": len(x_test), "accuracy": float(model.score(x_test, y_test))}
    return Message(content=RecordDict({"metrics": MetricRecord(metrics)}), reply_to=msg)
