"""The warm parent of one run's app processes: it has Flower and the app's frameworks loaded and forks a child per task.

A fresh interpreter costs a second, with torch several; a fork costs milliseconds. The parent never imports app code,
so each child starts as a fresh process would: no state of one message is seen by the next. It has one Python thread,
because only then is a fork safe, and talks over one socket (JSON packets) with `zygotes.py`.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from typing import Any

from flip_fl.executor.end import EndOfTask
from flip_fl.sandbox.confine import confine, in_own_process_space

RUNNERS = {
    "serverapp": "flip_fl.executor.tasks",
    "clientapp": "flip_fl.executor.tasks",
    "probe": "flip_fl.sandbox.attacks",
}
PR_SET_PDEATHSIG = 1  # prctl(2)
PACKET = 256 * 1024
_libc = ctypes.CDLL(None)


@dataclass
class Child:
    pid: int
    pidfd: int
    task: int  # 0: kept, and waiting for the next one
    channel: socket.socket | None
    kept: bool
    finished: bool = False  # it said that Flower's task runner came to its end


class Zygote:
    def __init__(self, sock: socket.socket, kind: str, alone: bool = False):
        self._sock, self._kind = sock, kind
        self._children: dict[int, Child] = {}
        self._alone = alone and in_own_process_space()
        self._select = selectors.DefaultSelector()

    def serve(self) -> None:
        self._select.register(self._sock, selectors.EVENT_READ, None)
        while True:
            for key, _ in self._select.select():
                what = key.data
                if what is None:
                    if not self._command():
                        return self._end()
                elif key.fd == what.pidfd:
                    self._exited(what)
                else:
                    self._done(what)

    def _command(self) -> bool:
        data, fds, _, _ = socket.recv_fds(self._sock, PACKET, 1)
        if not data:
            return False
        command = json.loads(data)
        if modules := command.get("preload"):
            preload(modules)
        elif "kill" in command:
            for child in [c for c in self._children.values() if c.task == command["kill"]]:
                self._kill(child)
        else:
            self._launch(command, fds[0])
            os.close(fds[0])
        return True

    def _launch(self, command: dict[str, Any], output: int) -> None:
        idle = next((c for c in self._children.values() if c.kept and c.channel and c.task == 0), None)
        if idle and idle.channel:
            with contextlib.suppress(OSError):  # it died a moment ago: fork another
                socket.send_fds(idle.channel, [json.dumps(command["order"]).encode()], [output])
                idle.task = command["task"]
                return self._tell({"task": command["task"], "pid": idle.pid})
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            ours.close()
            os._exit(self._child(command["order"], output, theirs))
        theirs.close()
        child = Child(pid, os.pidfd_open(pid), command["task"], ours, command["order"]["keep_process"])
        self._children[pid] = child
        self._select.register(child.pidfd, selectors.EVENT_READ, child)
        self._select.register(ours, selectors.EVENT_READ, child)
        self._tell({"task": child.task, "pid": pid})

    def _exited(self, child: Child) -> None:
        # Not reaped yet, so the group's number cannot have been given to anyone else.
        self._kill(child)
        _, status = os.waitpid(child.pid, 0)
        self._forget(child)
        if child.task:
            code = os.waitstatus_to_exitcode(status)
            self._tell({"task": child.task, "exit": code, "finished": child.finished})

    def _done(self, child: Child) -> None:
        """The child has finished its task; a kept one waits for another."""
        assert child.channel is not None
        data = b""
        with contextlib.suppress(OSError):
            data = child.channel.recv(PACKET)
        if not data:  # it has ended; its pidfd tells the rest
            self._select.unregister(child.channel)
            child.channel.close()
            child.channel = None
            return
        if not child.kept or int(data):
            child.finished = True  # its end is a moment away
            return
        task, child.task = child.task, 0
        self._tell({"task": task, "exit": 0, "finished": True})

    def _kill(self, child: Child) -> None:
        """With everything that it started. What left its group is found only where we are alone with it."""
        _kill_group(child.pid)
        if self._alone and len(self._children) == 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)  # all of this PID namespace but its first process and us

    def _forget(self, child: Child) -> None:
        del self._children[child.pid]
        self._select.unregister(child.pidfd)
        os.close(child.pidfd)
        if child.channel:
            self._select.unregister(child.channel)
            child.channel.close()

    def _tell(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # the next read ends us
            self._sock.send(json.dumps(message).encode())

    def _end(self) -> None:
        for child in self._children.values():
            _kill_group(child.pid)
        for pid in self._children:
            os.waitpid(pid, 0)

    def _child(self, order: dict[str, Any], output: int, channel: socket.socket) -> int:
        """In the child, for good. Returns the exit code."""
        try:
            os.setsid()
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            self._select.close()
            self._sock.close()
            for other in self._children.values():
                os.close(other.pidfd)
                if other.channel:
                    other.channel.close()
            _fresh()
            while True:
                code = _perform(self._kind, order, output)
                if code < 0:
                    return 1
                with open(os.devnull, "wb") as nothing:  # whoever reads our output sees its end
                    _print_to(nothing.fileno())
                channel.send(b"%d" % code)
                if not order["keep_process"] or code:
                    return code
                data, fds, _, _ = socket.recv_fds(channel, PACKET, 1)
                if not data:
                    return 0
                order, output = json.loads(data), fds[0]
        except BaseException:  # noqa: BLE001  nothing may climb into the parent's loop
            traceback.print_exc()
            return 1


def _perform(kind: str, order: dict[str, Any], output: int) -> int:
    """The exit code of Flower's task runner; -1 if it did not come to its end."""
    _print_to(output)
    os.close(output)
    os.environ.update(order["env"])
    os.chdir(order["work"])
    code = -1
    try:
        importlib.import_module(RUNNERS[kind]).perform(kind, order)
    except EndOfTask as end:
        code = end.exit_code
    except SystemExit:  # the app's own: Flower lets it through without a word
        pass
    except BaseException:  # noqa: BLE001  told like an interpreter would
        traceback.print_exc()
    if not order["keep_process"] or code:
        _leave()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _leave() -> None:
    """What an interpreter does at its end, short of tearing down every module."""
    import atexit
    import threading

    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]  # waits for non-daemon threads
        atexit._run_exitfuncs()


def _fresh() -> None:
    """Give the fork what a new process would have: default signals, its own randomness, its own temporary folder."""
    import random
    import tempfile

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    tempfile.tempdir = None
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()


def _print_to(descriptor: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)  # before its setsid it is in our group


def preload(modules: list[str]) -> None:
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001  the app's own import will tell it in full
            print(f"preload of {name}: {type(error).__name__}", flush=True)
    gc.collect()
    gc.freeze()  # a child's collector must not touch, and so copy, the pages it shares with us


def main() -> None:
    """`python -m flip_fl.executor.zygote SOCKET_FD KIND`; the first packet says how to be confined."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    kind = sys.argv[2]
    order = json.loads(sock.recv(PACKET))
    confine(order, sock)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if kind != "probe":
        preload(["numpy", "flip", RUNNERS[kind]])
    importlib.import_module(RUNNERS[kind]).install(kind)
    sys.argv = [f"flwr-{kind}"]
    gc.freeze()
    sock.send(b'{"ready": true}')
    Zygote(sock, kind, order["alone"]).serve()


if __name__ == "__main__":
    main()
