"""One local run from start to end."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flwr.app import Context, RecordDict
from flwr.common.constant import SUPERLINK_NODE_ID
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity

from flip import protocol
from flip.errors import FlipError, InvalidArgument
from flip.local_run.client import ClientPlan
from flip.local_run.crew import Crew, InTurn, SideBySide
from flip.local_run.grid import LocalGrid
from flip.local_run.modules import AppModules
from flip.local_run.project import Project, Scalar, fused_config, read_project
from flip.local_run.quiet import flower_log_level
from flip.local_run.record import Recorder, View
from flip.local_run.reports import MODEL, SUMMARY, Tail, new_folder
from flip.local_run.trace import Failure, failure_of
from flip.local_run.trusts import environment, make_trusts
from flip.local_run.watch import NoClientResults, watched_strategies


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: `data` as in `make_trusts`; `base` is the folder that gets `flip-local/`."""

    app: Path
    trusts: Sequence[str]
    overrides: dict[str, Scalar] = field(default_factory=lambda: {})
    data: Path | None = None
    parallel: bool = False
    verbose: bool = False
    base: Path = field(default_factory=Path.cwd)


@dataclass(frozen=True, slots=True)
class Result:
    """`error` is None when the run succeeded; its `code` is the platform's own for the same end."""

    folder: Path
    seconds: float
    recorder: Recorder
    error: FlipError | None
    failure: Failure | None
    model: Path | None

    def to_json(self) -> dict[str, Any]:
        error = None
        if self.error is not None:
            error = {"code": self.error.code, "message": str(self.error)}
            if self.failure is not None:
                error |= {"error_class": self.failure.error_class, "place": self.failure.place}
        return {
            "ok": self.error is None,
            "folder": str(self.folder),
            "model": str(self.model) if self.model else None,
            "seconds": round(self.seconds, 3),
            "error": error,
            **self.recorder.to_json(),
        }


def run_app(order: Order, view: View, watching: Callable[[Recorder], None] | None = None) -> Result:
    """Run an app's ServerApp and ClientApps here. A failing app is a Result with `error`; a wrong order raises.

    `watching` gets the Recorder before anything runs, so that a live view can poll it.
    """
    if not order.trusts or len(set(order.trusts)) < len(order.trusts):
        raise InvalidArgument("A run needs one trust or more, each with a name of its own.")
    project = read_project(order.app)
    config = fused_config(project.config, order.overrides, len(order.trusts))
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="flip-run-") as scratch:
        trusts = make_trusts(order.trusts, order.data, Path(scratch))
        folder = new_folder(order.base)
        flower_log_level(order.verbose)
        recorder = Recorder(view, Tail(folder), [trust.name for trust in trusts])
        if watching is not None:
            watching(recorder)
        run_id = random.getrandbits(63)
        TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = run_id, 1, SUPERLINK_NODE_ID
        plans = [
            ClientPlan(project.root, project.client, trust, len(trusts), run_id, config, order.verbose)
            for trust in trusts
        ]
        ours = {protocol.ENV_LOCAL_DIR: str(folder), protocol.ENV_FILES_DIR: str(project.root)}
        with environment(ours), watched_strategies(recorder, folder, len(trusts)):
            crew: Crew = SideBySide(plans) if order.parallel and len(plans) > 1 else InTurn(plans)
            try:
                grid = LocalGrid(Run.create_empty(run_id), trusts, crew, recorder)
                legacy, error, failure = _serve(project, grid, run_id, config)
            finally:
                crew.close()
        recorder.poll()
    if error is None and not (legacy and recorder.train_answers):
        error = _nothing_came_of_it(recorder, folder)
    _remark(recorder, error)
    model = folder / MODEL
    result = Result(folder, time.perf_counter() - started, recorder, error, failure, model if model.is_file() else None)
    summary = {"app": project.name, "trusts": [trust.name for trust in trusts], "config": config, **result.to_json()}
    (folder / SUMMARY).write_text(json.dumps(summary, indent=1, default=str), encoding="utf-8")
    return result


def _serve(
    project: Project, grid: LocalGrid, run_id: int, config: dict[str, Scalar]
) -> tuple[bool, FlipError | None, Failure | None]:
    """Run the ServerApp to its end. What it raises is told as the platform tells it.

    The first of the result is whether it is written for Flower's older API, which has no `Strategy.start` to watch.
    """
    legacy = False
    modules = AppModules(project.root)
    context = Context(run_id=run_id, node_id=SUPERLINK_NODE_ID, node_config={}, state=RecordDict(), run_config=config)
    try:
        with modules.active(), environment({}):
            app = modules.load(project.server)
            legacy = getattr(app, "_main", None) is None
            app(grid=grid, context=context)
    except KeyboardInterrupt:
        raise
    except FlipError as error:
        failure = failure_of(error, project.root)
        if error.code in ("no_client_results", "component_unresolved", "module_shadowed"):
            return legacy, error, None
        return legacy, _raised(failure), failure
    except BaseException as error:  # noqa: BLE001  an app may raise anything, SystemExit included
        failure = failure_of(_root_of(error, project.root), project.root)
        return legacy, _raised(failure), failure
    return legacy, None, None


def _raised(failure: Failure) -> FlipError:
    place = f" ({failure.place})" if failure.place else ""
    return FlipError(f"The ServerApp raised {failure.error_class}: {failure.message}{place}", code="server_app_raised")


def _root_of(error: BaseException, root: Path) -> BaseException:
    """Past the wrappers that Flower puts around what an app raised."""
    while type(error).__module__.startswith("flwr.") and error.__cause__ is not None:
        error = error.__cause__
    return error


def _nothing_came_of_it(recorder: Recorder, folder: Path) -> FlipError | None:
    """The platform takes a run for a success when a trust trained, or when the ServerApp kept a file as result."""
    trained = any(done.phase == "train" and done.results for done in recorder.rounds)
    if trained or any((folder / "results").rglob("*")):
        return None
    return NoClientResults(
        "The ServerApp ended without a training result from any trust and without keeping a file; the platform ends "
        "such a run as failed. Train with a strategy, or keep what was found with flip.upload_results(folder)."
    )


def _remark(recorder: Recorder, error: FlipError | None) -> None:
    """What would surprise on the platform although it went well here."""
    if error is None and "RESULTS_UPLOADED" not in recorder.statuses:
        reported = ", ".join(recorder.statuses) or "none"
        recorder.notice(
            f"The ServerApp ended without ModelStatus.RESULTS_UPLOADED (reported: {reported}), so a platform does not "
            "see that the app finished. Call flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED) last."
        )
