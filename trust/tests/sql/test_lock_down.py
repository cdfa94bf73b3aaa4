"""The engines hold without the guard: what the corpus calls an attack on one fails there, raw."""

import os
import signal
import time
from pathlib import Path

import duckdb
import psycopg
import pytest
from contracts.tests.sql_guard.corpus import paragraphs

from flip_contracts.sql_guard.worker import GuardWorker
from flip_trust.sql.child import connect
from flip_trust.sql.duckdb_engine import DuckDbEngine
from flip_trust.sql.engine import EngineFailed
from flip_trust.sql.postgres_engine import PostgresEngine
from flip_trust.sql.roles import weaknesses
from flip_trust.synthetic import demo_query
from flip_trust.synthetic.omop import choose_accessions, write_omop

ATTACKS = paragraphs("attacks.sql")
RAW = {engine: {n: s for n, s in ATTACKS.items() if n.startswith(f"{engine}:")} for engine in ("duckdb", "pg")}


def test_no_raw_attack_gets_through_the_locked_duckdb(hospital, tmp_path: Path):
    assert len(RAW["duckdb"]) >= 40
    before, through = hospital.mart.read_bytes(), []
    for name, sql in RAW["duckdb"].items():
        secret_frame = [{"a": 1}]  # found by name from this very frame, were it not for the lock
        connection = connect(str(hospital.mart), 256)
        try:
            connection.execute(sql.replace("/tmp/flip-attack", str(tmp_path / "x"))).fetchall()
            through.append(name)
        except duckdb.Error:
            assert secret_frame
        finally:
            connection.close()
    assert through == []
    assert list(tmp_path.iterdir()) == []
    assert hospital.mart.read_bytes() == before


def test_no_raw_attack_gets_through_the_restricted_role(server):
    assert len(RAW["pg"]) >= 80
    through = []
    with psycopg.connect(server.role_url, autocommit=True) as connection:
        for name, sql in RAW["pg"].items():
            connection.execute("BEGIN READ ONLY")
            try:
                connection.execute(sql.encode(), prepare=True)
                through.append(name)
            except psycopg.Error:
                pass
            connection.execute("ROLLBACK")
    assert through == []


def test_writing_fails_even_where_the_role_switches_read_only_off(server):
    with psycopg.connect(server.role_url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        for sql in ("DELETE FROM cohort.person", "CREATE TABLE cohort.x (y int)", "CREATE TEMP TABLE x (y int)"):
            with pytest.raises(psycopg.Error):
                connection.execute(sql.encode())


def test_the_role_is_what_init_role_promises_and_an_owner_is_not(server):
    assert weaknesses(server.role_url) == []
    assert {"write", "read files of the server", "read the tables behind the views"} <= set(
        weaknesses(server.admin_url)
    )


def test_stacked_statements_never_run(server, guard: GuardWorker):
    engine = PostgresEngine(server.role_url, guard.check)
    checked = guard.check("SELECT person_id FROM omop.person", "postgres", "cohort")
    stacked = type(checked)(**(checked.__dict__ | {"emitted": "SELECT 1) AS x; SELECT 2 --"}))
    with pytest.raises(EngineFailed):
        engine.rows(stacked)


def test_a_database_that_does_not_answer_is_a_typed_failure(guard: GuardWorker):
    engine = PostgresEngine("postgresql://CANARY:CANARY@127.0.0.1:1/x", guard.check)
    checked = engine.check("SELECT person_id FROM omop.person")
    with pytest.raises(EngineFailed) as failed:
        engine.rows(checked)
    assert failed.value.code == "engine_unreachable"
    assert "CANARY" not in failed.value.message
    assert not engine.is_there()


# --- DuckDB's processes ---
def children(pid: int | str) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def forks() -> set[str]:
    """The processes that answer queries: our children's children."""
    return {fork for pid in children(os.getpid()) for fork in children(pid)}


def test_a_killed_query_leaves_no_process(hospital, guard: GuardWorker):
    engine, before = DuckDbEngine(hospital.mart, guard.check, timeout_seconds=0.7), forks()
    endless = guard.check("SELECT person_id FROM omop.person")
    bomb = "SELECT sum(a.range * b.range) AS person_id FROM range(10000000) a, range(10000000) b"
    with pytest.raises(EngineFailed):
        engine.rows(type(endless)(**(endless.__dict__ | {"emitted": bomb})))
    gone_by = time.monotonic() + 5
    while not forks() <= before and time.monotonic() < gone_by:
        time.sleep(0.05)  # its socket closes a moment before it is gone
    assert forks() <= before


def test_a_query_that_eats_memory_is_refused_and_the_engine_goes_on(hospital, guard: GuardWorker):
    engine = DuckDbEngine(hospital.mart, guard.check, memory_limit_mb=64)
    checked = engine.check(demo_query())
    with pytest.raises(EngineFailed) as failed:
        engine.rows(type(checked)(**(checked.__dict__ | {"emitted": "SELECT list(range) AS p FROM range(100000000)"})))
    assert failed.value.code in {"query_too_large", "engine_failed"}
    assert len(engine.rows(checked).rows) == 20


def test_a_killed_zygote_is_started_again(hospital, guard: GuardWorker):
    before = set(children(os.getpid()))
    engine = DuckDbEngine(hospital.mart, guard.check)
    checked = engine.check(demo_query())
    assert len(engine.rows(checked).rows) == 20
    (zygote,) = set(children(os.getpid())) - before
    os.kill(int(zygote), signal.SIGKILL)
    time.sleep(0.2)
    assert len(engine.rows(checked).rows) == 20


def test_a_missing_mart_fails_without_its_path_and_is_not_made(tmp_path: Path, guard: GuardWorker):
    engine = DuckDbEngine(tmp_path / "CANARY.duckdb", guard.check)
    with pytest.raises(EngineFailed) as failed:
        engine.rows(engine.check(demo_query()))
    assert "CANARY" not in failed.value.message
    assert not engine.is_there()
    assert list(tmp_path.iterdir()) == []


def test_a_path_with_a_quote_is_a_path(tmp_path: Path, guard: GuardWorker):
    path = tmp_path / "o'brien.duckdb"
    write_omop(path, 3, 20, choose_accessions("alpha", 3, 20, 2))
    engine = DuckDbEngine(path, guard.check)
    assert len(engine.rows(engine.check("SELECT person_id FROM omop.person")).rows) == 20
