"""The life of a run on this net: prepared, its nodes registered, started, followed, finished, forgotten."""

import contextlib
import hashlib
import json
import logging
import secrets
import shutil
import threading
import time
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from flwr.supercore.constant import TaskType

from flip_contracts.content import ContentStore, Receiving
from flip_contracts.fl_api import (
    EventKind,
    FlRunState,
    FlRunView,
    NetHealth,
    NodeSpec,
    NodeView,
    OnCrash,
    RunFinished,
    RunPrepared,
    RunSpec,
)
from flip_contracts.sandbox import SandboxReport
from flip_contracts.statuses import RunReason
from flip_fl.api.attempts import Again, GiveUp, after_crash, crash_of
from flip_fl.api.folders import Folders
from flip_fl.api.log_batcher import LogBatcher
from flip_fl.api.staged import lay_out, receive
from flip_fl.checkpoints import FOLDER as CHECKPOINTS
from flip_fl.control import Control, FlowerStatus
from flip_fl.errors import (
    FlError,
    ResultsNotReady,
    RunUnknown,
    StagedFileMissing,
    StagedFilesTooLarge,
    SuperLinkRefused,
    SuperLinkUnreachable,
    TokenInvalid,
)
from flip_fl.executor.imports import platform_imports
from flip_fl.executor.launcher import AppLaunch, Limits, RunPlace
from flip_fl.executor.loop import Executor, RuntimeApi
from flip_fl.executor.report import ROUND_POLICY as POLICY
from flip_fl.executor.zygotes import ZygoteLauncher
from flip_fl.fab import build_fab
from flip_fl.prune import prune
from flip_fl.settings import FlSettings
from flip_fl.store import RunRow, Store, federation_of

