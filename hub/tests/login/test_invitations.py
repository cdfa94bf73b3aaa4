"""How people come to an account: asked for, invited, mailed."""

import smtplib
import socketserver
import threading

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from flip_hub.db import now
from flip_hub.mail.deliver import MAX_ATTEMPTS, deliver_one
from flip_hub.mail.service import send
from flip_hub.mail.tables import Email

NEW = "four random words for this"
ASKS = {"email": "New@x.example", "name": "New", "organisation": "Alpha", "reason": "research"}


def code_of(hub) -> str:
    (mail, *_) = hub.admin.get("mails")["items"]
    return mail["text"].split("code: ")[1].split()[0]


def accept(hub, code: str, **body):
    return hub.client.post("/api/v1/auth/invitations/accept", json={"code": code, "password": NEW, **body})


def test_who_asks_is_queued_invited_and_chooses_a_password(hub):
    for _ in range(2):  # a repeat changes the request that waits
        assert hub.client.post("/api/v1/access-requests", json=ASKS).status_code == 202
    (request,) = hub.admin.get("access-requests?state=pending")["items"]
    approve = f"access-requests/{request['id']}/approve"
    assert hub.admin.refused("POST", approve, json={"role": "trust_admin"}) == "role_trusts_mismatch"
    hub.admin.post(approve, {"role": "viewer"}, 200)
    assert hub.admin.refused("POST", approve, json={"role": "admin"}) == "access_request_handled"
    assert accept(hub, code_of(hub), password="weak").json()["code"] == "password_too_weak"
    code = code_of(hub)
    assert accept(hub, code).status_code == 204
    assert accept(hub, code).json()["code"] == "invitation_invalid"
    made = hub.client.post("/api/v1/auth/login", json={"email": "new@x.example", "password": NEW}).json()
    assert (made["user"]["role"], made["user"]["name"]) == ("viewer", "New")


def test_asking_looks_the_same_with_and_without_an_account_and_is_bounded(hub):
    before = len(hub.admin.get("mails")["items"])
    assert hub.client.post("/api/v1/access-requests", json={**ASKS, "email": "r@x.example"}).status_code == 202
    assert hub.admin.get("access-requests")["items"] == []
    assert len(hub.admin.get("mails")["items"]) == before
    said = [hub.client.post("/api/v1/access-requests", json=ASKS).status_code for _ in range(6)]
    assert said == [202] * 5 + [429]


def test_a_dismissed_request_makes_nothing(hub):
    hub.client.post("/api/v1/access-requests", json=ASKS)
    (request,) = hub.admin.get("access-requests")["items"]
    hub.admin.post(f"access-requests/{request['id']}/dismiss", {"note": "unknown"}, 200)
    assert hub.admin.get("invitations")["items"] == []


def test_a_second_invitation_voids_the_first_and_one_can_be_taken_back(hub):
    body = {"email": "new@x.example", "name": "New", "role": "researcher"}
    hub.admin.post("invitations", body)
    first = code_of(hub)
    invitation = hub.admin.post("invitations", body)
    second = code_of(hub)
    assert accept(hub, first).json()["code"] == "invitation_invalid"
    assert hub.admin.call("DELETE", f"invitations/{invitation['id']}").status_code == 204
    assert accept(hub, second).json()["code"] == "invitation_invalid"
    assert hub.admin.refused("POST", "invitations", json={**body, "email": "r@x.example"}) == "email_taken"


def test_a_trust_admin_speaks_for_the_trusts_of_the_invitation(hub):
    hub.trust("alpha")
    body = {"email": "new@x.example", "name": "New", "role": "trust_admin"}
    assert hub.admin.refused("POST", "invitations", json={**body, "trusts": ["beta"]}) == "trust_unknown"
    hub.admin.post("invitations", {**body, "trusts": ["alpha"]})
    accept(hub, code_of(hub))
    made = hub.client.post("/api/v1/auth/login", json={"email": "new@x.example", "password": NEW}).json()
    assert made["user"]["trusts"] == ["alpha"]


class MailServer(socketserver.ThreadingTCPServer):
    """Enough of RFC 5321 for one mail after the other; `refusing` answers 451 to every sender."""

    daemon_threads = allow_reuse_address = True
    refusing = False

    def __init__(self):
        self.mails: list[str] = []
        super().__init__(("127.0.0.1", 0), Session)


class Session(socketserver.StreamRequestHandler):
    server: MailServer

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.say("220 test")
        while line := self.rfile.readline().decode().strip():
            match line.split()[0].upper():
                case "DATA":
                    self.say("354 go on")
                    lines = []
                    while (part := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                        lines.append(part)
                    self.server.mails.append("\n".join(lines))
                    self.say("250 taken")
                case "QUIT":
                    return self.say("221 bye")
                case "MAIL" if self.server.refusing:
                    self.say("451 not now")
                case _:
                    self.say("250 good")


@pytest.fixture
def mail_server():
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def mail(hub, **changes):
    with hub.database.session() as session:
        send(session, "r@x.example", "Subject", "code: secret")
    with hub.database.session() as session:
        return session.scalars(select(Email)).one().id


def row(hub) -> Email:
    with hub.database.session() as session:
        return session.scalars(select(Email)).one()


def test_without_a_mail_server_mails_lie_in_the_outbox_for_the_owner_alone(hub):
    mail(hub)
    assert deliver_one(hub.database, hub.settings)
    assert not deliver_one(hub.database, hub.settings)
    (file,) = (hub.settings.data_dir / "outbox").iterdir()
    assert "code: secret" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (row(hub).state, row(hub).text) == ("in_outbox", "code: secret")


def test_a_mail_goes_out_by_smtp_once_and_its_text_is_forgotten(hub, mail_server):
    mail(hub)
    settings = smtp(hub, mail_server)
    mail_server.refusing = True
    assert deliver_one(hub.database, settings)
    assert (row(hub).state, row(hub).attempts, "not now" in row(hub).error) == ("queued", 1, True)
    assert not deliver_one(hub.database, settings)  # it waits
    mail_server.refusing = False
    due(hub)
    assert deliver_one(hub.database, settings)
    assert (row(hub).state, row(hub).text, len(mail_server.mails)) == ("sent", "", 1)
    assert "Subject: Subject" in mail_server.mails[0]


def test_a_mail_that_nobody_takes_is_given_up_and_shown_to_admins(hub):
    mail(hub)
    settings = hub.settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": 9, "smtp_security": "none"})
    for _ in range(MAX_ATTEMPTS):
        due(hub)
        assert deliver_one(hub.database, settings)
    assert [m["state"] for m in hub.admin.get("mails?state=failed")["items"]] == ["failed"]


def test_encryption_that_the_server_does_not_offer_is_not_gone_without(hub, mail_server):
    mail(hub)
    settings = smtp(hub, mail_server).model_copy(
        update={"smtp_security": "starttls", "smtp_user": "u", "smtp_password": SecretStr("p")}
    )
    assert deliver_one(hub.database, settings)
    assert row(hub).state == "queued"
    assert smtplib.SMTPNotSupportedError.__name__ in row(hub).error
    assert mail_server.mails == []


def smtp(hub, server: MailServer):
    host, port = server.server_address[:2]
    return hub.settings.model_copy(update={"smtp_host": host, "smtp_port": port, "smtp_security": "none"})


def due(hub) -> None:
    with hub.database.session() as session:
        session.scalars(select(Email)).one().next_attempt_at = now()
