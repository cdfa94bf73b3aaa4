"""A trust's way in and out: one-time codes, its key and token, their rotation, revocation."""

import base64
import binascii
import secrets
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from flip_contracts.codes import new_code
from flip_contracts.messages import EnrolRequest, RotateRequest
from flip_contracts.statuses import TaskState
from flip_contracts.wire import PROTOCOL_VERSION, TRUST_NAME_PATTERN
from flip_hub.audit.service import record
from flip_hub.auth import sha256
from flip_hub.db import now
from flip_hub.errors import Conflict, FieldInvalid, HubError
from flip_hub.events import notify
from flip_hub.keys import is_signed_by
from flip_hub.trusts.tables import RetiredKey, TaskRow, Trust

CODE_LIFE: Final = timedelta(hours=24)
ROTATION_LIFE: Final = timedelta(minutes=5)  # a recorded request cannot be replayed later
HANDOVER_LIFE: Final = timedelta(hours=1)  # what the old key signed may still be on its way


class TrustNameTaken(Conflict):
    code = "trust_name_taken"
    public = "There is already a trust of this name."


class EnrolmentCodeInvalid(HubError):
    code, status = "enrolment_code_invalid", 401
    public = "This enrolment code is unknown, used or expired. Ask the hub's admin for a new one."


class AgentTooOld(HubError):
    code, status = "agent_protocol_unsupported", 409
    public = "This agent speaks another protocol version than the hub. Install the agent version that the hub names."


class PublicKeyInvalid(HubError):
    code, status = "public_key_invalid", 422
    public = "`public_key` must be the base64 of the 32 raw bytes of an Ed25519 key. Update the agent."


class RotationInvalid(HubError):
    code, status = "rotation_invalid", 422
    public = "The rotation is not signed by this trust's key, or is older than five minutes. Check the trust's clock."


class TrustAlreadyRevoked(Conflict):
    code = "trust_already_revoked"
    public = "This trust is revoked already. A new enrolment code lets it in again."


def create_trust(session: Session, actor: str, name: str) -> tuple[Trust, str]:
    if not TRUST_NAME_PATTERN.fullmatch(name):
        raise FieldInvalid("A trust's name begins with a letter and holds small letters, digits and hyphens.")
    if session.scalar(select(Trust).where(Trust.name == name)):
        raise TrustNameTaken
    trust = Trust(name=name)
    code = _new_code(trust)
    session.add(trust)
    session.flush()
    record(session, actor, "trust.created", str(trust.id), name=name)
    return trust, code


def issue_code(session: Session, actor: str, trust: Trust) -> str:
    """For a lost code, a lost key, or a trust that was revoked. What the trust has now stays good until it is used."""
    code = _new_code(trust)
    record(session, actor, "trust.code_issued", str(trust.id))
    return code


def _new_code(trust: Trust) -> str:
    code = new_code()
    trust.code_sha256, trust.code_expires_at = sha256(code), now() + CODE_LIFE
    return code


def enrol(session: Session, body: EnrolRequest) -> tuple[Trust, str]:
    if body.protocol_version != PROTOCOL_VERSION:
        raise AgentTooOld(hub_protocol_version=PROTOCOL_VERSION)
    ensure_key(body.public_key)
    trust = session.scalar(select(Trust).where(Trust.code_sha256 == sha256(body.code)).with_for_update())
    if trust is None or trust.code_expires_at is None or trust.code_expires_at < now():
        raise EnrolmentCodeInvalid
    token = secrets.token_urlsafe(32)
    before, trust.public_key, trust.token_sha256 = trust.public_key, body.public_key, sha256(token)
    trust.code_sha256 = trust.code_expires_at = trust.next_token_sha256 = trust.revoked_at = None
    trust.enrolled_at = trust.last_seen_at = now()
    trust.agent_version = body.agent_version
    record(session, f"trust:{trust.name}", "trust.enrolled", str(trust.id), key=body.public_key, key_before=before)
    return trust, token


def ensure_key(public_key: str) -> None:
    """Exactly one spelling of a key is taken, so that comparing two texts compares two keys."""
    try:
        raw = base64.b64decode(public_key, validate=True)
        Ed25519PublicKey.from_public_bytes(raw)
    except (ValueError, binascii.Error):
        raise PublicKeyInvalid from None
    if base64.b64encode(raw).decode() != public_key:
        raise PublicKeyInvalid


def rotate(session: Session, trust: Trust, body: RotateRequest) -> str:
    """A new token, and the new key if there is one. An agent that never got the answer may ask again: the request is
    then signed by the old key or, if that one is known here already, by the new."""
    session.refresh(trust, with_for_update=True)
    asked = body.rotation
    ensure_key(asked.public_key)
    fresh = abs(now() - asked.asked_at) < ROTATION_LIFE if asked.asked_at.tzinfo else False
    if not fresh or not is_signed_by(trust.public_key or "", asked, body.signature):
        raise RotationInvalid
    before = trust.public_key or ""
    if asked.public_key != before:
        held = is_signed_by(asked.public_key, asked, body.signature_by_new)
        if not held or asked.previous_key != before:
            raise RotationInvalid("The rotation is not signed by the new key too, or names another key before it.")
        handover = body.model_dump(mode="json")
        session.add(RetiredKey(trust_id=trust.id, public_key=before, handover=handover, retired_at=now()))
    token = secrets.token_urlsafe(32)
    trust.public_key, trust.next_token_sha256 = asked.public_key, sha256(token)
    record(session, f"trust:{trust.name}", "trust.rotated", str(trust.id), key=asked.public_key, key_before=before)
    return token


def is_signed_by_trust(session: Session, trust: Trust, message: BaseModel, signature: str, at: datetime) -> bool:
    """By its key, or by the one before it if that was at a time when it was the trust's, and not long ago.

    `at`: when the trust says that it signed, by the same clock as its rotation's `asked_at`.
    """
    if is_signed_by(trust.public_key or "", message, signature):
        return True
    late = select(RetiredKey).where(RetiredKey.trust_id == trust.id, RetiredKey.retired_at > now() - HANDOVER_LIFE)
    for key in session.scalars(late):
        told = RotateRequest.model_validate(key.handover).rotation
        if at <= told.old_until and is_signed_by(key.public_key, message, signature):
            return True
    return False


def revoke(session: Session, actor: str, trust: Trust) -> None:
    """Its token is dead at once, its approvals count no more, its runs go on without it."""
    if trust.revoked_at is not None:
        raise TrustAlreadyRevoked
    trust.revoked_at = now()
    trust.token_sha256 = trust.next_token_sha256 = trust.code_sha256 = trust.code_expires_at = None
    waiting = (TaskRow.trust_id == trust.id) & TaskRow.state.in_((TaskState.QUEUED, TaskState.LEASED))
    session.execute(update(TaskRow).where(waiting).values(state=TaskState.CANCELLED, finished_at=now()))
    record(session, actor, "trust.revoked", str(trust.id))
    notify(session, "runs")
