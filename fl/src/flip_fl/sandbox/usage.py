"""What a run uses of disk, and of memory where no cgroup counts it."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path


def disk_bytes(folders: Iterable[Path]) -> int:
    """Blocks in use, so that a sparse file counts as what it takes. Links are not followed."""
    total = 0
    waiting = [str(folder) for folder in folders]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:  # deleted meanwhile
            continue
    return total


def memory_bytes(pid: int) -> int:
    """Proportional memory of a process and of all below it; pages shared by forks count once."""
    total = 0
    for each in (pid, *_below(pid)):
        try:
            for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except (OSError, ValueError):
            continue
    return total


def _below(pid: int) -> Iterator[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return
    for task in tasks:
        try:
            children = (task / "children").read_text().split()
        except OSError:
            continue
        for child in map(int, children):
            yield child
            yield from _below(child)
