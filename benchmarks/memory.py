"""Peak memory of a net's processes, read from /proc by process id while a run goes on. Linux only."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

LOOK_SECONDS = 0.25


def children() -> dict[int, list[int]]:
    """Parent process id → its children, for every process we may read."""
    tree: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                # The command's name is in brackets and may itself hold any character.
                parent = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            tree.setdefault(parent, []).append(int(entry))
    return tree


def below(pid: int, tree: dict[int, list[int]]) -> list[int]:
    """Every descendant of `pid`."""
    found: list[int] = []
    waiting = list(tree.get(pid, []))
    while waiting:
        found.append(child := waiting.pop())
        waiting += tree.get(child, [])
    return found


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _kib(pid: int, file: str, name: str) -> int:
    try:
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


@dataclass
class MemoryWatch(threading.Thread):
    """`roles` says which processes exist now: role → process ids.

    `largest` is the peak RSS of the largest process of a role in MiB, from the kernel's own high-water mark.
    `together` is the peak of the sum over a role and is told by PSS, so that pages shared after a fork count once.
    """

    roles: Callable[[], dict[str, list[int]]]
    largest: dict[str, float] = field(default_factory=dict)
    together: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(name="memory-watch", daemon=True)
        self._ending = threading.Event()

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            for role, pids in self.roles().items():
                if not pids:
                    continue
                peak = max(_kib(pid, "status", "VmHWM:") for pid in pids) / 1024
                total = sum(_kib(pid, "smaps_rollup", "Pss:") for pid in pids) / 1024
                self.largest[role] = max(peak, self.largest.get(role, 0))
                self.together[role] = max(total, self.together.get(role, 0))

    def stop(self) -> None:
        self._ending.set()
        self.join()
