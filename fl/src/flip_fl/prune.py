"""Flower never forgets a run, its log or its FAB; the hub has all of it already. What is over leaves the SuperLink."""

import logging
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from flwr.supercore.utils import uint64_to_int64

log = logging.getLogger(__name__)


def prune(database: Path, flwr_run_id: int, node_ids: Iterable[int] = ()) -> None:
    """Delete everything that names this run, the FAB if no other run has it, and the run's unregistered nodes.

    The SuperLink may be running: SQLite's write-ahead log lets both write. A failure costs disk, not a run.
    """
    if not database.exists():
        return
    run = uint64_to_int64(flwr_run_id)
    try:
        with closing(sqlite3.connect(database, timeout=10, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            fab = db.execute("SELECT fab_hash FROM run WHERE run_id = ?", (run,)).fetchone()
            tasks = "SELECT task_id FROM task WHERE run_id = :run"
            series = "SELECT series_id FROM series_runs WHERE run_id = :run"
            tables = _columns(db)
            for column, chosen in (("task_id", tasks), ("series_id", series), ("run_id", ":run")):
                for table, columns in tables.items():
                    # `run_id` goes last: until then its rows say which tasks and series are the run's.
                    if column in columns and (column == "run_id" or "run_id" not in columns):
                        db.execute(f'DELETE FROM "{table}" WHERE {column} IN ({chosen})', {"run": run})
            if fab:
                db.execute("DELETE FROM fab WHERE fab_hash = ? AND fab_hash NOT IN (SELECT fab_hash FROM run)", fab)
            for node_id in node_ids:
                query = "DELETE FROM node WHERE node_id = ? AND status = 'unregistered'"
                db.execute(query, (uint64_to_int64(node_id),))
            db.execute("COMMIT")
    except sqlite3.Error as error:
        log.warning("the SuperLink's state of a finished run was not pruned: %s", error)


def _columns(db: sqlite3.Connection) -> dict[str, set[str]]:
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: {row[1] for row in db.execute(f'PRAGMA table_info("{name}")')} for name in names}
