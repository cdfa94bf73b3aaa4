"""Answers train, evaluate and query messages with what it finds left over from the messages before."""

import os
import tempfile
from pathlib import Path

from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

calls = 0  # module state: one process answers one message, so it never gets past 1
app = ClientApp()


@app.lifespan()
def lifespan(context: Context):
    print("CLIENT LIFESPAN begins")
    yield
    print("CLIENT LIFESPAN ends")


def what_is_here(context: Context) -> MetricRecord:
    global calls
    calls += 1
    memory = context.state.get("memory")
    messages = int(memory["messages"]) + 1 if isinstance(memory, MetricRecord) else 1
    context.state["memory"] = MetricRecord({"messages": messages})
    places = {"cwd": Path.cwd(), "home": Path.home(), "tmp": Path(tempfile.gettempdir())}
    found = {f"left-in-{name}": int((folder / "left-behind").exists()) for name, folder in places.items()}
    for folder in places.values():
        (folder / "left-behind").write_text("by an earlier message")
    found["left-in-environment"] = int("LEFT_BEHIND" in os.environ)
    os.environ["LEFT_BEHIND"] = "1"
    inside = all(str(folder).startswith(str(Path.cwd().parent)) for folder in places.values())
    secrets = sum("SECRET" in name for name in os.environ)
    return MetricRecord(
        {"num-examples": 1, "messages": messages, "calls": calls, "secrets": secrets, "inside": int(inside), **found}
    )


@app.train()
def train(msg: Message, context: Context) -> Message:
    arrays = ArrayRecord([values + 1 for values in msg.content["arrays"].to_numpy_ndarrays()])
    return Message(RecordDict({"arrays": arrays, "metrics": what_is_here(context)}), reply_to=msg)


@app.evaluate()
def evaluate(msg: Message, context: Context) -> Message:
    return Message(RecordDict({"metrics": what_is_here(context)}), reply_to=msg)


@app.query()
def query(msg: Message, context: Context) -> Message:
    return Message(RecordDict({"metrics": what_is_here(context)}), reply_to=msg)


@app.query("name")
def name(msg: Message, context: Context) -> Message:
    print("asked for", msg.content["config"]["what"])
    answer = MetricRecord({"length": len(os.environ["SUPERNODE_NAME"])})
    return Message(RecordDict({"metrics": answer}), reply_to=msg)
