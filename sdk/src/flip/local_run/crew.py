"""Who answers: all trusts in this process, one after the other, or each in a process of its own, side by side."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from flip.local_run.client import Answer, Client, ClientPlan, crashed
from flip.local_run.trusts import environment


class Crew(Protocol):
    def ask(self, node_id: int, packed: bytes) -> Future[Answer]:
        """Have the trust `node_id` answer a pickled Message."""
        ...

    def close(self) -> None: ...


class InTurn:
    """Sequential: `ask` returns when the answer is there."""

    def __init__(self, plans: Sequence[ClientPlan]) -> None:
        self._clients = {plan.trust.node_id: Client(plan) for plan in plans}
        self._one = threading.Lock()  # Flower's older strategies ask from several threads

    def ask(self, node_id: int, packed: bytes) -> Future[Answer]:
        future: Future[Answer] = Future()
        with self._one:  # environment and module state belong to one trust at a time
            future.set_result(self._clients[node_id].answer(packed))
        return future

    def close(self) -> None:
        pass


class SideBySide:
    """Parallel: a process per trust, alive for the whole run; one message at a time each, as a SuperNode does."""

    def __init__(self, plans: Sequence[ClientPlan]) -> None:
        context = multiprocessing.get_context("spawn")  # fork would copy threads' locks and OpenMP's pools
        self._workers: dict[int, _Worker] = {}
        with environment(_share_of_cores(len(plans))):
            for plan in plans:
                ours, theirs = context.Pipe()
                process = context.Process(target=_serve, args=(plan, theirs), daemon=True, name=plan.trust.name)
                process.start()
                theirs.close()
                self._workers[plan.trust.node_id] = _Worker(process, ours)

    def ask(self, node_id: int, packed: bytes) -> Future[Answer]:
        return self._workers[node_id].ask(packed)

    def close(self) -> None:
        for worker in self._workers.values():
            worker.close()


class _Worker:
    def __init__(self, process: BaseProcess, pipe: Any) -> None:
        self._process, self._pipe = process, pipe
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=process.name)

    def ask(self, packed: bytes) -> Future[Answer]:
        return self._thread.submit(self._exchange, packed)

    def _exchange(self, packed: bytes) -> Answer:
        try:
            self._pipe.send_bytes(packed)
            return self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(5)
            return crashed(packed, f"its process ended (exit code {self._process.exitcode})")

    def close(self) -> None:
        self._pipe.close()  # the process reads the end of its input and stops
        self._process.join(1)
        if self._process.is_alive():
            self._process.terminate()
        self._thread.shutdown(wait=False, cancel_futures=True)


def _share_of_cores(processes: int) -> dict[str, str]:
    """Threads per process, so that all together use the cores once: more is many times slower than one in turn."""
    share = str(max(1, (os.cpu_count() or 1) // processes))
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {name: share for name in names if name not in os.environ}


def _serve(plan: ClientPlan, pipe: Any) -> None:
    from flwr.supercore.task_identity import TaskIdentity

    from flip.local_run.quiet import flower_log_level

    TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = plan.run_id, 1, plan.trust.node_id
    flower_log_level(plan.verbose)
    client = Client(plan)
    while True:
        try:
            packed = pipe.recv_bytes()
        except (EOFError, KeyboardInterrupt):
            return
        pipe.send(client.answer(packed))
