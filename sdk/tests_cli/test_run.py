"""`flip app run`: what a client sees, what comes back, and how a run ends."""

import contextlib
import io
import json
import textwrap

import numpy as np
import pytest

CLIENT_THAT = """
    import os
    from pathlib import Path
    from flip import FLIP
    from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp

    app = ClientApp()
    name = os.environ["SUPERNODE_NAME"]

    def reply(msg, **metrics):
        records = {"metrics": MetricRecord({"num-examples": 1, **metrics})}
        if "arrays" in msg.content and msg.metadata.message_type == "train":
            records["arrays"] = msg.content["arrays"]
        return Message(RecordDict(records), reply_to=msg)
"""


def metrics_of(result) -> list[dict]:
    return [json.loads(line) for line in (result.folder / "metrics.jsonl").read_text().splitlines()]


def values(result, label: str, trust: str) -> list[float]:
    return [p["value"] for p in metrics_of(result) if p["label"] == label and p["client_name"] == trust]


@pytest.mark.parametrize("parallel", [False, True])
def test_a_run_trains_and_leaves_model_metrics_and_statuses(make_app, run_here, parallel) -> None:
    result = run_here(make_app(), trusts=3, parallel=parallel)
    assert result.error is None
    with np.load(result.model, allow_pickle=False) as model:
        assert {k: (v.dtype, v.tolist()) for k, v in model.items()} == {"0": (np.dtype("float32"), [2.0] * 3)}
    assert [(r.round, r.results, r.failures) for r in result.recorder.rounds] == [(1, 3, 0), (2, 3, 0)]
    for trust in ("trust-1", "trust-2", "trust-3"):
        assert values(result, "TRAIN_LOSS", trust) == [1.0, 0.5]  # once, although the reply holds it as well
    assert result.recorder.statuses == ["INITIATED", "RESULTS_UPLOADED"]
    assert json.loads((result.folder / "run.json").read_text())["trusts"] == ["trust-1", "trust-2", "trust-3"]


def test_each_trust_has_its_name_its_partition_and_its_own_state(make_app, run_here) -> None:
    client = (
        CLIENT_THAT
        + """
    calls = 0

    @app.train()
    def train(msg, context):
        global calls
        calls += 1
        seen = int(context.state["seen"]["n"]) if "seen" in context.state else 0
        context.state["seen"] = ConfigRecord({"n": seen + 1})
        assert context.node_config["name"] == name and context.node_config["num-partitions"] == 2
        return reply(msg, calls=calls, seen=seen, partition=context.node_config["partition-id"])
    """
    )
    result = run_here(make_app(client), config="num-server-rounds=3")
    assert result.error is None, result.failure
    for index, trust in enumerate(("trust-1", "trust-2")):
        assert values(result, "SEEN", trust) == [0, 1, 2]  # state is kept between messages,
        assert values(result, "CALLS", trust) == [1, 1, 1]  # module state is not: each message is a new process
        assert values(result, "PARTITION", trust) == [index] * 3


def test_server_and_clients_do_not_share_module_state(make_app, run_here, server_source) -> None:
    shared = "count = 0\ndef add():\n    global count\n    count += 1\n    return count\n"
    server = "from app import shared\nshared.add(); shared.add()\n" + textwrap.dedent(server_source)
    client = (
        CLIENT_THAT
        + """
    from app import shared

    @app.train()
    def train(msg, context):
        from app.shared import add  # an import inside a function finds this message's copy, too
        return reply(msg, count=add())
    """
    )
    result = run_here(make_app(client, server, shared=shared))
    assert result.error is None, result.failure
    assert values(result, "COUNT", "trust-1") == [1, 1]


def test_what_a_client_changes_in_a_message_or_the_environment_stays_with_it(make_app, run_here) -> None:
    client = (
        CLIENT_THAT
        + """
    @app.train()
    def train(msg, context):
        marks = len([k for k in msg.content["config"] if k.startswith("mark")]) + ("MARK" in os.environ)
        msg.content["config"]["mark-" + name] = 1
        os.environ["MARK"] = "1"
        return reply(msg, marks=marks)
    """
    )
    result = run_here(make_app(client))
    assert values(result, "MARKS", "trust-1") + values(result, "MARKS", "trust-2") == [0, 0, 0, 0]


