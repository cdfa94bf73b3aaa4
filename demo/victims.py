"""Which process below a federation's own is which, for those who end one on purpose."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

MARKS = {
    "superlink": (" superlink",),
    "supernode": (" supernode --spec",),
}
APPS = ("serverapp", "clientapp")
ZYGOTE = "flip_fl.executor.zygote"


def below(roots: Iterable[int]) -> Iterator[tuple[int, int, str]]:
    """pid, parent and command line of everything that descends from these."""
    waiting = list(roots)
    while waiting:
        parent = waiting.pop()
        with contextlib.suppress(OSError):  # gone in the meantime
            for task in Path(f"/proc/{parent}/task").iterdir():
                for pid in map(int, (task / "children").read_text().split()):
                    yield pid, parent, Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
                    waiting.append(pid)


def postmaster(folder: Path) -> int:
    """Of the embedded PostgreSQL whose data lie there."""
    return int((folder / "postmaster.pid").read_text().split()[0])


def find(kind: str, roots: Iterable[int]) -> list[int]:
    """A `superlink`, a `supernode`, or the process of a running `serverapp` or `clientapp`."""
    found = list(below(roots))
    if kind in APPS:
        zygotes = {
            pid for pid, _, command in found if ZYGOTE in command and command.endswith(kind) and "bwrap" not in command
        }
        return [pid for pid, parent, _ in found if pid in zygotes and parent in zygotes]
    return [pid for pid, _, command in found if all(mark in f" {command}" for mark in MARKS[kind])]
