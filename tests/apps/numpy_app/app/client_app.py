"""Reads the cohort and one image, adds one to the weights, sends a metric."""

import os

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from flip import FLIP
from flip.constants import ResourceType

app = ClientApp()


@app.train()
def train(msg: Message, context: Context) -> Message:
    behaviour = context.run_config["behaviour"]
    if behaviour == "clients_exit":
        os._exit(3)
    flip = FLIP()
    project_id = context.run_config["flip-project-id"]
    df = flip.get_dataframe(project_id=project_id, query=context.run_config["flip-cohort-query"])
    if behaviour == "clients_raise":
        raise RuntimeError(f"cannot train on {df['accession_id'].iloc[0]}")
    if behaviour == "clients_print":
        print("rows", df.to_string())
    folder = flip.get_by_accession_number(project_id, df["accession_id"].iloc[0], resource_type=[ResourceType.NIFTI])
    assert list(folder.rglob("input_*.nii.gz"))
    server_round = int(msg.content["config"]["server-round"])
    flip.send_metrics(
        os.environ["SUPERNODE_NAME"],
        context.run_config["flip-model-id"],
        label="TRAIN_LOSS",
        value=1.0 / server_round,
        round=server_round,
    )
    if behaviour == "staged":
        assert np.array_equal(np.load(flip.get_file("weights/start.npy")), np.full(4, 7, np.float32))
        assert flip.get_file("codes.csv").read_text() == "code\n1\n"
    weights = msg.content["arrays"].to_numpy_ndarrays()[0] + 1
    reply = RecordDict(
        {"arrays": ArrayRecord([weights]), "metrics": MetricRecord({"num-examples": len(df), "loss": 1.0})}
    )
    return Message(reply, reply_to=msg)
