"""Runs the cases that `cases` names, one after the other in one run, and prints the result of each as JSON."""

import json

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Context
from flwr.serverapp import Grid, ServerApp

from app.cases import Case, cases

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    known = cases(len(list(grid.get_node_ids())))
    for name in str(context.run_config["cases"]).split(","):
        print("CASE", json.dumps({"name": name, **run(grid, known[name])}), flush=True)


def run(grid: Grid, case: Case) -> dict:
    trees = case.config.get("model") == "trees"
    start = [np.frombuffer(b"", np.uint8)] if trees else [np.zeros(4, np.float32)]
    result = case.make().start(
        grid=grid,
        initial_arrays=ArrayRecord(start),
        num_rounds=case.rounds,
        train_config=ConfigRecord(dict(case.config)),
    )
    (values,) = result.arrays.to_numpy_ndarrays()
    return {
        "values": json.loads(values.tobytes()) if trees else values.astype(float).tolist(),
        "train_metrics": {k: dict(v) for k, v in result.train_metrics_clientapp.items()},
        "evaluate_metrics": {k: dict(v) for k, v in result.evaluate_metrics_clientapp.items()},
    }
