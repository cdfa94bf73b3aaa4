"""Staff, their sessions and their wrong tries: SQLite, mode 0600, beside the agent's state.

The command line writes here while the page runs. A TOTP secret has to be read again, so it is kept as it is: who can
read this folder reads the keys beside it as well.
"""

import os
import sqlite3
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from flip_trust.sqlite import transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS staff (
  login TEXT PRIMARY KEY, role TEXT NOT NULL, password_hash TEXT NOT NULL, must_change INTEGER NOT NULL DEFAULT 1,
  totp_secret TEXT NOT NULL DEFAULT '', totp_last_step INTEGER NOT NULL DEFAULT 0, created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (
  token_sha256 TEXT PRIMARY KEY, login TEXT NOT NULL REFERENCES staff ON DELETE CASCADE,
  secret TEXT NOT NULL DEFAULT '', started_at REAL NOT NULL, used_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS tries (key TEXT PRIMARY KEY, wrong INTEGER NOT NULL, since REAL NOT NULL);
"""


class Role(StrEnum):
    REVIEWER = "reviewer"  # decides on projects and code
    ADMIN = "admin"  # and uploads opt-outs


@dataclass(frozen=True)
class Member:
    login: str
    role: Role
    password_hash: str
    must_change: bool
    totp_secret: str
    totp_last_step: int
    created_at: float

    @property
    def is_set_up(self) -> bool:
        return bool(self.totp_secret) and not self.must_change


@dataclass(frozen=True)
class SessionRow:
    """`secret`: the TOTP secret that is offered while the account is being set up."""

    login: str
    secret: str
    started_at: float
    used_at: float


class StaffBook:
    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.executescript(SCHEMA)

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self._db, self._lock)

    def _one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        with self._lock:
            return self._db.execute(sql, values).fetchone()

    # --- staff ---
    def members(self) -> list[Member]:
        with self._lock:
            return [_member(r) for r in self._db.execute("SELECT * FROM staff ORDER BY login")]

    def member(self, login: str) -> Member | None:
        row = self._one("SELECT * FROM staff WHERE login = ?", login)
        return _member(row) if row else None

    def add(self, login: str, role: Role, password_hash: str, at: float) -> bool:
        """False if the login is taken."""
        with self.transaction() as db:
            return (
                db.execute(
                    "INSERT OR IGNORE INTO staff (login, role, password_hash, created_at) VALUES (?, ?, ?, ?)",
                    (login, role, password_hash, at),
                ).rowcount
                == 1
            )

    def change(self, login: str, **columns: Any) -> bool:
        names = ", ".join(f"{name} = ?" for name in columns)
        with self.transaction() as db:
            return db.execute(f"UPDATE staff SET {names} WHERE login = ?", (*columns.values(), login)).rowcount == 1

    def remove(self, login: str) -> bool:
        with self.transaction() as db:
            return db.execute("DELETE FROM staff WHERE login = ?", (login,)).rowcount == 1

    # --- sessions ---
    def put_session(self, token_sha256: str, login: str, secret: str, at: float) -> None:
        with self.transaction() as db:
            db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", (token_sha256, login, secret, at, at))

    def session(self, token_sha256: str) -> SessionRow | None:
        row = self._one("SELECT login, secret, started_at, used_at FROM sessions WHERE token_sha256 = ?", token_sha256)
        return SessionRow(**dict(row)) if row else None

    def note_use(self, token_sha256: str, at: float) -> None:
        with self.transaction() as db:
            db.execute("UPDATE sessions SET used_at = ? WHERE token_sha256 = ?", (at, token_sha256))

    def end_session(self, token_sha256: str) -> None:
        with self.transaction() as db:
            db.execute("DELETE FROM sessions WHERE token_sha256 = ?", (token_sha256,))

    def end_sessions(self, login: str) -> None:
        with self.transaction() as db:
            db.execute("DELETE FROM sessions WHERE login = ?", (login,))

    def forget_sessions(self, started_before: float, used_before: float) -> None:
        with self.transaction() as db:
            db.execute("DELETE FROM sessions WHERE started_at < ? OR used_at < ?", (started_before, used_before))

    # --- wrong tries ---
    def count_try(self, key: str, at: float, within: float) -> tuple[int, float]:
        """How many tries there are now, this one included, and since when they are counted."""
        with self.transaction() as db:
            db.execute("DELETE FROM tries WHERE since < ?", (at - within,))
            db.execute(
                "INSERT INTO tries VALUES (?, 1, ?) ON CONFLICT (key) DO UPDATE SET wrong = wrong + 1", (key, at)
            )
            row = db.execute("SELECT wrong, since FROM tries WHERE key = ?", (key,)).fetchone()
            return row["wrong"], row["since"]

    def forget_tries(self, *keys: str) -> None:
        with self.transaction() as db:
            db.executemany("DELETE FROM tries WHERE key = ?", [(key,) for key in keys])

    def close(self) -> None:
        with self._lock:
            self._db.close()


def _member(row: sqlite3.Row) -> Member:
    return Member(
        login=row["login"],
        role=Role(row["role"]),
        password_hash=row["password_hash"],
        must_change=bool(row["must_change"]),
        totp_secret=row["totp_secret"],
        totp_last_step=row["totp_last_step"],
        created_at=row["created_at"],
    )
