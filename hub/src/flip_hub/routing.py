"""How the hub's endpoints run. Each hop between the event loop and a thread waits for the interpreter's lock, so under
load a request costs as many waits as it has hops: here an endpoint, its commit and its JSON are one."""

from collections.abc import Callable
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any, Final, get_type_hints

from fastapi import APIRouter, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from sqlalchemy.orm import Session

Endpoint = Callable[..., Any]
SESSION: Final = "session"  # what endpoints call their database session


class Router(APIRouter):
    def __init__(self, **kwargs: Any):
        super().__init__(route_class=_Route, **kwargs)


class _Route(APIRoute):
    def __init__(self, path: str, endpoint: Endpoint, **kwargs: Any):
        if not (iscoroutinefunction(endpoint) or isasyncgenfunction(endpoint)):
            endpoint = _in_one_hop(endpoint, kwargs.get("status_code") or 200)
        super().__init__(path, endpoint, **kwargs)


def _in_one_hop(endpoint: Endpoint, status: int) -> Endpoint:
    """The answer is what its annotation says, so FastAPI need not look at it once more."""
    hints = get_type_hints(endpoint)
    answer = hints.pop("return")
    makes_response = isinstance(answer, type) and issubclass(answer, Response)
    sets_headers = Response in hints.values()  # FastAPI has to put the two together
    adapter = None if makes_response or sets_headers else TypeAdapter(answer)

    @wraps(endpoint)
    def run(**values: Any) -> Any:
        result = endpoint(**values)
        if adapter is not None:
            result = Response(adapter.dump_json(result), status, media_type="application/json")
        session = values.get(SESSION)
        if isinstance(session, Session):
            session.commit()
            session.close()
        return result

    return run