def test_evaluate_and_lifespans_run(make_app, run_here) -> None:
    client = (
        CLIENT_THAT
        + """
    entered = []

    @app.lifespan()
    def lifespan(context):
        entered.append(1)
        yield
        entered.clear()

    @app.train()
    def train(msg, context):
        return reply(msg, entered=len(entered))

    @app.evaluate()
    def evaluate(msg, context):
        return reply(msg, val_dice=0.25)
    """
    )
    result = run_here(make_app(client), config="evaluate=true num-server-rounds=1")
    assert result.error is None, result.failure
    assert [(r.phase, r.metrics.get("val_dice")) for r in result.recorder.rounds] == [
        ("train", None),
        ("evaluate", 0.25),
    ]
    assert values(result, "ENTERED", "trust-1") == [1]


def test_queries_are_answered_and_an_unknown_node_gets_none(make_app, run_here) -> None:
    server = """
    import json
    from pathlib import Path
    from flip import FLIP
    from flwr.app import Message, RecordDict
    from flwr.serverapp import ServerApp

    app = ServerApp()

    @app.main()
    def main(grid, context, flip=FLIP()):
        nodes = {node.node_id: node.name for node in grid.get_nodes()}
        ids = list(grid.push_messages([Message(RecordDict(), n, "query.size") for n in [*nodes, 5]]))
        replies = list(grid.pull_messages(ids))
        sizes = {nodes[r.metadata.src_node_id]: r.content["metrics"]["size"] for r in replies}
        assert list(grid.pull_messages(ids)) == [] and ids[-1] == "" and grid.run.run_id == context.run_id
        Path(context.run_config["note"]).write_text(json.dumps(sizes))
        flip.upload_results(context.run_config["note"])
        flip.update_status("m", "RESULTS_UPLOADED")
    """
    client = (
        CLIENT_THAT
        + """
    @app.query("size")
    def size(msg, context):
        return reply(msg, size=len(name))
    """
    )
    app = make_app(client, server)
    result = run_here(app, config=f'note="{app.parent}/sizes.json"')
    assert result.error is None, result.failure
    assert json.loads((result.folder / "results" / "sizes.json").read_text()) == {"trust-1": 7, "trust-2": 7}


def test_a_client_that_raises_becomes_the_error_reply_of_a_deployment(make_app, run_here, server_source) -> None:
    client = (
        CLIENT_THAT
        + """
    class Odd(Exception): ...

    @app.train()
    def train(msg, context):
        if name == "trust-2":
            raise Odd("client boom")
        return reply(msg)
    """
    )
    server = server_source.replace(
        "    @app.main()",
        """
    class Told(FedAvg):
        def aggregate_train(self, server_round, replies):
            replies = list(replies)
            print("REASON", [(r.error.code, r.error.reason) for r in replies if r.has_error()])
            return super().aggregate_train(server_round, replies)

    @app.main()""",
    ).replace("strategy = FedAvg", "strategy = Told")
    app = make_app(client, server)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        result = run_here(app, config="num-server-rounds=1")
    assert "REASON [(2, \"<class 'app.client_app.Odd'>:<'client boom'>\")]" in said.getvalue()
    assert result.error is None
    (failure,) = result.recorder.failures
    assert (failure["trust"], failure["error_class"], failure["message"]) == ("trust-2", "Odd", "client boom")
    line = next(
        n for n, text in enumerate((app / "app/client_app.py").read_text().splitlines(), 1) if "raise Odd" in text
    )
    assert failure["place"] == f"app/client_app.py:{line}"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("raise ValueError('client boom')", "ValueError: client boom"),
        ("raise SystemExit(3)", "it exited (3)"),
        ("return None", "returned NoneType"),
        ("import not_there", "No module named 'not_there'"),
    ],
)
def test_a_round_without_results_ends_the_run_as_on_the_platform(make_app, run_here, body, told) -> None:
    client = (
        CLIENT_THAT
        + f"""
    @app.train()
    def train(msg, context):
        {body}
    """
    )
    result = run_here(make_app(client))
    assert result.error.code == "no_client_results"
    assert "in round 1" in str(result.error)
    assert told in str(result.error)
    assert result.recorder.statuses == ["INITIATED"]


