"""The FL API over HTTP."""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

import httpx

from flip_contracts.fl_api import EventsPage, FlRunView, NetHealth, NodeSpec, NodeView, RunPrepared, RunSpec
from flip_hub.flower.port import FlRefused, FlUnavailable


class HttpFl:
    def __init__(self, url: str, key: str):
        """Raises `FlUnavailable` where `url` is none."""
        try:
            self._client = httpx.Client(
                base_url=url,
                headers={"authorization": f"Bearer {key}"},
                timeout=httpx.Timeout(60, connect=5),
                trust_env=False,  # the net is our own; no proxy may see its key
            )
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise FlUnavailable(type(error).__name__) from error

    def _call(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        try:
            response = self._client.request(method, path, **kwargs)
        except httpx.HTTPError as error:
            raise FlUnavailable(type(error).__name__) from error
        _raise_for(response)
        return response

    def prepare(self, run_id: UUID, spec: RunSpec, app: bytes) -> RunPrepared:
        response = self._call(
            "PUT", f"/v1/runs/{run_id}", data={"spec": spec.model_dump_json()}, files={"app": ("app.zip", app)}
        )
        return RunPrepared.model_validate_json(response.content)

    def put_file(self, run_id: UUID, sha256: str, content: Iterable[bytes]) -> None:
        self._call("PUT", f"/v1/runs/{run_id}/files/{sha256}", content=content, timeout=600)

    def fab(self, run_id: UUID) -> bytes:
        return self._call("GET", f"/v1/runs/{run_id}/fab").content

    def add_node(self, run_id: UUID, node: NodeSpec) -> NodeView:
        response = self._call("POST", f"/v1/runs/{run_id}/nodes", json=node.model_dump())
        return NodeView.model_validate_json(response.content)

    def view(self, run_id: UUID) -> FlRunView:
        return FlRunView.model_validate_json(self._call("GET", f"/v1/runs/{run_id}").content)

    def start(self, run_id: UUID) -> None:
        self._call("POST", f"/v1/runs/{run_id}/start")

    def stop(self, run_id: UUID) -> None:
        self._call("POST", f"/v1/runs/{run_id}/stop")

    def results(self, run_id: UUID) -> Iterator[bytes]:
        try:
            with self._client.stream("GET", f"/v1/runs/{run_id}/results") as response:
                if response.is_error:
                    response.read()
                _raise_for(response)
                yield from response.iter_bytes(2**20)
        except httpx.HTTPError as error:
            raise FlUnavailable(type(error).__name__) from error

    def forget(self, run_id: UUID) -> None:
        self._call("DELETE", f"/v1/runs/{run_id}")

    def events(self, after: int, wait_seconds: float) -> EventsPage:
        response = self._call(
            "GET", "/v1/events", params={"after": after, "wait": wait_seconds}, timeout=wait_seconds + 15
        )
        return EventsPage.model_validate_json(response.content)

    def health(self) -> NetHealth:
        return NetHealth.model_validate_json(self._call("GET", "/v1/health", timeout=5).content)


def _raise_for(response: httpx.Response) -> None:
    if response.status_code < 400:
        return
    try:
        body = response.json()
        code, message = str(body["code"]), str(body["message"])
    except (ValueError, KeyError, TypeError):
        raise FlUnavailable(f"HTTP {response.status_code}") from None
    if response.status_code >= 500 or response.status_code == 401:
        raise FlUnavailable(code)
    raise FlRefused(code, message)
