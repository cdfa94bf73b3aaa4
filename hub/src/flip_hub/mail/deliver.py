"""The mail loop: hands queued mails to the SMTP server or, without one, to the outbox folder."""

import asyncio
import logging
import os
import smtplib
import ssl
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select

from flip_hub.db import Database, now
from flip_hub.events import Listener
from flip_hub.mail.service import TOPIC
from flip_hub.mail.tables import Email
from flip_hub.settings import HubSettings

log = logging.getLogger(__name__)
MAX_ATTEMPTS: Final = 8
FIRST_PAUSE_SECONDS: Final = 30  # doubled with each attempt: the last one is about an hour after the first
LOOK_AGAIN_SECONDS: Final = 30.0


async def deliver_forever(database: Database, settings: HubSettings, listener: Listener) -> None:
    with listener.watch(TOPIC) as watch:
        while True:
            try:
                while await asyncio.to_thread(deliver_one, database, settings):
                    pass
            except Exception:
                log.exception("the mail loop failed and goes on")
            await watch.wait(LOOK_AGAIN_SECONDS)


def deliver_one(database: Database, settings: HubSettings) -> bool:
    """Deliver one mail that is due; False if there is none. Hub processes never take the same one."""
    due = select(Email).where(Email.state == "queued", Email.next_attempt_at <= now()).order_by(Email.next_attempt_at)
    with database.session() as session:
        email = session.scalar(due.limit(1).with_for_update(skip_locked=True))
        if email is None:
            return False
        message = _message(email, settings)
        email.attempts += 1
        try:
            if settings.smtp_host:
                _by_smtp(message, settings)
                email.state, email.text, email.sent_at = "sent", "", now()
            else:
                _to_outbox(message, settings.data_dir / "outbox", email)
                email.state, email.sent_at = "in_outbox", now()
            email.error = ""
        except (OSError, smtplib.SMTPException) as error:
            pause = FIRST_PAUSE_SECONDS * 2 ** (email.attempts - 1)
            email.error, email.next_attempt_at = (
                f"{type(error).__name__}: {error}"[:300],
                now() + timedelta(seconds=pause),
            )
            if email.attempts >= MAX_ATTEMPTS:
                email.state = "failed"
            log.warning("mail %s was not delivered (attempt %s): %s", email.id, email.attempts, type(error).__name__)
        return True


def _message(email: Email, settings: HubSettings) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, email.recipient, email.subject
    message["Date"] = format_datetime(email.created_at)
    message["Message-ID"] = f"<{email.id}@flip>"
    message.set_content(email.text)
    return message


def _by_smtp(message: EmailMessage, settings: HubSettings) -> None:
    where, context = (settings.smtp_host, settings.smtp_port), ssl.create_default_context()
    tls = settings.smtp_security == "tls"
    with smtplib.SMTP_SSL(*where, timeout=20, context=context) if tls else smtplib.SMTP(*where, timeout=20) as server:
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        server.send_message(message)


def _to_outbox(message: EmailMessage, folder: Path, email: Email) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{email.created_at:%Y%m%dT%H%M%S}-{email.id}.eml"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # there if an attempt's commit failed
    with os.fdopen(descriptor, "wb") as sink:
        sink.write(message.as_bytes())
