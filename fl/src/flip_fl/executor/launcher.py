"""What the executor asks of whoever starts app processes; `zygotes.py` answers, with the sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol


@dataclass(frozen=True)
class Limits:
    """Of one run at one place, all its processes together where the kernel lets us count them."""

    memory_bytes: int = 8 * 2**30
    processes: int = 256
    disk_bytes: int = 20 * 2**30
    wall_seconds: int = 6 * 3600


@dataclass(frozen=True)
class RunPlace:
    """What all processes of one run at this place share: they fork from one warm parent."""

    run: str
    kind: str  # "serverapp", "clientapp", or "probe"
    folder: Path  # the parent's own log, out of the app's reach
    env: Mapping[str, str]
    limits: Limits
    writable: tuple[Path, ...]  # all that an app may write to; each task's folder is in one of them
    readable: tuple[Path, ...] = ()  # beside the system and the platform's packages
    ports: tuple[int, ...] = ()  # on 127.0.0.1: all that it may connect to
    gpus: str = ""  # CUDA_VISIBLE_DEVICES


@dataclass(frozen=True, eq=False)
class AppLaunch:
    """One task of one app. Its `token` travels over a private socket, never in a file or an argument."""

    place: RunPlace
    runtime_api: str
    root_certificates: str | None  # PEM text: the file is out of the app's sight
    token: str
    folder: Path  # private: working directory, FLWR_HOME and temporary files
    env: Mapping[str, str] = field(default_factory=dict)
    keep_folder: bool = False
    keep_process: bool = False  # the next task of this run may find the modules and caches of this one

    def order(self) -> dict[str, Any]:
        return {
            "runtime_api": self.runtime_api,
            "root_certificates": self.root_certificates,
            "token": self.token,
            "work": str(self.folder / "work"),
            "env": {
                "HOME": str(self.folder / "work"),
                "TMPDIR": str(self.folder / "tmp"),
                "FLWR_HOME": str(self.folder / "flwr"),
                **self.env,
            },
            "keep_process": self.keep_process,
        }


class AppProcess(Protocol):
    launch: AppLaunch
    output: IO[bytes]
    why: str  # after `wait`: which limit ended it, if one did

    def wait(self) -> int:
        """Block until the task has ended; its exit code, negative for a signal."""
        ...

    @property
    def finished(self) -> bool:
        """After `wait`: Flower's task runner came to its end, so the Runtime API knows all there is to know."""
        ...

    def kill(self) -> None:
        """End the process and everything it started."""
        ...

    def clean(self) -> None:
        """Remove what it left behind."""
        ...


class Launcher(Protocol):
    def prepare(self, place: RunPlace) -> None:
        """A run is coming: warm up. Returns at once; repeating it does no harm."""
        ...

    def preload(self, run: str, modules: list[str]) -> None:
        """These platform modules are what the run's app imports."""
        ...

    def launch(self, launch: AppLaunch) -> AppProcess:
        """Start it and return at once."""
        ...

    def release(self, run: str) -> None:
        """The run is over here: end whatever still runs for it."""
        ...

    def close(self) -> None:
        """Release all."""
        ...
