"""The way out: every message is stored first, sent in order, and deleted when the hub has it."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence

from flip_contracts.messages import TrustMessage
from flip_trust.errors import HubRefused, HubUnreachable
from flip_trust.hub_client import HubClient
from flip_trust.store import Store

log = logging.getLogger(__name__)
BATCH = 100
WHOLE_BATCH_REFUSED = (400, 413, 422)  # by the message's shape or size, not by who we are
GATHER_SECONDS = 0.05  # metrics of one moment travel together
LONGEST_BACK_OFF = 15.0


class Outbox:
    def __init__(self, store: Store, witness: Callable[[Sequence[tuple[str, str]]], None]):
        """`witness`: told of each message, by id and text, before it goes out."""
        self._store, self._witness = store, witness
        self._wake = threading.Event()

    def put(self, message: TrustMessage) -> None:
        self._store.put_message(message.id, message.model_dump_json())
        self._wake.set()

    def nudge(self) -> None:
        """Another process has put something in."""
        self._wake.set()

    def flush(self, hub: HubClient) -> bool:
        """Send one batch; True if there may be more."""
        waiting = self._store.messages(BATCH)
        if not waiting:
            return False
        try:
            self._witness(waiting)
        except sqlite3.Error as error:
            raise HubUnreachable(f"the ledger of what left cannot be written ({type(error).__name__})") from error
        try:
            receipt = hub.send([message for _, message in waiting])
        except HubRefused as refusal:
            if refusal.status not in WHOLE_BATCH_REFUSED:
                raise
            self._flush_singly(hub, waiting)
            return len(waiting) == BATCH
        rejected = {str(r.id): r.code for r in receipt.rejected}
        for message_id, code in rejected.items():
            log.error("the hub refused message %s: %s; it is kept among the dead letters", message_id, code)
        self._store.settle_messages([str(i) for i in receipt.accepted], rejected)
        return len(waiting) == BATCH

    def _flush_singly(self, hub: HubClient, waiting: list[tuple[str, str]]) -> None:
        """The hub cannot read this batch: find the message that it never will, so that it does not hold up the rest."""
        for message_id, message in waiting:
            try:
                receipt = hub.send([message])
                rejected = {str(r.id): r.code for r in receipt.rejected}
                accepted = [str(i) for i in receipt.accepted]
            except HubRefused as refusal:
                if refusal.status not in WHOLE_BATCH_REFUSED:
                    raise
                accepted, rejected = [], {message_id: refusal.code}
            for refused_id, code in rejected.items():
                log.error("the hub refused message %s: %s; it is kept among the dead letters", refused_id, code)
            self._store.settle_messages(accepted, rejected)

    def run_forever(self, hub: HubClient, stop: threading.Event) -> None:
        back_off = 0.5
        while not stop.is_set():
            self._wake.wait(1.0)
            self._wake.clear()
            stop.wait(GATHER_SECONDS)
            try:
                while self.flush(hub):
                    pass
                back_off = 0.5
            except (HubUnreachable, HubRefused) as error:
                log.warning("the hub does not take messages now (%s); they wait", error)
                stop.wait(back_off)
                back_off = min(back_off * 2, LONGEST_BACK_OFF)
                self._wake.set()
