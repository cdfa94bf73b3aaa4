"""What a ServerApp's messages and their replies took, per trust, without a change to the app."""

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import flwr.superlink.grid.http_grid as flwr_grid
from flwr.app import Message

from flip_fl.executor.report import post, round_of


class Exchanges:
    """Watches the grid, which every app's messages go through, whatever strategy or older API it uses."""

    def __init__(self) -> None:
        self._open: dict[str, dict[str, Any]] = {}  # by message id
        self._answered: list[dict[str, Any]] = []
        self._results = 0
        self._errors: list[str] = []
        self.watched: bool | None = False  # True once a strategy has started, None once the opposite was told

    def install(self) -> None:
        push, pull = flwr_grid.HttpGrid.push_messages, flwr_grid.HttpGrid.pull_messages

        def pushed(grid: Any, messages: Iterable[Message]) -> Iterable[str]:
            messages, queued_at = list(messages), time.time()
            self._tell_shape(messages)
            ids = list(push(grid, messages))
            for message_id, message in zip(ids, messages, strict=False):
                if message_id:  # None: Flower refused it, for example to a node of another run
                    self._open[message_id] = _sent(message, queued_at)
            return ids

        def pulled(grid: Any, message_ids: Iterable[str]) -> Iterable[Message]:
            replies = list(pull(grid, message_ids))
            for reply in replies:
                self._take(reply)
            return replies

        flwr_grid.HttpGrid.push_messages = pushed  # type: ignore[method-assign]
        flwr_grid.HttpGrid.pull_messages = pulled  # type: ignore[method-assign]

    def _tell_shape(self, messages: list[Message]) -> None:
        """An app that talks to its trusts without a strategy has its state where nobody sees it."""
        if messages and self.watched is False:
            self.watched = None
            why = "it sends its messages itself, without `strategy.start`"
            post("/relay/v1/shape", {"resumable": False, "why": why})

    def _take(self, reply: Message) -> None:
        error = reason_of(reply) if reply.has_error() else ""
        if error:
            self._errors.append(error)
        else:
            self._results += 1
        if exchange := self._open.pop(reply.metadata.reply_to_message_id, None):
            size = 0 if error else _size(reply)
            self._answered.append(exchange | {"replied_at": time.time(), "reply_bytes": size, "error": error[:300]})

    def tell(self) -> None:
        """A round is over: what it took. A message that nobody answered is told as such."""
        done = self._answered + list(self._open.values())
        self._answered, self._open = [], {}
        if done:
            post("/relay/v1/exchanges", {"aggregated_at": time.time(), "exchanges": done})

    def tell_unwatched(self) -> None:
        """Results of an app that sends its messages itself or has an older strategy: no `Watch` counts those."""
        if not (self._results or self._errors):
            return
        body = {"results": self._results, "failures": len(self._errors), "errors": sorted(set(self._errors))}
        post("/relay/v1/round-done", {"round": 1, "phase": "train", **body})
        folder = Path(os.environ["FLIP_RESULTS_DIR"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "history.json").write_text(json.dumps({"rounds": [{"round": 1, **body}]}, indent=1))


EXCHANGES = Exchanges()


def reason_of(reply: Message) -> str:
    """`RuntimeError: details are in the trust's log (app/client_app.py:24)` out of Flower's `<class 'X'>:<'text'>`."""
    text = reply.error.reason or f"error {reply.error.code}"
    if text.startswith("<class '") and "'>:<'" in text:
        name, detail = text.removeprefix("<class '").split("'>:<'", 1)
        return f"{name.rsplit('.', 1)[-1]}: {detail.removesuffix(chr(39) + '>')}"
    return text


def _sent(message: Message, queued_at: float) -> dict[str, Any]:
    return {
        "node_id": str(message.metadata.dst_node_id),
        "round": round_of(message),
        "phase": message.metadata.message_type[:64],
        "queued_at": queued_at,
        "sent_bytes": _size(message),
    }


def _size(message: Message) -> int:
    return sum(record.count_bytes() for record in message.content.values()) if message.has_content() else 0