@pytest.mark.parametrize("parallel", [False, True])
def test_a_client_app_that_cannot_be_loaded_is_told_with_file_and_line(make_app, run_here, parallel) -> None:
    result = run_here(make_app("import flwr\n\ndef f(:\n"), parallel=parallel)
    assert result.error.code == "no_client_results"
    assert {f["place"] for f in result.recorder.failures} == {"app/client_app.py:3"}
    assert "SyntaxError" in str(result.error)


def test_a_process_that_ends_is_an_error_reply_in_a_parallel_run(make_app, run_here) -> None:
    client = (
        CLIENT_THAT
        + """
    @app.train()
    def train(msg, context):
        if name == "trust-2":
            os._exit(7)
        return reply(msg)
    """
    )
    result = run_here(make_app(client), parallel=True, config="num-server-rounds=1")
    assert result.error is None
    assert [(f["trust"], f["error_class"]) for f in result.recorder.failures] == [("trust-2", "ClientAppCrashed")]
    assert "exit code 7" in result.recorder.failures[0]["message"]


def test_a_server_app_that_raises_is_told_with_its_place(make_app, run_here, server_source) -> None:
    server = server_source.replace("strategy.start(", "raise RuntimeError('server boom')\n        strategy.start(")
    result = run_here(make_app(server=server))
    assert result.error.code == "server_app_raised"
    assert "RuntimeError: server boom (app/server_app.py:" in str(result.error)
    assert "flwr" not in result.failure.text
    assert "raise RuntimeError('server boom')" in result.failure.text


def test_a_server_app_that_trains_nothing_and_keeps_nothing_has_failed(make_app, run_here) -> None:
    server = "from flwr.serverapp import ServerApp\napp = ServerApp()\n@app.main()\ndef main(grid, context): ...\n"
    assert run_here(make_app(server=server)).error.code == "no_client_results"


def test_a_node_minimum_above_the_trusts_is_lowered_and_said(make_app, run_here) -> None:
    result = run_here(make_app(), trusts=1)
    assert result.error is None
    assert any("FedAvg.min_available_nodes was 2; this run has 1 trust(s)" in n for n in result.recorder.notices)


def test_replies_later_than_the_timeout_are_left_out_and_said(make_app, run_here, server_source) -> None:
    client = (
        CLIENT_THAT
        + """
    import time

    @app.train()
    def train(msg, context):
        time.sleep(0.3 if name == "trust-2" else 0)
        return reply(msg)
    """
    )
    server = server_source.replace("grid=grid,", "grid=grid, timeout=0.2,")
    result = run_here(make_app(client, server), config="num-server-rounds=1")
    assert [(r.results, r.failures) for r in result.recorder.rounds] == [(1, 0)]
    assert any("1 of 2 replies took longer than the timeout of 0.2 s" in n for n in result.recorder.notices)


def test_the_seeds_pitfalls_are_said_after_a_local_run(make_app, run_here, server_source) -> None:
    client = (
        CLIENT_THAT
        + """
    @app.train()
    def train(msg, context):
        FLIP().send_metrics("unknown_client", "m", "LOSS", 1.0, round=1)
        return reply(msg)
    """
    )
    server = server_source.replace("flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED)", "pass")
    notices = run_here(make_app(client, server)).recorder.notices
    assert any("SUPERNODE_NAME" in n and "unknown_client" in n for n in notices)
    assert any("RESULTS_UPLOADED" in n and "INITIATED" in n for n in notices)
