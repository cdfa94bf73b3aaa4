"""One SuperNode per run, in its own process group, watched and ended by the agent."""

import contextlib
import ctypes
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import getproxies
from uuid import UUID, uuid4, uuid5

from flip_contracts.manifest import RunManifest
from flip_contracts.messages import NodeEvent, NodeEventMessage
from flip_trust.errors import NodeFailed, RunUnknown
from flip_trust.flower.gpus import GpuSlots
from flip_trust.flower.sandbox import Sandbox
from flip_trust.flower.scrub import scrub
from flip_trust.keys import make_node_key, write_private
from flip_trust.ledger.witness import Witness
from flip_trust.outbox import Outbox
from flip_trust.settings import TrustSettings
from flip_trust.store import Store

log = logging.getLogger(__name__)
PR_SET_PDEATHSIG = 1
STOP_SECONDS = 5.0
LEAVE_SECONDS = 2.0  # a node that has to go has nothing to save
MOST_REJOINS, REJOIN_WINDOW_SECONDS = 5, 600.0
NUMBERS = ("turn", "waited_seconds", "seconds")  # of a client_done; nothing else of it leaves
SHA256 = re.compile(r"[0-9a-f]{64}")
CODE = re.compile(r"[a-z][a-z0-9_]{1,63}")  # as in contracts; anything else might quote a value
EVENTS = {
    "online": NodeEvent.STARTED,
    "refused": NodeEvent.REFUSED,
    "client_failed": NodeEvent.CLIENT_FAILED,
    "client_done": NodeEvent.CLIENT_DONE,
    "ended": NodeEvent.ENDED,
}


