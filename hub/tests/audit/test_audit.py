"""The audit log: append-only, and whoever changes it all the same is noticed."""

import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from typer.testing import CliRunner

from flip_hub.audit import proof
from flip_hub.audit.service import record
from flip_hub.cli import app
from flip_hub.keys import SigningKey
from flip_hub.upkeep import keep_up

pytestmark = pytest.mark.commits  # replication role, the command's own connection


@pytest.fixture
def logged(hub):
    with hub.database.session() as session:
        for number in range(5):
            record(session, "somebody", "thing.done", str(number), numbers=[1, 2.5], text="ä")
    return hub


def found(hub) -> list[str]:
    path = proof.anchors_file(hub.settings.data_dir)
    anchors, _ = proof.read_anchors(SigningKey(hub.settings.signing_key_file).public, path)
    with hub.database.session() as session:
        return proof.problems(session, anchors)[1]


def tamper(hub, sql: str) -> None:
    """As somebody who is the database's superuser."""
    with hub.database.session() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(sql))


def anchor(hub) -> None:
    key = SigningKey(hub.settings.signing_key_file)
    keep_up(hub.database, [lambda s: proof.write_anchor(s, key, proof.anchors_file(hub.settings.data_dir))])


@pytest.mark.parametrize("sql", ["UPDATE {} SET actor = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_no_row_can_be_changed_or_taken_away(logged, sql):
    with pytest.raises(DatabaseError, match="append-only"), logged.database.session() as session:
        session.execute(text(sql.format("audit_events")))
    assert found(logged) == []


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE audit_events SET actor = 'x' WHERE id = 2", "broken at row 2"),
        ("UPDATE audit_events SET details = '{}' WHERE id = 3", "broken at row"),
        ("DELETE FROM audit_events WHERE id = 2", "broken at row 2"),
        ("DELETE FROM audit_events WHERE id > 2", "The end is cut off"),
        ("DELETE FROM audit_events; DELETE FROM audit_head", ""),
    ],
)
def test_a_changed_row_a_hole_and_a_cut_off_end_are_noticed(logged, sql, said):
    tamper(logged, sql)
    assert said in " ".join(found(logged))


def test_who_rewrites_table_and_head_alike_is_given_away_by_the_anchors(logged):
    anchor(logged)
    assert found(logged) == []
    tamper(logged, "DELETE FROM audit_events; DELETE FROM audit_head")
    with logged.database.session() as session:
        record(session, "somebody", "thing.done", "another past")
    assert any("anchor was signed for row" in problem for problem in found(logged))
    with logged.database.session() as session:
        for number in range(20):
            record(session, "somebody", "thing.done", str(number))
    assert any("not the one that was there" in problem for problem in found(logged))


def test_the_command_verifies_and_exports(logged, monkeypatch):
    monkeypatch.setenv("FLIP_HUB_DATA_DIR", str(logged.settings.data_dir))
    monkeypatch.setenv("FLIP_HUB_DATABASE_URL", logged.database.url.replace("+psycopg", ""))
    anchor(logged)
    run = CliRunner().invoke
    assert "is whole" in run(app, ["audit", "verify"]).output
    lines = [json.loads(line) for line in run(app, ["audit", "export"]).output.splitlines()]
    assert [line["id"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[-1]["details"] == {"numbers": [1, 2.5], "text": "ä"}
    assert run(app, ["audit", "export", "--since", "2999-01-01"]).output == ""
    with proof.anchors_file(logged.settings.data_dir).open("a") as anchors:
        anchors.write('{"anchor": {"last_id": 1, "sha256": "x", "at": "2026-01-01T00:00:00Z"}, "signature": "eA=="}\n')
    refused = run(app, ["audit", "verify"])
    assert (refused.exit_code, "not signed by this hub" in refused.output) == (1, True)
