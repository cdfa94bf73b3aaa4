"""An update that is known beforehand: each trust adds a fixed number to every value and has a fixed weight."""

import json
import os

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.clientapp.mod import (
    LocalDpMod,
    adaptiveclipping_mod,
    arrays_size_mod,
    fixedclipping_mod,
    message_size_mod,
)

STEP = {"alpha": 1, "beta": 2, "gamma": 6}
EXAMPLES = {"alpha": 1, "beta": 3, "gamma": 2}
MODS = {
    "fixedclipping_mod": fixedclipping_mod,
    "adaptiveclipping_mod": adaptiveclipping_mod,
    # Sensitivity 0 clips and adds no noise, so that the value can be checked; with noise it cannot.
    "LocalDpMod": LocalDpMod(clipping_norm=1.0, sensitivity=0.0, epsilon=1.0, delta=0.1),
    "noisy LocalDpMod": LocalDpMod(clipping_norm=1.0, sensitivity=0.01, epsilon=1.0, delta=0.1),
    "arrays_size_mod": arrays_size_mod,
    "message_size_mod": message_size_mod,
}


def mod_of_this_message(msg: Message, context: Context, call_next) -> Message:
    """One app for all mods: the ServerApp says which one, in the same ConfigRecord that the strategy fills."""
    name = str(msg.content["config"].get("mod", ""))
    return MODS[name](msg, context, call_next) if name else call_next(msg, context)


app = ClientApp(mods=[mod_of_this_message])


@app.train()
def train(msg: Message, context: Context) -> Message:
    config, trust = msg.content["config"], os.environ["SUPERNODE_NAME"]
    metrics = MetricRecord(
        {"num-examples": EXAMPLES[trust], "train_loss": 1.0, "proximal": config.get("proximal-mu", 0.0)}
    )
    if config.get("model") == "trees":
        arrays = [np.frombuffer(_one_tree(trust), dtype=np.uint8)]
    else:
        arrays = [values + STEP[trust] for values in msg.content["arrays"].to_numpy_ndarrays()]
    return Message(RecordDict({"arrays": ArrayRecord(arrays), "metrics": metrics}), reply_to=msg)


@app.evaluate()
def evaluate(msg: Message, context: Context) -> Message:
    trust = os.environ["SUPERNODE_NAME"]
    value = float(msg.content["arrays"].to_numpy_ndarrays()[0].mean())
    metrics = MetricRecord({"num-examples": EXAMPLES[trust], "eval_loss": value + STEP[trust]})
    return Message(RecordDict({"metrics": metrics}), reply_to=msg)


def _one_tree(trust: str) -> bytes:
    """What XGBoost's `save_raw("json")` holds of a booster with one tree, as far as bagging reads it."""
    model = {
        "gbtree_model_param": {"num_trees": "1", "num_parallel_tree": "1"},
        "iteration_indptr": [0, 1],
        "tree_info": [0],
        "trees": [{"id": 0, "base_weights": [STEP[trust]]}],
    }
    return json.dumps({"learner": {"gradient_booster": {"model": model}}}).encode()
