"""The way out: stored first, in order, and nothing is lost when the hub is away."""

import json
import threading
from types import SimpleNamespace
from uuid import uuid4

import pytest

from flip_contracts.messages import ImagingMessage, MessageReceipt, Rejection
from flip_trust.errors import HubRefused, HubUnreachable
from flip_trust.outbox import BATCH, Outbox
from flip_trust.store import Store


def message(number: int) -> ImagingMessage:
    return ImagingMessage(id=uuid4(), project_id=uuid4(), stages={"READY": number}, final=False)


class Hub:
    """Takes messages; `rejects` and `unreadable` hold the numbers that it does not."""

    def __init__(self):
        self.down, self.status = False, 422
        self.rejects, self.unreadable = set(), set()
        self.taken, self.batches = [], []

    def send(self, messages):
        if self.down:
            raise HubUnreachable("ConnectError")
        found = [json.loads(m) for m in messages]
        self.batches.append(len(found))
        number = {m["id"]: m["stages"]["READY"] for m in found}
        if self.unreadable & set(number.values()):
            raise HubRefused(self.status, "invalid_request", "no")
        bad = [i for i in number if number[i] in self.rejects]
        good = [i for i in number if i not in bad]
        self.taken += [number[i] for i in good]
        rejected = [Rejection(id=i, code="message_refused", message="no") for i in bad]
        return MessageReceipt(accepted=good, rejected=rejected)


@pytest.fixture
def way(tmp_path):
    store = Store(tmp_path / "state" / "agent.db")
    yield SimpleNamespace(
        path=tmp_path / "state" / "agent.db", store=store, outbox=Outbox(store, lambda _: None), hub=Hub()
    )
    store.close()


def test_messages_leave_in_the_order_they_were_put_in_batches(way):
    for number in range(BATCH + 5):
        way.outbox.put(message(number))
    assert way.outbox.flush(way.hub) is True
    assert way.outbox.flush(way.hub) is False
    assert way.outbox.flush(way.hub) is False
    assert way.hub.taken == list(range(BATCH + 5))
    assert way.hub.batches == [BATCH, 5]
    assert way.store.messages(10) == []


def test_a_message_that_is_put_twice_leaves_once(way):
    twice = message(1)
    way.outbox.put(twice)
    way.outbox.put(twice)
    way.outbox.flush(way.hub)
    assert way.hub.taken == [1]


def test_messages_survive_a_new_store_on_the_same_file(way):
    for number in range(3):
        way.outbox.put(message(number))
    way.store.close()
    reopened = Store(way.path)
    Outbox(reopened, lambda _: None).flush(way.hub)
    assert way.hub.taken == [0, 1, 2]
    reopened.close()
    again = Store(way.path)
    assert again.messages(10) == []
    again.close()


def test_while_the_hub_is_down_everything_is_kept_in_order(way):
    way.hub.down = True
    for number in range(3):
        way.outbox.put(message(number))
        with pytest.raises(HubUnreachable):
            way.outbox.flush(way.hub)
    assert len(way.store.messages(10)) == 3
    assert way.store.dead_letters() == []
    way.hub.down = False
    way.outbox.put(message(3))
    way.outbox.flush(way.hub)
    assert way.hub.taken == [0, 1, 2, 3]


def test_a_rejected_message_goes_to_the_dead_letters_and_the_others_leave(way, caplog):
    way.hub.rejects = {1}
    sent = [message(number) for number in range(3)]
    for one in sent:
        way.outbox.put(one)
    way.outbox.flush(way.hub)
    assert way.hub.taken == [0, 2]
    assert way.store.dead_letters() == [(str(sent[1].id), "message_refused")]
    assert way.store.messages(10) == []
    assert str(sent[1].id) in caplog.text


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_message_that_the_hub_cannot_read_does_not_hold_up_the_others(way, status):
    way.hub.unreadable, way.hub.status = {1}, status
    sent = [message(number) for number in range(3)]
    for one in sent:
        way.outbox.put(one)
    way.outbox.flush(way.hub)
    assert way.hub.taken == [0, 2]
    assert way.store.dead_letters() == [(str(sent[1].id), "invalid_request")]


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_a_refusal_of_who_we_are_kills_no_message(way, status):
    way.hub.unreadable, way.hub.status = {0}, status
    for number in range(2):
        way.outbox.put(message(number))
    with pytest.raises(HubRefused):
        way.outbox.flush(way.hub)
    assert len(way.store.messages(10)) == 2
    assert way.store.dead_letters() == []


def test_the_sender_goes_on_after_an_outage_and_wakes_at_a_new_message(way, monkeypatch):
    stop, down_seen = threading.Event(), threading.Event()
    wait = stop.wait
    monkeypatch.setattr(stop, "wait", lambda _=None: wait(0.01))  # no back-off in this test
    send = way.hub.send

    def watched(messages):
        if way.hub.down:
            down_seen.set()
        return send(messages)

    way.hub.send, way.hub.down = watched, True
    way.outbox.put(message(0))
    sender = threading.Thread(target=way.outbox.run_forever, args=(way.hub, stop), daemon=True)
    sender.start()
    assert down_seen.wait(5)
    way.hub.down = False
    way.outbox.put(message(1))
    for _ in range(500):
        if way.hub.taken == [0, 1]:
            break
        wait(0.01)
    stop.set()
    way.outbox.nudge()
    sender.join(5)
    assert not sender.is_alive()
    assert way.hub.taken == [0, 1]
