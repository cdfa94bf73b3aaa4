"""Is the chain whole? Reads the file as it lies, and names the first entry that is not what was written."""

import sqlite3
from pathlib import Path

from flip_trust.ledger.what_left import START, Verified, chained

MOST_PROBLEMS = 20


def verify(path: Path, anchor: tuple[int, str] | None = None) -> Verified:
    """`anchor`: number and hash of an entry, noted elsewhere before, against who writes the whole file anew."""
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    except sqlite3.Error:
        return Verified(0, START, [f"{path.name} cannot be opened."])
    db.row_factory = sqlite3.Row
    problems: list[str] = []
    seq, head, seen = 0, START, dict[int, str]()
    known = _head_of(path)
    wanted = [place for place in (known, anchor) if place is not None]
    try:
        for row in db.execute("SELECT * FROM entries ORDER BY seq"):
            entry = {name: row[name] for name in row.keys() if name != "hash"}  # noqa: SIM118  a Row is no dict
            if row["seq"] != seq + 1:
                problems.append(f"entry {seq + 1} is missing: after {seq} comes {row['seq']}")
            seq = row["seq"]
            try:
                head = chained(head, entry)
            except (TypeError, ValueError):
                head = ""
            if head != row["hash"]:
                problems.append(f"entry {seq} (of {_when(row['at'])}) is not as it was written")
                head = row["hash"]  # the ones after are judged by themselves
            if seq in [number for number, _ in wanted]:
                seen[seq] = row["hash"]
            if len(problems) >= MOST_PROBLEMS:
                problems.append("and there may be more; reading stopped here")
                break
        if not problems:
            problems += [
                f"the file is damaged: {row[0]}" for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"
            ]
    except (sqlite3.Error, UnicodeError) as error:
        problems.append(f"the file is damaged after entry {seq}: {type(error).__name__}")
    finally:
        db.close()
    if known is None and seq:
        problems.append(
            f"{path.with_suffix('.head').name} is missing or damaged, so that an end that was cut off cannot be seen"
        )
    if not problems:
        for number, sha256 in wanted:
            if seen.get(number) != sha256:
                said = "is cut off" if number > seq else "is another one than was noted"
                problems.append(f"entry {number} {said}")
    return Verified(seq, head, problems)


def _head_of(path: Path) -> tuple[int, str] | None:
    try:
        number, sha256 = path.with_suffix(".head").read_text("ascii").split()
        return int(number), sha256
    except (OSError, ValueError):
        return None


def _when(at: object) -> str:
    return str(at)[:19].encode("ascii", "replace").decode()