log = logging.getLogger(__name__)
FLWR_VERSION = "1.42.0"
MAX_RESULT_BYTES = 20 * 2**30
WRITABLE = ("app", "results", "checkpoint")
STATUS_SECONDS = 2.0  # between looks at a run whose ServerApp lives
LAST_WORDS_SECONDS = 5.0  # flwr ends a finished ServerApp within this
AWAY_SECONDS = 0.5  # between looks for a SuperLink that is away
MOST_REFUSALS = 5  # of a SuperLink that answers, before they are believed
STOP_SECONDS = 10.0  # a stopped run does not wait longer for a SuperLink that is away


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class FlService:
    """One instance per net. Endpoints call it from threads; each method is safe to repeat."""

    def __init__(self, settings: FlSettings, store: Store, control: Control, api: RuntimeApi, sandbox: SandboxReport):
        self._settings, self._store, self._control = settings, store, control
        self._tokens: dict[UUID, str] = {}
        self._followers: dict[UUID, threading.Thread] = {}
        self._ended: defaultdict[UUID, threading.Event] = defaultdict(threading.Event)
        self._crashed: dict[int, str] = {}  # by Flower's id: what was seen of the process
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._logs = LogBatcher(store)
        self._sandbox = sandbox
        self._folders = Folders(settings.data_dir / "runs")
        self._content = ContentStore(settings.data_dir / "files", settings.staged_cache_bytes)
        self._launcher = ZygoteLauncher(sandbox.level)
        self.executor = Executor(TaskType.SERVER_APP, api, self, self._launcher, float(settings.app_wall_seconds))

    def start(self) -> None:
        self._logs.start()
        self.executor.start()
        for run in self._store.runs():
            if run.state == "running" and run.flwr_run_id is not None:  # its ServerApp has died with our predecessor
                self._crashed[run.flwr_run_id] = "The FL API ended, and the ServerApp with it."
                self._follow(run.run_id)

    def close(self) -> None:
        self._closing.set()  # apps end now because we do: our successor goes on with their runs
        self.executor.stop()
        self._logs.flush()

    # --- the hub's calls ---
    def prepare(self, run_id: UUID, spec: RunSpec, archive: bytes) -> RunPrepared:
        injected = {
            "flip-model-id": str(spec.model_id),
            "flip-project-id": str(spec.project_id),
            "flip-cohort-query": spec.cohort_query,
            "flip-min-clients": spec.trust_count,
        }
        size, most = sum(file.size_bytes for file in spec.files), self._settings.staged_bytes
        if size > most:
            raise StagedFilesTooLarge(f"The app brings {size} bytes of files beside its bundle; {most} is the most.")
        built = build_fab(archive, {**spec.run_config, **injected}, self._settings.max_fab_bytes)
        if self._store.run(run_id) is None:
            self._store.put_run(run_id, spec.model_dump(mode="json"), built.content, built.sha256, "")
            for notice in built.notices:
                self._append(run_id, EventKind.NOTICE, {"text": notice})
        row = self._need(run_id)
        missing = lay_out(self._content, row, self._files(run_id))
        if row.state == "prepared":  # the frameworks load while the trusts are asked to join
            self._launcher.prepare(self._place(run_id))
            self._launcher.preload(str(run_id), platform_imports(row.fab))
        return RunPrepared(
            fab_sha256=row.fab_sha256,
            fab_bytes=len(row.fab),
            notices=built.notices,
            missing_files=[file.sha256 for file in missing],
        )

    @contextmanager
    def receive(self, run_id: UUID, sha256: str) -> Iterator[Receiving]:
        """One content of the run's files, whole or not at all."""
        row = self._need(run_id)
        with receive(self._content, row, sha256) as receiving:
            yield receiving
        lay_out(self._content, row, self._files(run_id))

    def fab(self, run_id: UUID) -> bytes:
        return self._need(run_id).fab

    def add_node(self, run_id: UUID, spec: NodeSpec) -> NodeView:
        self._need(run_id)
        for trust, public_key, node_id in self._store.nodes(run_id):
            if trust == spec.trust:
                if public_key.split()[:2] != spec.public_key.split()[:2]:
                    with contextlib.suppress(SuperLinkRefused):  # a SuperLink without its old state knows no such node
                        self._control.unregister_node(node_id)
                    break
                return NodeView(trust=trust, node_id=str(node_id), online=node_id in self._control.online_nodes())
        node_id = self._control.register_node(spec.public_key, spec.trust)
        self._store.put_node(run_id, spec.trust, spec.public_key, node_id)
        return NodeView(trust=spec.trust, node_id=str(node_id), online=False)

    def view(self, run_id: UUID) -> FlRunView:
        run = self._need(run_id)
        online = self._control.online_nodes()
        return FlRunView(
            run_id=run_id,
            state=FlRunState(run.state),
            nodes=[
                NodeView(trust=trust, node_id=str(node_id), online=node_id in online)
                for trust, _, node_id in self._store.nodes(run_id)
            ],
        )

    def start_run(self, run_id: UUID) -> FlRunView:
        run = self._need(run_id)
        if run.state == "prepared":
            if lay_out(self._content, run, self._files(run_id)):
                raise StagedFileMissing("Files that the app brings beside its bundle have not arrived here.")
            with self._lock:
                if self._need(run_id).flwr_run_id is None:
                    token = secrets.token_urlsafe(32)
                    self._tokens[run_id] = token
                    # Some that were asked may not have come: thresholds must fit those that have.
                    present = sum(node.online for node in self.view(run_id).nodes)
                    spec = RunSpec.model_validate({**run.spec, "trust_count": present or run.spec["trust_count"]})
                    self._store.update(run_id, token_sha256=_sha(token), spec=json.dumps(spec.model_dump(mode="json")))
                    flwr_run_id = self._start_on_flower(run_id, run.fab, spec)
                    self._store.update(run_id, flwr_run_id=str(flwr_run_id), state="running")
                    self.executor.look()
            self._follow(run_id)
        return self.view(run_id)

    def _start_on_flower(self, run_id: UUID, fab: bytes, spec: RunSpec) -> int:
        overrides = {
            **spec.run_config,
            "flip-model-id": str(spec.model_id),
            "flip-project-id": str(spec.project_id),
            "flip-cohort-query": spec.cohort_query,
            "flip-min-clients": spec.trust_count,
        }
        return self._control.start_run(fab, overrides, federation_of(run_id))

    def stop_run(self, run_id: UUID) -> None:
        """The ServerApp ends here and now; the follower sees to it that the SuperLink hears of it."""
        run = self._need(run_id)
        self._store.update(run_id, stop_requested=1)
        if run.state == "prepared":
            self._finish(run_id, "stopped", RunReason.STOPPED_BY_USER, "Stopped before it had started.", None)
        elif run.flwr_run_id is not None and run.state == "running":
            self.executor.kill_run(run.flwr_run_id, "stopped")
            with contextlib.suppress(FlError):
                self._control.stop_run(run.flwr_run_id)
            self._ended[run_id].set()

    def results(self, run_id: UUID) -> Path:
        run = self._need(run_id)
        path = self._folder(run_id) / "results.zip"
        if run.state != "finished" or not path.exists():
            raise ResultsNotReady("This run has no results yet, or produced none.")
        return path

    def forget(self, run_id: UUID) -> None:
        """Close the federation: keys are unregistered for good, folders deleted. Repeating it does no harm."""
        run = self._store.run(run_id)
        if run is None:
            return
        if run.state == "running":
            self.stop_run(run_id)
        nodes = [node_id for _, _, node_id in self._store.nodes(run_id)]
        for node_id in nodes:
            try:
                self._control.unregister_node(node_id)
            except FlError as error:
                log.info("a node was already gone: %s", error.code)
        self._launcher.release(str(run_id))
        if run.flwr_run_id is not None:
            prune(self._settings.superlink_db, run.flwr_run_id, nodes)
        self._store.delete_run(run_id)
        self._tokens.pop(run_id, None)
        self._ended.pop(run_id, None)
        self._crashed.pop(run.flwr_run_id or 0, None)
        shutil.rmtree(self._folder(run_id), ignore_errors=True)
        self._content.prune()

    def health(self) -> NetHealth:
        try:
            self._control.online_nodes()
            online = True
        except FlError:
            online = False
        active = sum(run.state == "running" for run in self._store.runs())
        return NetHealth(
            superlink_online=online,
            executor_online=self.executor.online,
            flwr_version=FLWR_VERSION,
            active_runs=active,
            sandbox=self._sandbox,
        )

    # --- the ServerApp's calls, through the relay ---
    def run_of_token(self, token: str) -> RunRow:
        run = self._store.run_by_token(_sha(token))
        if run is None:
            raise TokenInvalid("This token belongs to no running run.")
        return run

    def app_status(self, run: RunRow, status: str) -> None:
        if status == "RESULTS_UPLOADED":
            self._store.update(run.run_id, announced=1)
        self._append(run.run_id, EventKind.APP_STATUS, {"status": status})

    def app_event(self, run: RunRow, kind: EventKind, payload: dict[str, Any]) -> None:
        # An app that only evaluates has results, too.
        if kind is EventKind.ROUND_DONE and (payload.get("phase") == "train" or run.train_results == 0):
            self._store.add_train_results(run.run_id, int(payload["results"]))
        self._append(run.run_id, kind, payload)

    def trusts_by_node(self, run: RunRow) -> dict[str, str]:
        return {str(node_id): trust for trust, _, node_id in self._store.nodes(run.run_id)}

    def app_shape(self, run: RunRow, resumable: bool, why: str) -> None:
        """Whether the app can be resumed; its owner hears at once if it cannot, and not only after a crash."""
        self._store.update(run.run_id, shape=json.dumps({"resumable": resumable, "why": why}))
        wants = OnCrash(run.spec.get("on_crash", OnCrash.RESUME)) is OnCrash.RESUME
        if wants and not resumable and run.resumable is None:
            text = f"This app cannot be resumed after a crash, since {why}: its run would fail then."
            self._append(run.run_id, EventKind.NOTICE, {"text": text})

    def app_failure(self, run: RunRow, reason: str, text: str) -> None:
        self._store.update(run.run_id, failure=json.dumps({"reason": reason, "text": self._folders.hide(text)[:2000]}))

    def _append(self, run_id: UUID, kind: EventKind, payload: dict[str, Any]) -> None:
        self._logs.flush()  # keep the order that a reader saw
        self._store.append(run_id, kind, payload)

    # --- the executor's host ---
    def order_for(self, flwr_run_id: int, token: str) -> AppLaunch | None:
        run = self._wait_for_flwr_run(flwr_run_id)
        if run is None or run.stop_requested:
            return None
        run_token = self._tokens.get(run.run_id)
        if run_token is None:  # restarted in between: a new token, the old one ends
            run_token = self._tokens[run.run_id] = secrets.token_urlsafe(32)
            self._store.update(run.run_id, token_sha256=_sha(run_token))
        folder = self._folder(run.run_id)
        self._store.append(run.run_id, EventKind.RUN_STARTED, {})
        return AppLaunch(
            place=self._place(run.run_id),
            runtime_api=self._settings.superlink_address,
            root_certificates=self._settings.ca_file.read_text(),
            token=token,
            folder=folder / "app",
            keep_folder=True,
            env={
                "FLIP_RUN_TOKEN": run_token,
                "FLIP_MODEL_ID": str(run.spec["model_id"]),
                "FLIP_PROJECT_ID": str(run.spec["project_id"]),
                "FLIP_RESULTS_DIR": str(folder / "results"),
                "FLIP_TRUST_COUNT": str(run.spec["trust_count"]),
                POLICY: json.dumps(run.spec.get("round_policy", {})),
                **({CHECKPOINTS: str(folder / "checkpoint")} if _is_resumed(run) else {}),
                **({"FLIP_FILES_DIR": str(files)} if (files := self._files(run.run_id)).exists() else {}),
            },
        )

    def _place(self, run_id: UUID) -> RunPlace:
        return RunPlace(
            run=str(run_id),
            kind="serverapp",
            folder=self._folder(run_id) / "zygote",
            env={"FLIP_MODE": "server", "FLIP_URL": f"http://127.0.0.1:{self._settings.relay_port}"},
            limits=Limits(
                memory_bytes=self._settings.app_memory_bytes,
                processes=self._settings.app_processes,
                disk_bytes=self._settings.app_disk_bytes,
                wall_seconds=self._settings.app_wall_seconds,
            ),
            writable=tuple(self._folder(run_id) / name for name in WRITABLE),
            readable=(files,) if (files := self._files(run_id)).exists() else (),
            ports=(self._settings.superlink_port, self._settings.relay_port),
        )

    def _wait_for_flwr_run(self, flwr_run_id: int, seconds: float = 5) -> RunRow | None:
        """StartRun returns the id a moment after the task may already have been taken."""
        deadline = time.monotonic() + seconds
        while (run := self._store.run_by_flwr_id(flwr_run_id)) is None and time.monotonic() < deadline:
            time.sleep(0.02)
        return run

    def line(self, flwr_run_id: int, line: str) -> None:
        if run := self._store.run_by_flwr_id(flwr_run_id):
            self._logs.add(run.run_id, self._folders.hide(line))

    def ended(self, launch: AppLaunch, flwr_run_id: int, returncode: int, why: str) -> None:
        self._logs.flush()
        if returncode < 0 and not why:
            self._crashed[flwr_run_id] = f"The ServerApp's process was ended by signal {-returncode}."
        self._ended[UUID(launch.place.run)].set()

    def superlink_began_again(self) -> None:
        """Its state is on disk and ServerApps ask again, so runs go on; who watches one should know."""
        for run in self._store.runs():
            if run.state == "running":
                text = "The SuperLink ended and was started again. The run goes on."
                self._append(run.run_id, EventKind.NOTICE, {"text": text})

    # --- following ---
    def _follow(self, run_id: UUID) -> None:
        with self._lock:
            if run_id in self._followers and self._followers[run_id].is_alive():
                return
            thread = threading.Thread(target=self._follow_whatever_comes, args=(run_id,), daemon=True)
            self._followers[run_id] = thread
            thread.start()

    def _follow_whatever_comes(self, run_id: UUID) -> None:
        """A run that nobody follows would never end."""
        while not self._closing.is_set():
            try:
                return self._follow_until_finished(run_id)
            except Exception:
                log.exception("a look at run %s failed; it is looked at again", run_id)
                time.sleep(STATUS_SECONDS)

    def _follow_until_finished(self, run_id: UUID) -> None:
        away_since: float | None = None
        ended_at: float | None = None
        refusals = 0
        while not self._closing.is_set():
            run = self._store.run(run_id)
            if run is None or run.state == "finished" or run.flwr_run_id is None:
                return
            try:
                if run.stop_requested:
                    self.executor.kill_run(run.flwr_run_id, "stopped")
                    self._control.stop_run(run.flwr_run_id)
                status = self._control.status(run.flwr_run_id)
            except SuperLinkUnreachable:
                away_since = away_since or time.monotonic()
                if run.stop_requested and time.monotonic() - away_since > STOP_SECONDS:
                    return self._conclude(run, FlowerStatus("finished", "stopped", ""))
                time.sleep(AWAY_SECONDS)
                continue
            except (FlError, KeyError):
                if run.stop_requested:
                    return self._conclude(run, FlowerStatus("finished", "stopped", ""))
                refusals += 1
                if refusals < MOST_REFUSALS:  # it may be dying, or just be there again
                    time.sleep(AWAY_SECONDS)
                    continue
                self._crashed[run.flwr_run_id] = "The SuperLink no longer knew this run."
                status = FlowerStatus("finished", "failed", "")
            away_since, refusals = None, 0
            if status.status == "finished" or run.flwr_run_id in self._crashed:
                self.executor.wait_until_ended(run.flwr_run_id, LAST_WORDS_SECONDS)
                run = self._store.run(run_id)  # it may have said why in the meantime
                if run is None or self._closing.is_set():  # closing: it ended because we do
                    return
                if not self._crash(run, status):
                    return self._conclude(run, status)
                ended_at = None
                continue
            self._ended[run_id].wait(STATUS_SECONDS)
            if self._ended[run_id].is_set():  # the ServerApp has gone: Flower will say so in a moment
                ended_at = ended_at or time.monotonic()
                if time.monotonic() - ended_at > LAST_WORDS_SECONDS:  # its last word did not reach the SuperLink
                    self._crashed[run.flwr_run_id] = "The ServerApp's end did not reach the SuperLink."
                time.sleep(0.1)
            else:
                ended_at = None

    # --- crashes ---
    def _crash(self, run: RunRow, status: FlowerStatus) -> bool:
        """True if the run ended by a crash: it has begun another attempt then, or failed."""
        assert run.flwr_run_id is not None
        why = crash_of(run, status, self._crashed.get(run.flwr_run_id, ""))
        if not why:
            return False
        self._launcher.release(str(run.run_id))
        self._logs.flush()
        match after_crash(run, why):
            case GiveUp(text):
                self._finish(run.run_id, "failed", RunReason.CRASHED, text, self._collect(run.run_id))
            case again:
                self._begin_again(run, again, why)
        return True

    def _begin_again(self, run: RunRow, again: Again, why: str) -> None:
        """Another run of Flower for the same run, in the same federation, with the SuperNodes that are there."""
        run_id, old = run.run_id, run.flwr_run_id
        assert old is not None
        changes: dict[str, Any] = {}
        if again.anew:
            for name in WRITABLE:
                shutil.rmtree(self._folder(run_id) / name, ignore_errors=True)
            changes = {"train_results": 0, "announced": 0, "after_round": 0, "kept": ""}
        self._launcher.prepare(self._place(run_id))
        self._launcher.preload(str(run_id), platform_imports(run.fab))
        refusals = 0
        while True:
            now = self._store.run(run_id)
            if now is None or now.stop_requested or self._closing.is_set():
                return
            try:
                with contextlib.suppress(SuperLinkRefused):
                    self._control.stop_run(old)
                self._know_nodes_again(run_id)
                started = self._start_on_flower(run_id, run.fab, RunSpec.model_validate(run.spec))
                break
            except SuperLinkUnreachable:
                time.sleep(AWAY_SECONDS)
            except SuperLinkRefused as refusal:
                refusals += 1
                if refusals >= MOST_REFUSALS:
                    text = f"{why} The run could not go on: {refusal}"
                    return self._finish(run_id, "failed", RunReason.CRASHED, text, self._collect(run_id))
                time.sleep(STATUS_SECONDS)
        self._ended[run_id].clear()
        self._crashed.pop(old, None)
        told = {"attempt": run.attempt + 1, "after_round": again.after_round, "why": why}
        self._store.begin_attempt(run_id, started, told, **changes)
        self.executor.look()
        prune(self._settings.superlink_db, old)

    def _know_nodes_again(self, run_id: UUID) -> None:
        """A SuperLink that has lost its state has forgotten the run's nodes, too."""
        known = self._control.nodes()
        for trust, public_key, node_id in self._store.nodes(run_id):
            if node_id not in known:
                self._store.put_node(run_id, trust, public_key, self._control.register_node(public_key, trust))

    def _conclude(self, run: RunRow, status: FlowerStatus) -> None:
        run_id = run.run_id
        assert run.flwr_run_id is not None
        if status.sub_status == "stopped":
            self.executor.kill_run(run.flwr_run_id, "the run has ended")
        self.executor.wait_until_ended(run.flwr_run_id, LAST_WORDS_SECONDS)
        self._launcher.release(str(run_id))  # nothing of the app may run while its files are read
        self._logs.flush()
        archive = self._collect(run_id)
        if run.stop_requested or status.sub_status == "stopped":
            return self._finish(run_id, "stopped", RunReason.STOPPED_BY_USER, "Stopped.", archive)
        if status.sub_status == "completed":
            if archive is None or (run.train_results == 0 and not self._wrote_files(run_id)):
                text = "The ServerApp ended without a result from any trust and without writing a file."
                return self._finish(run_id, "failed", RunReason.NO_CLIENT_RESULTS, text, archive)
            if run.announced:
                return self._finish(run_id, "succeeded", RunReason.COMPLETED, "Completed.", archive)
            text = (
                "Completed, but the app never reported RESULTS_UPLOADED; the platform did. "
                "Add flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED) at the end of main()."
            )
            return self._finish(run_id, "succeeded", RunReason.COMPLETED_UNANNOUNCED, text, archive)
        if run.failure:
            reason, text = RunReason(run.failure["reason"]), run.failure["text"]
        elif status.details.startswith("ServerApp failed with exception"):
            reason, text = RunReason.SERVER_APP_RAISED, status.details
        else:
            reason = RunReason.SERVER_APP_EXITED
            text = f"The ServerApp's process ended early. {status.details} Do not exit the process from an app."
        self._finish(run_id, "failed", reason, text, archive)

    def _finish(self, run_id: UUID, outcome: str, reason: RunReason, text: str, archive: Path | None) -> None:
        finished = RunFinished(
            outcome=outcome,
            reason=reason.value,
            text=text,
            train_results=self._need(run_id).train_results,
            results_sha256=_file_sha(archive) if archive else None,
            results_bytes=archive.stat().st_size if archive else 0,
        )
        self._store.finish(run_id, finished.model_dump(mode="json"))
        self._launcher.release(str(run_id))

    def _wrote_files(self, run_id: UUID) -> bool:
        work = self._folder(run_id) / "app" / "work"
        return any(p.is_file() for p in work.rglob("*")) if work.exists() else False

    def _collect(self, run_id: UUID) -> Path | None:
        """One zip: the global model, its history, whatever the ServerApp wrote, and its log is at the hub already."""
        folder = self._folder(run_id)
        found: dict[str, Path] = {}
        for base in (folder / "app" / "work", folder / "results"):
            for path in sorted(base.rglob("*")) if base.exists() else []:
                if path.is_file() and not path.is_symlink() and path.suffix != ".part":
                    found[path.relative_to(base).as_posix()] = path
        if not found or sum(p.stat().st_size for p in found.values()) > MAX_RESULT_BYTES:
            return None
        target, part = folder / "results.zip", folder / "results.zip.part"
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as zipped:  # tensors do not compress
            for name, path in found.items():
                zipped.write(path, name)
        part.replace(target)
        return target

    def _folder(self, run_id: UUID) -> Path:
        return self._settings.data_dir / "runs" / str(run_id)

    def _files(self, run_id: UUID) -> Path:
        """What `[tool.flip.files]` brings to the ServerApp; there is no such folder where that is nothing."""
        return self._folder(run_id) / "files"

    def _need(self, run_id: UUID) -> RunRow:
        run = self._store.run(run_id)
        if run is None:
            raise RunUnknown("No run of this id is prepared on this net.")
        return run


def _is_resumed(run: RunRow) -> bool:
    return OnCrash(run.spec.get("on_crash", OnCrash.RESUME)) is OnCrash.RESUME


def _file_sha(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
