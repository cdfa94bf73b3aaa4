"""Memory and processes of a whole run, counted by the kernel; where we may write cgroups, of either version."""

import contextlib
import os
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


class Cgroup:
    def __init__(self, folders: list[Path]):
        self._folders = folders
        self._entries = [os.open(folder / "cgroup.procs", os.O_WRONLY) for folder in folders]

    @property
    def bounds_memory(self) -> bool:
        return any((f / name).exists() for f in self._folders for name in ("memory.max", "memory.limit_in_bytes"))

    def enter(self) -> None:
        """In the child, between fork and exec: before there is anything to escape."""
        for entry in self._entries:
            os.write(entry, b"0")

    def out_of_memory(self) -> bool:
        for folder in self._folders:
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError, ValueError):
                    facts = dict(line.split() for line in (folder / name).read_text().splitlines())
                    if int(facts.get("oom_kill", 0)):
                        return True
        return False

    def close(self) -> None:
        for entry in self._entries:
            os.close(entry)
        self._entries = []
        for folder in self._folders:
            for _ in range(20):  # the kernel takes a moment to let the last process go
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.05)


def make(name: str, memory_bytes: int, processes: int) -> Cgroup | None:
    """None where nothing is writable: a container, an ordinary user without delegation."""
    folders: list[Path] = []
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        own = {line.split(":", 2)[1]: line.strip().split(":", 2)[2] for line in lines}
    except (OSError, IndexError):
        return None
    bounds = {
        "memory": {"memory.limit_in_bytes": memory_bytes, "memory.memsw.limit_in_bytes": memory_bytes},
        "pids": {"pids.max": processes},
    }
    for controller, values in bounds.items():
        path = next((p for names, p in own.items() if controller in names.split(",")), None)
        if path is not None and (folder := _made(ROOT / controller / path.lstrip("/") / name, values)):
            folders.append(folder)
    if not folders and "" in own:
        values = {"memory.max": memory_bytes, "memory.swap.max": 0, "pids.max": processes}
        if folder := _made(ROOT / own[""].lstrip("/") / name, values):
            folders.append(folder)
    try:
        return Cgroup(folders) if folders else None
    except OSError:
        return None


def _made(folder: Path, values: dict[str, int]) -> Path | None:
    try:
        folder.mkdir(exist_ok=True)
        written = False
        for name, value in values.items():
            with contextlib.suppress(OSError):
                (folder / name).write_text(str(value))
                written = True
        if written:
            return folder
        folder.rmdir()
    except OSError:
        pass
    return None
