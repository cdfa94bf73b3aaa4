"""Many objects in one request. Flower sends each array of a model, and each record around it, in a request of its own.

The message types and paths stay Flower's: `object_id` holds several ids joined by commas, `object_content` their
contents in frames. Flower's own handler is called for each object, so every check of run, node and push session is
still made. Both ends are ours; a stock SuperNode that asks for one object gets it as ever.
"""

import concurrent.futures
import random
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flwr.proto.message_pb2 import PullObjectResponse, PushObjectResponse
from flwr.supercore.inflatable.inflatable_utils import ObjectPullError, ObjectUnavailableError

MAX_IDS = 128
BUNDLE_BYTES = 4 * 2**20  # a bundle that has reached this is sent; Flower's chunks are 5 MiB
WORKERS = 2
MISSING, UNAVAILABLE, HERE = range(3)
HEAD = struct.Struct("<BI")
BACKOFF, BACKOFF_LONGEST = 0.05, 10.0  # Flower begins at 1 s, for an object whose push is under way
MAX_TRIES, MAX_SECONDS = 500, 7200.0  # Flower's own


def pack(frames: Iterable[tuple[int, bytes]]) -> bytes:
    return b"".join(part for status, content in frames for part in (HEAD.pack(status, len(content)), content))


def unpack(bundle: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(bundle):
        status, length = HEAD.unpack_from(bundle, at)
        at += HEAD.size
        if at + length > len(bundle):
            raise ValueError("A bundle of objects ends early.")
        yield status, bundle[at : at + length]
        at += length


# --- the side that holds the objects ---


def serve_bundles(handlers: Any) -> None:
    """Let `handlers` (one of flwr's handler modules) answer bundles with its own functions."""
    handlers.pull_object = _pulling(handlers.pull_object)
    handlers.push_object = _pushing(handlers.push_object)


def _pulling(pull_one: Callable[..., PullObjectResponse]) -> Callable[..., PullObjectResponse]:
    def pull(request: Any, state: Any, *more: Any) -> PullObjectResponse:
        ids = request.object_id.split(",")
        if len(ids) == 1:
            return pull_one(request, state, *more)
        frames: list[tuple[int, bytes]] = []
        size = 0
        with _Once(state) as once:
            for object_id in ids[:MAX_IDS]:
                answer = pull_one(_with(request, object_id=object_id), once, *more)
                status = HERE if answer.object_available else UNAVAILABLE if answer.object_found else MISSING
                frames.append((status, answer.object_content))
                size += len(answer.object_content)
                if size >= BUNDLE_BYTES:
                    break
        return PullObjectResponse(object_found=True, object_available=True, object_content=pack(frames))

    return pull


def _pushing(push_one: Callable[..., PushObjectResponse]) -> Callable[..., PushObjectResponse]:
    def push(request: Any, state: Any, *more: Any) -> PushObjectResponse:
        ids = request.object_id.split(",")
        if len(ids) == 1:
            return PushObjectResponse(stored=_is_here(push_one, request, state, *more))
        contents = [content for _, content in unpack(request.object_content)]
        if len(ids) != len(contents) or len(ids) > MAX_IDS:
            return PushObjectResponse(stored=False)
        with _Once(state) as once:
            for object_id, content in zip(ids, contents, strict=True):
                one = _with(request, object_id=object_id, object_content=content)
                if not _is_here(push_one, one, once, *more):
                    return PushObjectResponse(stored=False)
        return PushObjectResponse(stored=True)

    return push


def _is_here(push_one: Callable[..., PushObjectResponse], request: Any, state: Any, *more: Any) -> bool:
    """Also where it came before: who was cut off before he heard so sends it again, or a bundle with it."""
    return push_one(request, state, *more).stored or bool(state.get_object(request.run_id, request.object_id))


def _with(request: Any, **fields: Any) -> Any:
    fixed = {"node": request.node, "run_id": request.run_id}
    if hasattr(request, "session_id"):
        fixed["session_id"] = request.session_id
    return type(request)(**{**fixed, **fields})


class _Once:
    """A state that looks up a run's status once per bundle, and writes its traffic once."""

    def __init__(self, state: Any):
        self._state = state
        self._statuses: dict[Any, Any] = {}
        self._traffic: dict[int, list[int]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)

    def __enter__(self) -> "_Once":
        return self

    def __exit__(self, *_: object) -> None:
        for run_id, (sent, received) in self._traffic.items():
            if sent or received:
                self._state.store_traffic(run_id, bytes_sent=sent, bytes_recv=received)

    def get_run_status(self, run_ids: Any) -> Any:
        key = tuple(sorted(run_ids))
        if key not in self._statuses:
            self._statuses[key] = self._state.get_run_status(run_ids)
        return self._statuses[key]

    def store_traffic(self, run_id: int, *, bytes_sent: int, bytes_recv: int) -> None:
        total = self._traffic.setdefault(run_id, [0, 0])
        total[0] += bytes_sent
        total[1] += bytes_recv


# --- the side that asks; each stands for the function of the same name in flwr's inflatable_utils ---


def pull_objects(object_ids: list[str], pull_object_fn: Callable[[str], bytes], **_: Any) -> dict[str, bytes]:
    results: dict[str, bytes] = {}
    rest = _pull(list(dict.fromkeys(object_ids)), pull_object_fn, results, once=True)
    with concurrent.futures.ThreadPoolExecutor(WORKERS, "pull-objects") as pool:
        stop = threading.Event()
        parts = [part for part in (rest[i::WORKERS] for i in range(WORKERS)) if part]
        waiting = [pool.submit(_pull, part, pull_object_fn, results, stop=stop) for part in parts]
        try:
            for future in concurrent.futures.as_completed(waiting):
                future.result()
        finally:
            stop.set()
    return results


def _pull(
    ids: list[str],
    pull_object_fn: Callable[[str], bytes],
    results: dict[str, bytes],
    once: bool = False,
    stop: threading.Event | None = None,
) -> list[str]:
    """Fill `results`; what is still to come after one request, where `once`."""
    stop = stop or threading.Event()
    tries, pause, started = 0, BACKOFF, time.monotonic()
    while ids and not stop.is_set():
        before = len(ids)
        ids = _ask(ids, pull_object_fn, results)
        if once:
            return ids
        if len(ids) < before:
            tries, pause = 0, BACKOFF
            continue
        tries += 1
        if tries >= MAX_TRIES or time.monotonic() - started >= MAX_SECONDS:
            raise ObjectPullError(ids[0], "timeout or retry limit reached")
        stop.wait(pause * random.uniform(0.8, 1.2))
        pause = min(2 * pause, BACKOFF_LONGEST)
    return ids


def _ask(ids: list[str], pull_object_fn: Callable[[str], bytes], results: dict[str, bytes]) -> list[str]:
    """One request; the ids that are still to come."""
    asked, later = ids[:MAX_IDS], ids[MAX_IDS:]
    if len(asked) == 1:
        try:
            results[asked[0]] = pull_object_fn(asked[0])
        except ObjectUnavailableError:
            return asked + later
        return later
    waiting = []
    frames = list(unpack(pull_object_fn(",".join(asked))))
    for object_id, (status, content) in zip(asked, frames, strict=False):
        if status == HERE:
            results[object_id] = content
        elif status == UNAVAILABLE:
            waiting.append(object_id)
        else:
            raise ObjectPullError(object_id, "the object could not be found.")
    return asked[len(frames) :] + later + waiting  # what can be had now comes first


def push_object_contents_from_iterable(
    object_contents: Iterable[tuple[str, bytes]], push_object_fn: Callable[[str, bytes], None], **_: Any
) -> None:
    """At most `WORKERS` bundles are in memory beside the objects themselves."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS, "push-objects") as pool:
        under_way: set[concurrent.futures.Future[None]] = set()
        for ids, content in _bundles(object_contents):
            if len(under_way) >= WORKERS:
                done, under_way = concurrent.futures.wait(under_way, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    future.result()
            under_way.add(pool.submit(push_object_fn, ids, content))
        for future in under_way:
            future.result()


def _bundles(object_contents: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    waiting: list[tuple[str, bytes]] = []
    size = 0
    for object_id, content in object_contents:
        if waiting and (size + len(content) > BUNDLE_BYTES or len(waiting) >= MAX_IDS):
            yield _bundle(waiting)
            waiting, size = [], 0
        waiting.append((object_id, content))
        size += len(content)
    if waiting:
        yield _bundle(waiting)


def _bundle(pairs: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    if len(pairs) == 1:
        return pairs[0]
    return ",".join(object_id for object_id, _ in pairs), pack((HERE, content) for _, content in pairs)


def ask_in_bundles(*modules: Any) -> None:
    """Put these in the place of flwr's functions in the modules that use them."""
    for module in modules:
        for function in (pull_objects, push_object_contents_from_iterable):
            if hasattr(module, function.__name__):
                setattr(module, function.__name__, function)
