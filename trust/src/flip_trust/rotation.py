"""A new key and a new token for this trust, while tasks run. Every step may be cut short and done again."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization as ser

from flip_contracts.messages import RotateRequest, Rotation
from flip_trust.errors import HubRefused, NotEnrolled, TrustError
from flip_trust.hub_client import HubClient
from flip_trust.keys import TrustKey, new_private_key, public_text, signature, write_private
from flip_trust.ledger.witness import Witness
from flip_trust.outbox import Outbox
from flip_trust.settings import NodeSettings
from flip_trust.store import Store


class RotationBusy(TrustError):
    """Another process rotates the keys just now; wait for it."""

    code = "rotation_busy"


def rotate(settings: NodeSettings, store: Store) -> str:
    """Returns the new public key. Raises `HubUnreachable` or `HubRefused`, and then the old key and token still hold.

    The hub takes the old token until the new one is first used, and for a while decisions that the old key signed
    before. What this trust decided stays verifiable here for good: each key vouches for the one before it.
    """
    if "token" not in store.identity():
        raise NotEnrolled("This trust is not enrolled. Run `flip-trust enrol CODE --hub URL` first.")
    key = TrustKey(settings.data_dir / "keys" / "trust.pem")
    draft = key.path.with_name("trust-next.pem")
    with _alone(key.path.with_name("rotation.lock")):
        hub = HubClient.of(settings, store)
        outbox = Outbox(store, Witness.at(settings.data_dir, store).messages)
        while outbox.flush(hub):  # what the old key signed goes first
            pass
        if not draft.exists():
            write_private(draft, new_private_key())
        new: Any = ser.load_pem_private_key(draft.read_bytes(), password=None)
        told = Rotation(public_key=public_text(new), previous_key=key.public, asked_at=datetime.now(UTC))
        request = RotateRequest(rotation=told, signature=key.sign(told), signature_by_new=signature(new, told))
        try:
            token = hub.rotate(request).token
        except HubRefused as refusal:
            if refusal.code != "rotation_invalid":
                raise
            # An earlier try may have reached the hub, whose answer was lost: it knows the new key already.
            token = hub.rotate(request.model_copy(update={"signature": request.signature_by_new})).token
        key.note(request)
        draft.replace(key.path)
        store.set_identity(token=token)
        hub.nets()  # the first use of the new token ends the old one
        return told.public_key


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RotationBusy("Another process rotates the keys just now. Wait for it.") from None
        yield
