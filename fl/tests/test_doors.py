"""The two doors, called as ASGI apps: what passes, what is refused, and that a refusal never reaches Flower."""

import asyncio
from typing import Any

import pytest

from flip_fl.doors import fleet_door, loopback_door

TOKEN = "control-token"
BEARER = {"authorization": f"Bearer {TOKEN}"}


class Inside:
    """Stands where Flower's app is and notes what reached it."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached.append(scope.get("path", scope["type"]))
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"inside"})


def call(door: Any, path: str, headers: dict[str, str] | None = None, kind: str = "http") -> int | None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    raw = [(k.encode(), v.encode()) for k, v in (headers or {}).items()]
    asyncio.run(door({"type": kind, "path": path, "headers": raw}, receive, send))
    return next((m["status"] for m in sent if "status" in m), None)


@pytest.fixture
def inside() -> Inside:
    return Inside()


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": ""}, {"authorization": TOKEN}, {"authorization": "Bearer wrong"}, {"x-token": TOKEN}],
)
@pytest.mark.parametrize("path", ["/v1/control/start-run", "/v1/control/list-nodes", "/v1/control"])
def test_control_without_the_fl_apis_token_is_refused(inside, path, headers):
    assert call(loopback_door(inside, TOKEN), path, headers) == 403
    assert inside.reached == []


def test_control_with_the_token_passes(inside):
    assert call(loopback_door(inside, TOKEN), "/v1/control/start-run", BEARER) == 200
    assert inside.reached == ["/v1/control/start-run"]


def test_the_runtime_api_needs_no_control_token(inside):
    assert call(loopback_door(inside, TOKEN), "/v1/runtime/acquire-task") == 200


@pytest.mark.parametrize("headers", [{}, BEARER])
@pytest.mark.parametrize(
    "path",
    [
        *("/v1/runtime/start-automation", "/v1/runtime/start-automation/", "/v1/control/start-automation"),
        *("/v1/runtime/create-task", "/v1/runtime/push-task-message", "/v1/runtime/", "/v1/runtime/a/acquire-task"),
        *("/v1/fleet/pull-messages", "/v1/fleet/register-node"),
    ],
)
def test_what_no_task_of_ours_calls_is_refused_for_everybody(inside, path, headers):
    assert call(loopback_door(inside, TOKEN), path, headers) == 403
    assert inside.reached == []


def test_the_loopback_door_lets_the_lifespan_through(inside):
    call(loopback_door(inside, TOKEN), "", kind="lifespan")
    assert inside.reached == [""]


@pytest.mark.parametrize("path", ["/v1/fleet/pull-messages", "/v1/fleet/activate-node"])
def test_the_fleet_api_passes_the_fleet_door(inside, path):
    assert call(fleet_door(inside), path) == 200
    assert inside.reached == [path]


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/docs", "/openapi.json", "/health", "/v1/fleet", "/v1/fleetx/a", "//v1/fleet/a", "/V1/FLEET/a"),
        *("/v1/control/start-run", "/v1/runtime/acquire-task", "/v1/control/../fleet/a"),
    ],
)
def test_everything_else_is_not_found_at_the_fleet_door_even_with_the_token(inside, path):
    assert call(fleet_door(inside), path, BEARER) == 404
    assert inside.reached == []


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_the_fleet_door_passes_on_nothing_but_requests(inside, kind):
    assert call(fleet_door(inside), "/v1/control/start-run", kind=kind) is None
    assert inside.reached == []
