"""Write an e-mail in the transaction that causes it; see `flip_hub.mail.deliver` for what becomes of it."""

from sqlalchemy.orm import Session

from flip_hub.db import now
from flip_hub.events import notify
from flip_hub.mail.tables import Email

TOPIC = "mail"


def send(session: Session, recipient: str, subject: str, text: str) -> None:
    session.add(Email(recipient=recipient, subject=subject, text=text, state="queued", next_attempt_at=now()))
    notify(session, TOPIC)
