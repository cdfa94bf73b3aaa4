"""Inside a ClientApp's process: what an exception says stays at the trust; only its class and place travel."""

import importlib
import os
from typing import Any

import flwr.supercore.inflatable.inflatable_utils as flwr_inflatable
from flwr.app import Message

from flip import reply_metrics
from flip_fl.bundles import ask_in_bundles
from flip_fl.executor.report import place_in_app, post, root_of, round_of

TURN = "FLIP_TURN"  # read by the SDK
flwr_run: Any = importlib.import_module("flwr.supernode.runtime.run_clientapp")


def install() -> None:
    ask_in_bundles(flwr_inflatable)
    load_fn = flwr_run.get_load_client_app_fn

    def get_load_client_app_fn(*args: Any, **kwargs: Any) -> Any:
        load = load_fn(*args, **kwargs)

        def load_guarded(*a: Any, **k: Any) -> Any:
            try:
                app = load(*a, **k)
            except Exception as error:  # noqa: BLE001  an app may raise anything
                raise _stripped(root_of(error)) from None
            return lambda message, context: _call(app, message, context)

        return load_guarded

    flwr_run.get_load_client_app_fn = get_load_client_app_fn


def _call(app: Any, message: Any, context: Any) -> Any:
    os.environ[TURN] = turn_of(message)
    try:
        with reply_metrics.recording() as sent:
            reply = app(message=message, context=context)
        _forward(reply, message, sent)
        return reply
    except Exception as error:  # noqa: BLE001  an app may raise anything
        raise _stripped(error) from None
    finally:
        _flush_metrics()


def turn_of(message: Any) -> str:
    """Names this message's work: the same again when a round is repeated after a crash, so that metrics that are sent
    twice count once. Without a round's number no two messages are the same work."""
    told, number = message.metadata, round_of(message)
    what = f"{told.message_type}:{number}:{told.group_id}" if number else told.message_id
    return f"{os.environ.get('SUPERNODE_NAME', '')}:{what}"


def _forward(reply: Any, message: Any, sent: Any) -> None:
    """Numbers of the reply's MetricRecords become points of this trust; what the app sent itself is left out."""
    if not isinstance(reply, Message) or not reply.has_content():  # Flower tells the app what is wrong with it
        return
    numbers = {k: v for record in reply.content.metric_records.values() for k, v in record.items()}
    try:
        reply_metrics.forward(numbers, round_of(message), sent)
    except Exception as error:  # noqa: BLE001  a chart must not cost the round
        print(f"the reply's metrics were not charted: {type(error).__name__}")


def _flush_metrics() -> None:
    """The SDK batches in the background; a reply must not overtake the metrics of its round."""
    import sys

    if flip := sys.modules.get("flip"):
        flip.FLIP().flush()


def _stripped(error: BaseException) -> Exception:
    """The same class name without its text: a text may quote a row.

    A missing module is named, since that comes from the code and not from data. The full traceback goes to the
    ClientApp's log, which stays at the trust.
    """
    import traceback

    traceback.print_exception(error)
    place = place_in_app(error)
    text = "details are in the trust's log"
    if isinstance(error, ModuleNotFoundError) and error.name:
        text = f"no module named {error.name} on the platform image"
    post(
        "/data/v1/exceptions",
        {"error_class": type(error).__name__, "text": f"{text} ({place})" if place else text},
    )
    kind = type(type(error).__name__, (Exception,), {"__module__": "builtins"})
    return kind(f"{text} ({place})" if place else text)
