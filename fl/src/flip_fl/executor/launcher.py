"""What the executor asks of whoever starts app processes; `zygotes.py` answers. A sandbox goes in at the same place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol


@dataclass(frozen=True)
class RunPlace:
    """What all processes of one run at this place share: they fork from one warm parent."""

    run: str
    kind: str  # "serverapp" or "clientapp"
    folder: Path  # the parent's own working folder and log
    env: Mapping[str, str]
    memory_bytes: int


@dataclass(frozen=True, eq=False)
class AppLaunch:
    """One task of one app. Its `token` travels over a private socket, never in a file or an argument."""

    place: RunPlace
    runtime_api: str
    root_certificates: str | None
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
