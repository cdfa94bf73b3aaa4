"""Inside an app's process: Flower's own task runners with our hooks, one call per task."""

import importlib
from queue import Queue
from typing import Any, NoReturn

from flwr.supercore.exit.exit_handler import trigger_exit_handlers

from flip_fl.executor.end import EndOfTask


def install(kind: str) -> None:
    """Load Flower's runner for this kind and put the hooks in place; done once, before any fork."""
    if kind == "serverapp":
        from flip_fl.executor.server_hooks import install as hooks
    else:
        from flip_fl.executor.client_hooks import install as hooks
    hooks()
    _runner(kind).flwr_exit = _end_of_task


def perform(kind: str, order: dict[str, Any]) -> None:
    """Run one task. Raises `EndOfTask` when Flower's runner has said its last word to the Runtime API."""
    certificates = order["root_certificates"].encode() if order["root_certificates"] else None
    common: dict[str, Any] = {
        "runtime_api_address": order["runtime_api"],
        "token": order["token"],
        "insecure": certificates is None,
        "certificates": certificates,
        "parent_pid": None,  # the kernel ends us with our parent
        "runtime_dependency_install": False,
    }
    if kind == "serverapp":
        common["log_queue"] = Queue()
    getattr(_runner(kind), f"run_{kind}")(**common)


def _runner(kind: str) -> Any:
    # flwr gives functions the names of their modules, so `import … as` would find the function.
    side = "superlink" if kind == "serverapp" else "supernode"
    return importlib.import_module(f"flwr.{side}.runtime.run_{kind}")


def _end_of_task(code: int, *_: Any, **__: Any) -> NoReturn:
    """Flower's `flwr_exit` without its timer that ends the process 5 s later: a kept process lives on."""
    trigger_exit_handlers(run_before_force_exit=True)
    trigger_exit_handlers(run_before_force_exit=False)
    raise EndOfTask(0 if 0 <= code < 100 else 1)
