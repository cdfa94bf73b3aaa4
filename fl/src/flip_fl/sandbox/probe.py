"""Which level holds here: the highest at which every attack is stopped that this level promises to stop."""

import json
import os
import socket
import tempfile
import threading
from pathlib import Path

from flip_contracts.sandbox import SandboxLevel, SandboxReport
from flip_fl.executor.launcher import AppLaunch, Limits, RunPlace
from flip_fl.executor.zygotes import ZygoteLauncher
from flip_fl.sandbox.attacks import ATTACKS, WITHOUT_NAMESPACES

PROMISED = {
    SandboxLevel.FULL: frozenset(ATTACKS),
    SandboxLevel.PROCESS: WITHOUT_NAMESPACES,
}
LONGEST_SECONDS = 20.0


def probe(highest: SandboxLevel = SandboxLevel.FULL) -> SandboxReport:
    """About a quarter of a second per level. Nothing leaves this machine."""
    reasons: list[str] = []
    for level in sorted(SandboxLevel, key=lambda each: -each.rank):
        if level.rank > highest.rank or level is SandboxLevel.NONE:  # nothing to try where nothing is promised
            continue
        outcome, trouble = _attempt(level)
        if outcome is None:
            reasons.append(f"{level}: {trouble}")
            continue
        stopped = [name for name in ATTACKS if not outcome[name]]
        missed = sorted(PROMISED[level] - set(stopped))
        if not missed and outcome["door"]:
            left = [name for name in ATTACKS if outcome[name]]
            return SandboxReport(level=level, stopped=stopped, open=left, why="; ".join(reasons))
        reasons.append(f"{level}: an app could {', '.join(missed) or 'not reach the platform'}")
    return SandboxReport(level=SandboxLevel.NONE, stopped=[], open=list(ATTACKS), why="; ".join(reasons))


def _attempt(level: SandboxLevel) -> tuple[dict[str, bool] | None, str]:
    launcher = ZygoteLauncher(level)
    with tempfile.TemporaryDirectory(prefix="flip-probe-") as root, _greeting() as door, _greeting() as other:
        folder = Path(root)
        (folder / "secret").write_text("of this machine")
        os.environ["FLIP_PROBE_MARK"] = "1"  # in /proc/self/environ only if it was there at our start; see below
        env = {
            "PROBE_PID": str(os.getpid()),
            "PROBE_PIDNS": os.readlink("/proc/self/ns/pid"),
            "PROBE_FILE": str(folder / "secret"),
            "PROBE_PORT": str(other.getsockname()[1]),
            "PROBE_DOOR": str(door.getsockname()[1]),
        }
        place = RunPlace(
            run="probe",
            kind="probe",
            folder=folder / "zygote",
            env=env,
            limits=Limits(memory_bytes=2**30, processes=64, disk_bytes=2**20, wall_seconds=int(LONGEST_SECONDS)),
            writable=(folder / "apps",),
            ports=(door.getsockname()[1],),
        )
        try:
            process = launcher.launch(AppLaunch(place, "", None, "", folder / "apps" / "1"))
            timer = threading.Timer(LONGEST_SECONDS, process.kill)
            timer.start()
            text = process.output.read().decode(errors="replace")
            process.wait()
            timer.cancel()
            process.output.close()
            return {name: bool(value) for name, value in json.loads(text.splitlines()[0]).items()}, ""
        except (OSError, ValueError, IndexError) as error:
            log = folder / "zygote" / "zygote.log"
            lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
            return None, lines[-1][:200] if lines else f"{type(error).__name__}: {error}"
        finally:
            os.environ.pop("FLIP_PROBE_MARK", None)
            launcher.close()


class _greeting(socket.socket):
    """A listener on loopback that says a word to whoever comes."""

    def __init__(self) -> None:
        super().__init__()
        self.bind(("127.0.0.1", 0))
        self.listen(8)
        threading.Thread(target=self._greet, daemon=True).start()

    def _greet(self) -> None:
        while True:
            try:
                connection, _ = self.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"flip")