class Supervisor:
    def __init__(self, settings: TrustSettings, store: Store, outbox: Outbox, witness: Witness):
        self._settings, self._store, self._outbox, self._witness = settings, store, outbox, witness
        self._running: dict[UUID, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._rejoined: dict[UUID, list[float]] = {}  # when, of each run
        self.data_api_url = ""  # known once the data API listens
        self.sandbox, self._gpus = Sandbox(settings), GpuSlots(settings.gpus)

    def folder(self, run_id: UUID) -> Path:
        return self._settings.data_dir / "runs" / str(run_id)

    def files(self, run_id: UUID) -> Path:
        """What the app brings beside its FAB; there is no such folder where that is nothing."""
        return self.folder(run_id) / "files"

    def make_key(self, run_id: UUID) -> str:
        private, public = make_node_key()
        write_private(self.folder(run_id) / "node.key", private)
        return public

    def start(self, manifest: RunManifest) -> None:
        run_id = manifest.run_id
        with self._lock:
            running = self._running.get(run_id)
            if running is not None and running.poll() is None:
                return
            joined = self._store.run(run_id)  # looked at under the lock: a withdrawal may have just ended it
            if self._closed or joined is None or joined.ended:
                raise RunUnknown("This run has ended here, or the agent is going down.")
            self.sandbox.demand()
            gpus = self._gpus.take(run_id)
            images = self._settings.data_dir / "imaging" / "cache" / str(manifest.project_id)
            images.mkdir(parents=True, exist_ok=True)
            work = self.folder(run_id)
            token = secrets.token_urlsafe(32)
            self._store.update_run(run_id, token_sha256=hashlib.sha256(token.encode()).hexdigest())
            identity = self._store.identity()
            (work / "ca.pem").write_text(manifest.net.ca_pem)
            limits = {
                "wall_seconds": min(manifest.limits.wall_seconds, self._settings.run_wall_seconds),
                "memory_bytes": min(manifest.limits.memory_bytes, self._settings.run_memory_bytes),
                "processes": min(manifest.limits.processes, self._settings.run_processes),
                "disk_bytes": self._settings.run_disk_bytes,
            }
            files = self.files(run_id)
            brought = {"FLIP_FILES_DIR": str(files)} if files.exists() else {}
            spec = {
                "run_id": str(run_id),
                "trust": identity["name"],
                "superlink": manifest.net.superlink,
                "ca_pem_file": str(work / "ca.pem"),
                "private_key_file": str(work / "node.key"),
                "fab_sha256": manifest.fab_sha256,
                "hub_public_key": identity["hub_public_key"],
                "work_dir": str(work),
                "app_env": {
                    "FLIP_MODE": "client",
                    "FLIP_URL": self.data_api_url,
                    "FLIP_RUN_TOKEN": token,
                    "FLIP_MODEL_ID": str(manifest.model_id),
                    "FLIP_PROJECT_ID": str(manifest.project_id),
                    "SUPERNODE_NAME": identity["name"],
                    **brought,
                },
                "limits": limits,
                "sandbox": self.sandbox.level,
                "readable": [str(images), *brought.values()],  # what `get_by_accession_number` returns lies there
                "gpus": gpus,
            }
            write_private(work / "spec.json", json.dumps(spec).encode())
            self._running[run_id] = self._spawn(run_id, work)

    def _spawn(self, run_id: UUID, work: Path) -> subprocess.Popen[bytes]:
        kept = ("PATH", "LANG", "LC_ALL", "TZ", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
        env = {name: os.environ[name] for name in kept if name in os.environ}
        env |= {**_proxies(self._settings.hub_proxy), "HOME": str(work)}
        if marker := os.environ.get("FLIP_CI_MARKER"):
            env["FLIP_CI_MARKER"] = marker  # lets a test find what was left behind
        libc = ctypes.CDLL(None)
        events = work / "events.jsonl"
        told = events.stat().st_size if events.exists() else 0  # before it starts: a fast node writes at once
        try:
            with (work / "node.log").open("ab") as sink:
                popen = subprocess.Popen(
                    [str(self._settings.fl_command), "supernode", "--spec", str(work / "spec.json")],
                    cwd=work,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM),
                )
        except OSError as error:
            raise NodeFailed("The SuperNode could not be started; the trust's log says why.") from error
        self._store.update_run(run_id, pid=popen.pid, pid_started=_started(popen.pid))
        threading.Thread(target=self._follow, args=(run_id, popen, told), name="node-events", daemon=True).start()
        return popen

    def _follow(self, run_id: UUID, popen: subprocess.Popen[bytes], offset: int) -> None:
        """Turn the node's own lines into messages. Only what `scrub` lets through leaves."""
        path = self.folder(run_id) / "events.jsonl"
        alive, refused, under_way = True, False, dict[str, str]()
        while alive:
            alive = popen.poll() is None
            # Missing: not there yet, or the run was left.
            with contextlib.suppress(FileNotFoundError), path.open(errors="replace") as lines:
                lines.seek(offset)
                while (line := lines.readline()).endswith("\n"):
                    self._witness_reply(run_id, line, under_way)
                    self._tell_line(run_id, line, f"{popen.pid}:{offset}")
                    refused = refused or '"refused"' in line
                    offset = lines.tell()
            time.sleep(0.1)
        for message_id, kind in under_way.items():
            self._witness.model_update(run_id, message_id, 0, kind, code="cut_off")
        if self._left_alone(run_id, popen) and not refused:
            _kill_group(popen.pid)  # what it has left behind
            self._rejoin(run_id, "supernode_died")

    def _rejoin(self, run_id: UUID, code: str) -> None:
        """A node that was lost is not known to the SuperLink for a minute, and its message is gone: a new one takes its
        place, with a key of its own. The hub registers the key and asks us to start it, as at the beginning."""
        run = self._store.run(run_id)
        if run is None or run.ended or self._closed:
            return
        lately = [at for at in self._rejoined.get(run_id, []) if time.monotonic() - at < REJOIN_WINDOW_SECONDS]
        if len(lately) >= MOST_REJOINS:
            text = f"The SuperNode has died {MOST_REJOINS + 1} times within minutes; it is not started again."
            return self._tell(run_id, {"event": "ended", "code": code, "text": text}, str(uuid4()))
        self._rejoined[run_id] = [*lately, time.monotonic()]
        key = self.make_key(run_id)
        self._store.update_run(run_id, public_key=key)
        log.warning("the SuperNode of run %s was lost (%s); asking to take part again", run_id, code)
        self._outbox.put(
            NodeEventMessage(
                id=uuid4(), run_id=run_id, event=NodeEvent.REJOIN, code=code, public_key=key, at=datetime.now(UTC)
            )
        )

    def _left_alone(self, run_id: UUID, popen: subprocess.Popen[bytes]) -> bool:
        """True if nobody here asked this node to end."""
        with self._lock:
            return self._running.get(run_id) is popen

    def _witness_reply(self, run_id: UUID, line: str, under_way: dict[str, str]) -> None:
        """What the node says of a reply that it hands to the SuperLink goes into the ledger, and not to the hub."""
        try:
            said = json.loads(line)
            if said["event"] not in ("sending", "sent") or not SHA256.fullmatch(said["text"]):
                return
            kind = said["code"] if CODE.fullmatch(said["code"]) else "message"
            if said["event"] == "sending":
                under_way[said["text"]] = kind
            elif under_way.pop(said["text"], None) is not None:
                self._witness.model_update(run_id, said["text"], int(said["numbers"]["bytes"]), kind)
        except sqlite3.Error as error:
            log.error("run %s: a reply that left is not in the ledger: %s", run_id, type(error).__name__)
        except (ValueError, TypeError, AttributeError, KeyError):
            return  # no event; `_tell_line` says so

    def _tell_line(self, run_id: UUID, line: str, place: str) -> None:
        try:
            line_of_node = json.loads(line)
            event = {str(k): str(v) for k, v in line_of_node.items() if k != "numbers"}
            numbers = {name: float(line_of_node.get("numbers", {}).get(name, 0)) for name in NUMBERS}
        except (ValueError, TypeError, AttributeError):
            log.warning("run %s: a line of its SuperNode is not an event", run_id)
            return
        self._tell(run_id, event, place, numbers if event.get("event") == "client_done" else {})

    def _tell(self, run_id: UUID, event: dict[str, str], place: str, numbers: dict[str, float] | None = None) -> None:
        kind = EVENTS.get(event.get("event", ""))
        if kind is None:
            return
        run = self._store.run(run_id)
        cohort = self._store.cohort_of_run(run) if run else None
        self._outbox.put(
            NodeEventMessage(
                id=uuid5(run_id, place),
                run_id=run_id,
                event=kind,
                code=code if CODE.fullmatch(code := event.get("code", "")) else "",
                error_class=scrub(event.get("error_class", ""), cohort),
                text=scrub(event.get("text", ""), cohort),
                numbers=numbers or {},
                at=datetime.now(UTC),
            )
        )

    def leave(self, run_id: UUID) -> None:
        self._store.update_run(run_id, ended=1, token_sha256=None)
        with self._lock:
            popen = self._running.pop(run_id, None)
        self._rejoined.pop(run_id, None)
        if popen is not None:
            _end(popen, LEAVE_SECONDS)
        self._gpus.give_back(run_id)
        shutil.rmtree(self.folder(run_id), ignore_errors=True)

    def clean_up_after_crash(self) -> None:
        """A previous agent's SuperNodes have no token and no watcher: end them, and ask to take part again. A run that
        has ended in the meantime is not known to the hub as running, and nothing comes of it."""
        for run in self._store.open_runs():
            if run.pid is None:  # joined, and not started yet: the hub's task to start it comes, or has come
                continue
            if _started(run.pid) == run.pid_started:
                log.warning("ending the SuperNode that a previous agent left, pid %d", run.pid)
                _kill_group(run.pid)
            else:
                _kill_left_behind(run.pid, self.folder(run.manifest.run_id))
            self._rejoin(run.manifest.run_id, "agent_restarted")

    def stop_all(self) -> None:
        with self._lock:
            self._closed = True
            running = list(self._running.values())
            self._running.clear()
        for popen in running:
            popen.terminate()
        deadline = time.monotonic() + STOP_SECONDS  # for all together
        for popen in running:
            _end(popen, max(0.0, deadline - time.monotonic()))


def _proxies(own: str | None) -> dict[str, str]:
    """The way that the agent itself takes to the hub, in both spellings: libraries differ. Never for loopback."""
    found = {"https": own} if own else getproxies()
    proxy = found.get("https") or found.get("all")
    told = {"NO_PROXY": ",".join(filter(None, ("127.0.0.1", "localhost", found.get("no"))))}
    told |= {"HTTPS_PROXY": proxy} if proxy else {}
    return told | {name.lower(): value for name, value in told.items()}


def _end(popen: subprocess.Popen[bytes], seconds: float | None = None) -> None:
    seconds = STOP_SECONDS if seconds is None else seconds
    popen.terminate()
    try:
        popen.wait(seconds)
    except subprocess.TimeoutExpired:
        log.warning("a SuperNode did not end within %.0f s and is killed", seconds)
    _kill_group(popen.pid)
    popen.wait()


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _kill_left_behind(group: int, home: Path) -> None:
    """The leader is dead, and its number may be a stranger's by now: kill who is in the group and has our HOME."""
    ours = f"HOME={home}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            in_group = (folder / "stat").read_text().rsplit(")", 1)[1].split()[2] == str(group)
            if in_group and ours in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)


def kill_children() -> None:
    """Kill what this process itself started and is still there: a query, a conversion."""
    for task in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for pid in task.read_text().split():
                os.kill(int(pid), signal.SIGKILL)


def _started(pid: int) -> str:
    """Start time of a process (proc(5), stat field 22): with the pid it names one process for good."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return ""
