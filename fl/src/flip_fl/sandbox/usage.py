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


def memory_bytes(pid: int, limit: int) -> int:
    """Of a process and of all below it, with what lies in their `/dev/shm`.

    A quick sum counts what forks share once for each of them; only where that exceeds `limit` are pages looked at.
    """
    family = (pid, *_below(pid))
    in_files = max((_shared_files(each) for each in family[1:2]), default=0)  # bubblewrap itself sees another /dev/shm
    quick = sum(_numbers(each, "status", ("RssAnon", "RssShmem", "VmSwap")) for each in family) + in_files
    if quick <= limit:
        return quick
    private = sum(_numbers(each, "smaps_rollup", ("Pss_Anon", "SwapPss")) for each in family)
    shared = sum(_numbers(each, "smaps_rollup", ("Pss_Shmem",)) for each in family)
    return private + max(shared, in_files)  # a file in /dev/shm that is mapped is in both


def _numbers(pid: int, name: str, wanted: tuple[str, ...]) -> int:
    try:
        lines = (line.split() for line in Path(f"/proc/{pid}/{name}").read_text().splitlines())
        return sum(int(line[1]) * 1024 for line in lines if line and line[0].rstrip(":") in wanted)
    except (OSError, ValueError):  # it has ended
        return 0


def _shared_files(pid: int) -> int:
    try:
        told = os.statvfs(f"/proc/{pid}/root/dev/shm")
        return (told.f_blocks - told.f_bfree) * told.f_frsize
    except OSError:
        return 0


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
