"""The migrations make exactly the tables that the code describes, and carry along what was there before."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
from alembic import command
from alembic.config import Config
from fastapi.testclient import TestClient
from hub.tests.conftest import Person
from sqlalchemy import Column, MetaData, Table, insert, text

import flip_hub
from flip_hub.app import create_app
from flip_hub.audit.proof import problems
from flip_hub.audit.service import digest_of
from flip_hub.auth import sha256
from flip_hub.db import Database
from flip_hub.keys import ensure_signing_key
from flip_hub.settings import HubSettings

SKELETON = "20c328d047f3"
AT = datetime(2026, 11, 1, tzinfo=UTC)
SOME: dict[type, Any] = {str: "x", int: 3, float: 0.5, bool: True, object: {}, datetime: AT}  # object: JSON
ROWS: dict[str, dict[str, Any]] = {
    "users": {"role": "admin", "email": "old@x.example"},
    "api_tokens": {"token_sha256": sha256("token"), "expires_at": datetime.now(UTC) + timedelta(days=1)},
    "trusts": {"name": "old", "token_sha256": sha256("agent")},
    "projects": {"kind": "imaging", "status": "APPROVED", "query_id": None},
    "project_trusts": {"decision": "APPROVED", "expires_at": None, "imaging": None},
    "cohort_answers": {"state": "offline", "result": None, "error": None},
    "models": {"status": "RESULTS_UPLOADED"},
    "model_files": {"path": "app/client_app.py"},
    "model_status_events": {"status": "RESULTS_UPLOADED", "source": "platform"},
    "runs": {"state": "succeeded", "finished_on_net": None, "stop_requested": None},
    "run_events": {"kind": "queued", "payload": {"trusts": ["old"]}},
    "run_rounds": {"errors": []},
    "tasks": {"state": "DONE", "type": "cohort_count"},
    "audit_events": {"id": 1, "sha256": digest_of("", 1, AT, "x", "x", "x", {})},
}


def config(url: str) -> Config:
    made = Config()
    made.set_main_option("script_location", str(Path(flip_hub.__file__).parent / "migrations"))
    made.attributes["url"] = url
    return made


def test_the_schema_has_not_drifted(database):
    command.check(config(database.url))


@pytest.fixture
def skeleton(database) -> Iterator[Database]:
    """A database as the first release left it, with a row in every table."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE IF EXISTS skeleton WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE skeleton"))
    old = Database(database.engine.url.set(database="skeleton").render_as_string(hide_password=False))
    command.upgrade(config(old.url), SKELETON)
    metadata = MetaData()
    metadata.reflect(old.engine)
    with old.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # keys refer to each other
        for table in metadata.tables.values():
            if table.name != "alembic_version":
                connection.execute(insert(table).values(_row(table)))
        connection.execute(text("UPDATE projects SET query_id = (SELECT id FROM cohort_queries)"))
    yield old
    old.close()


def _row(table: Table) -> dict[str, Any]:
    row = {column.name: _value(table, column) for column in table.columns if column.identity is None}
    return row | ROWS.get(table.name, {})


def _value(table: Table, column: Column) -> Any:
    for key in column.foreign_keys:
        return uuid5(UUID(int=0), key.column.table.name)
    kind = column.type.python_type
    return uuid5(UUID(int=0), table.name) if kind is UUID else SOME[kind]


def test_what_the_first_release_kept_is_there_after_an_upgrade_by_two_hubs_at_once(skeleton, tmp_path):
    environment = {**os.environ, "FLIP_HUB_DATA_DIR": str(tmp_path), "FLIP_HUB_DATABASE_URL": skeleton.url}
    migrate = [sys.executable, "-c", "from flip_hub.cli import app; app(['migrate'])"]
    both = [subprocess.Popen(migrate, env=environment, stderr=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate()[1].decode() for process in both if process.wait()] == []
    settings = HubSettings(data_dir=tmp_path, background=False)
    ensure_signing_key(settings.signing_key_file)
    with TestClient(create_app(settings, skeleton)) as client:
        old = Person(client, "token")
        (project,) = old.get("projects")["items"]
        assert (project["name"], project["status"], project["trusts"][0]["decision"]) == ("x", "APPROVED", "APPROVED")
        (model,) = old.get("models")["items"]
        run = old.get(f"runs/{model['run_id']}")
        assert (run["state"], run["rounds"][0]["results"]) == ("succeeded", 3)
        (series,) = old.get(f"runs/{run['id']}/metrics")
        assert (series["trust"], series["total"], series["points"]) == ("old", 1, [[0.5, 0.5]])
        assert old.get(f"runs/{run['id']}/events")["events"][0]["text"] == "Training was initiated for old."
        assert old.get(f"runs/{run['id']}/log")["lines"][0]["text"] == "x"
        (answer,) = old.get(f"cohort-queries/{project_query(old, project)}")["answers"]
        assert answer["state"] == "offline"
        assert [f["path"] for f in old.get(f"models/{model['id']}/files")] == ["app/client_app.py"]
        claimed = client.post(
            "/api/trust/v1/tasks/claim?wait=0", json={"max_tasks": 1}, headers={"authorization": "Bearer agent"}
        )
        assert claimed.json() == {"tasks": []}
    with skeleton.session() as session:
        count, wrong = problems(session, {})
    assert wrong == []
    assert count >= 1


def project_query(person: Person, project: dict) -> str:
    return person.get(f"projects/{project['id']}")["query_id"]
