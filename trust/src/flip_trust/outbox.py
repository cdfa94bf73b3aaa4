"""The way out: every message is stored first, sent in order, and deleted when the hub has it."""

import logging
import threading

from flip_contracts.messages import TrustMessage
from flip_trust.errors import HubRefused, HubUnreachable
from flip_trust.hub_client import HubClient
from flip_trust.store import Store

log = logging.getLogger(__name__)
BATCH = 100
GATHER_SECONDS = 0.05  # metrics of one moment travel together
LONGEST_BACK_OFF = 15.0


class Outbox:
    def __init__(self, store: Store):
        self._store = store
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
        receipt = hub.send([message for _, message in waiting])
        rejected = {str(r.id): r.code for r in receipt.rejected}
        for message_id, code in rejected.items():
            log.error("the hub refused message %s: %s; it is kept among the dead letters", message_id, code)
        self._store.settle_messages([str(i) for i in receipt.accepted], rejected)
        return len(waiting) == BATCH

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
