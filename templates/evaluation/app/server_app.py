"""Sends the checkpoint to every trust once, and reports what they found: per site, and pooled."""

import json
import tempfile
import time
from pathlib import Path

import numpy as np
from flip import FLIP
from flip.constants.flip_constants import ModelStatus
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, MessageType, RecordDict
from flwr.serverapp import Grid, ServerApp

from app import checkpoint
from app.metrics import METRICS, with_intervals

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context, flip: FLIP = FLIP()) -> None:
    run_config = context.run_config
    flip_model_id = run_config.get("flip-model-id")

    flip.update_status(flip_model_id, ModelStatus.INITIATED)
    arrays = ArrayRecord({name: Array(array) for name, array in checkpoint.load().items()})
    flip.update_status(flip_model_id, ModelStatus.PREPARED)

    nodes = wait_for_nodes(grid, int(run_config.get("flip-min-clients", 1)))
    content = RecordDict({"arrays": arrays, "config": ConfigRecord({"server-round": 1})})
    messages = [Message(content, node, MessageType.EVALUATE, group_id="1") for node in nodes]
    replies = list(grid.send_and_receive(messages, timeout=float(run_config["timeout-seconds"])))
    flip.update_status(flip_model_id, ModelStatus.TRAINING_STARTED)

    report = report_of(replies, nodes, int(run_config["bootstrap-samples"]))
    for name in METRICS:
        for suffix, value in zip(("", "_LOW", "_HIGH"), report["pooled"][name], strict=True):
            flip.send_metrics("pooled", flip_model_id, label=f"{name.upper()}{suffix}", value=value, round=1)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "evaluation.json").write_text(json.dumps(report, indent=1))
        flip.upload_results(folder)
    flip.update_status(flip_model_id, ModelStatus.RESULTS_UPLOADED)


def wait_for_nodes(grid: Grid, count: int) -> dict[int, str]:
    """Node id to trust name, once `count` trusts are there."""
    while len(nodes := {node.node_id: node.name for node in grid.get_nodes()}) < count:
        time.sleep(1)
    return nodes


def report_of(replies: list[Message], nodes: dict[int, str], samples: int) -> dict:
    """Metrics as (value, low, high) per site and pooled. Raises RuntimeError where no trust had a result."""
    sites = {}
    for reply in replies:
        name = nodes.get(reply.metadata.src_node_id) or str(reply.metadata.src_node_id)
        if reply.has_error():
            print(f"No result from {name}: {reply.error.reason}")
            continue
        sites[name] = reply.content["metrics"]
    if not sites:
        raise RuntimeError("not one trust returned a result; the lines above say why")
    pooled = tuple(
        np.sum([np.array(site[kind], dtype=int) for site in sites.values()], axis=0)
        for kind in ("positives", "negatives")
    )
    return {
        "people": sum(int(site["num-examples"]) for site in sites.values()),
        "pooled": with_intervals(pooled, samples),
        "sites": {
            name: {"people": int(site["num-examples"])} | {metric: site[f"{metric}_interval"] for metric in METRICS}
            for name, site in sites.items()
        },
    }
