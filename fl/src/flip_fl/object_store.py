"""Flower's ObjectStore on files: a model's chunks lie in a folder, a small SQLite file knows which belong together.

Flower's own keeps chunks as BLOBs of its one database, or all of them in memory. Here the SuperLink's memory does not
grow with models or trusts, objects outlive a restart, and a look-up costs no ORM. `tests/test_object_store.py` runs one
suite over Flower's two stores and this one.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flwr.proto.message_pb2 import ObjectTree
from flwr.supercore.inflatable.inflatable_object import get_object_id, is_valid_sha256_hash, iterate_object_tree
from flwr.supercore.inflatable.inflatable_utils import validate_object_content
from flwr.supercore.object_store.object_store import NoObjectInStoreError, ObjectStore

DATABASE = "objects.db"
INLINE_BYTES = 32 * 1024  # smaller ones lie in the database, a file each would cost more
SCHEMA = """
CREATE TABLE IF NOT EXISTS object (id TEXT PRIMARY KEY, available INTEGER NOT NULL DEFAULT 0,
                                   parents INTEGER NOT NULL DEFAULT 0, content BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS child (parent TEXT NOT NULL, child TEXT NOT NULL, PRIMARY KEY (parent, child)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run_object (run TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (run, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS run_of_object ON run_object (id);
"""


class FileObjectStore(ObjectStore):
    def __init__(self, folder: Path, verify: bool = True):
        self._files = folder / "chunks"
        self._files.mkdir(parents=True, mode=0o700, exist_ok=True)
        self._verify = verify
        self._lock = threading.RLock()
        self._db = sqlite3.connect(folder / DATABASE, check_same_thread=False, isolation_level=None)
        # A crash of the process loses nothing; one of the machine may lose the last messages, which are sent again.
        self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {SCHEMA}")
        known = {name for (name,) in self._db.execute("SELECT id FROM object WHERE content IS NULL")}
        for path in self._files.iterdir():
            if path.name not in known:
                path.unlink()

    def preregister(self, run_id: int, object_tree: ObjectTree) -> list[str]:
        nodes = list(iterate_object_tree(object_tree))
        for node in nodes:
            if not is_valid_sha256_hash(node.object_id):
                raise ValueError(f"Invalid object ID format: {node.object_id}")
        missing = []
        with self._change() as db:
            for node in nodes:  # children come before their parents
                row = db.execute("SELECT available FROM object WHERE id = ?", (node.object_id,)).fetchone()
                children = [child.object_id for child in node.children]
                if row is None:
                    db.execute("INSERT INTO object (id) VALUES (?)", (node.object_id,))
                    pairs = [(node.object_id, child) for child in children]
                    db.executemany("INSERT INTO child VALUES (?, ?)", pairs)
                    db.executemany("UPDATE object SET parents = parents + 1 WHERE id = ?", [(c,) for c in children])
                elif set(children) != set(self._children(node.object_id)):
                    raise ValueError(f"Object {node.object_id} was preregistered with different children.")
                if row is None or not row[0]:
                    missing.append(node.object_id)
                db.execute("INSERT OR IGNORE INTO run_object VALUES (?, ?)", (str(run_id), node.object_id))
        return missing

    def get_object_tree(self, object_id: str) -> ObjectTree:
        with self._lock:
            if object_id not in self:
                raise NoObjectInStoreError(f"Object with ID '{object_id}' was not pre-registered.")
            children = [self.get_object_tree(child) for child in self._children(object_id)]
        return ObjectTree(object_id=object_id, children=children)

    def put(self, object_id: str, object_content: bytes) -> None:
        if self._verify:
            if object_id != get_object_id(object_content):
                raise ValueError(f"Object ID {object_id} does not match content hash")
            validate_object_content(content=object_content)
        if self._row(object_id) is None:
            raise NoObjectInStoreError(f"Object with ID '{object_id}' was not pre-registered.")
        inline = object_content if len(object_content) < INLINE_BYTES else None
        if inline is None:
            part = self._files / f"{object_id}.{threading.get_ident()}.part"
            part.write_bytes(object_content)
            os.replace(part, self._files / object_id)
        with self._change() as db:
            changed = db.execute("UPDATE object SET available = 1, content = ? WHERE id = ?", (inline, object_id))
        if changed.rowcount == 0:  # deleted in between
            (self._files / object_id).unlink(missing_ok=True)
            raise NoObjectInStoreError(f"Object with ID '{object_id}' was not pre-registered.")

    def get(self, object_id: str) -> bytes | None:
        row = self._row(object_id)
        if row is None:
            return None
        available, content = row
        if not available or content is not None:
            return content or b""
        try:
            return (self._files / object_id).read_bytes()
        except FileNotFoundError:  # deleted in between
            return None

    def delete(self, object_id: str) -> None:
        with self._change():
            self._delete(object_id)

    def _delete(self, object_id: str) -> None:
        waiting = [object_id]
        while waiting:
            name = waiting.pop()
            if self._db.execute("DELETE FROM object WHERE id = ? AND parents = 0", (name,)).rowcount == 0:
                continue
            children = self._children(name)
            for statement in ("DELETE FROM child WHERE parent = ?", "DELETE FROM run_object WHERE id = ?"):
                self._db.execute(statement, (name,))
            self._db.executemany("UPDATE object SET parents = parents - 1 WHERE id = ?", [(c,) for c in children])
            (self._files / name).unlink(missing_ok=True)
            waiting += children

    def delete_objects_in_run(self, run_id: int) -> None:
        with self._change() as db:
            names = [n for (n,) in db.execute("SELECT id FROM run_object WHERE run = ?", (str(run_id),))]
            db.execute("DELETE FROM run_object WHERE run = ?", (str(run_id),))
            for name in names:
                if db.execute("SELECT 1 FROM run_object WHERE id = ? LIMIT 1", (name,)).fetchone() is None:
                    self._delete(name)

    def clear(self) -> None:
        with self._change() as db:
            for table in ("object", "child", "run_object"):
                db.execute(f"DELETE FROM {table}")
        for path in self._files.iterdir():
            path.unlink(missing_ok=True)

    def __contains__(self, object_id: str) -> bool:
        return self._row(object_id) is not None

    def __len__(self) -> int:
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM object").fetchone()[0])

    def _row(self, object_id: str) -> tuple[int, bytes | None] | None:
        with self._lock:
            return self._db.execute("SELECT available, content FROM object WHERE id = ?", (object_id,)).fetchone()

    def _children(self, object_id: str) -> list[str]:
        return [c for (c,) in self._db.execute("SELECT child FROM child WHERE parent = ?", (object_id,))]

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._db.in_transaction:  # inside another change
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
