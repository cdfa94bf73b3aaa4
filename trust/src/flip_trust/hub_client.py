"""The trust API of the hub. Outbound only."""

import sqlite3
import ssl
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from flip_contracts.manifest import Net
from flip_contracts.messages import (
    EnrolRequest,
    EnrolResponse,
    HeartbeatRequest,
    MessageReceipt,
    Nets,
    RotateRequest,
    RotateResponse,
)
from flip_contracts.tasks import ClaimRequest, ClaimResponse, Task
from flip_trust.errors import CaUnreadable, HubRefused, HubUnreachable
from flip_trust.ledger.witness import Requests
from flip_trust.settings import NodeSettings
from flip_trust.store import Store

Answer = TypeVar("Answer", bound=BaseModel)


def _read(kind: type[Answer], response: httpx.Response) -> Answer:
    try:
        return kind.model_validate_json(response.content)
    except ValidationError:  # its text would quote the answer
        raise HubRefused(
            response.status_code, "hub_answer_malformed", "The hub's answer is not understood; update the agent."
        ) from None


def _refusal(response: httpx.Response) -> HubRefused:
    try:
        body = response.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    return HubRefused(response.status_code, body.get("code", "unknown"), body.get("message", ""))


class HubClient:
    def __init__(self, settings: NodeSettings, token: Callable[[], str] = str):
        """`token` is asked at each request: it changes while the agent runs, when keys are rotated."""
        self._token = token
        self._witness = Requests(settings.data_dir)  # nothing leaves without an entry in the ledger
        try:
            trusted = ssl.create_default_context(cafile=settings.hub_ca_file)
        except OSError:  # ssl.SSLError too
            raise CaUnreadable(f"{settings.hub_ca_file} (FLIP_TRUST_HUB_CA_FILE) is no PEM certificate.") from None
        base = f"{settings.hub_url}/api/trust/v1/"
        self._http = httpx.Client(base_url=base, verify=trusted, proxy=settings.hub_proxy, timeout=30)

    @classmethod
    def of(cls, settings: NodeSettings, store: Store) -> "HubClient":
        """As the enrolled trust."""
        return cls(settings, lambda: store.identity().get("token", ""))

    def _post(self, path: str, content: str, timeout: float = 30, **params: Any) -> httpx.Response:
        return self._call("POST", path, timeout, content, params)

    def _call(self, method: str, path: str, timeout: float, content: str = "", params: Any = None) -> httpx.Response:
        token = self._token()
        try:
            self._witness.going_out(path, content)
        except sqlite3.Error as error:  # nothing leaves without an entry; callers try again
            raise HubUnreachable(f"the ledger of what left cannot be written ({type(error).__name__})") from error
        response = self._send(method, path, timeout, content, params, token)
        if response.status_code == 401 and (newer := self._token()) != token:  # rotated in the meantime
            response = self._send(method, path, timeout, content, params, newer)
        if response.status_code >= 500:
            raise HubUnreachable(f"HTTP {response.status_code}")
        if response.status_code >= 400 and response.status_code != 410:
            raise _refusal(response)
        return response

    def _send(self, method: str, path: str, timeout: float, content: str, params: Any, token: str) -> httpx.Response:
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        try:
            return self._http.request(
                method, path, content=content or None, params=params, timeout=timeout, headers=headers
            )
        except httpx.HTTPError as error:
            raise HubUnreachable(type(error).__name__) from error

    def enrol(self, request: EnrolRequest) -> EnrolResponse:
        return _read(EnrolResponse, self._post("enrol", request.model_dump_json()))

    def rotate(self, request: RotateRequest) -> RotateResponse:
        return _read(RotateResponse, self._post("rotate", request.model_dump_json()))

    def nets(self) -> list[Net]:
        """Where SuperNodes of this trust will dial."""
        return _read(Nets, self._call("GET", "nets", 30)).nets

    def heartbeat(self, request: HeartbeatRequest) -> None:
        self._post("heartbeat", request.model_dump_json())

    def claim(self, limit: int, wait_seconds: float) -> list[Task]:
        body = ClaimRequest(max_tasks=limit).model_dump_json()
        response = self._post("tasks/claim", body, timeout=wait_seconds + 15, wait=wait_seconds)
        return _read(ClaimResponse, response).tasks

    def extend(self, task_id: UUID) -> bool:
        """False when the lease is lost."""
        return self._post(f"tasks/{task_id}/extend", "").status_code != 410

    def send(self, messages: list[str]) -> MessageReceipt:
        response = self._post("messages", f'{{"messages":[{",".join(messages)}]}}')
        return _read(MessageReceipt, response)

    def fetch(self, path: str, offset: int) -> Iterator[bytes]:
        """The bytes of a file from `offset` on."""
        token = self._token()
        headers = {"authorization": f"Bearer {token}"} | ({"range": f"bytes={offset}-"} if offset else {})
        try:
            with self._http.stream("GET", path, headers=headers) as response:
                if response.status_code == 401 and self._token() != token:
                    raise HubUnreachable("the token was rotated in the meantime")  # callers go on where they were
                if response.status_code >= 500:
                    raise HubUnreachable(f"HTTP {response.status_code}")
                if response.status_code >= 400:
                    response.read()
                    raise _refusal(response)
                if offset and response.status_code != 206:
                    raise HubUnreachable("the hub began anew")
                yield from response.iter_raw()  # as it comes: what has come counts when it breaks off
        except httpx.HTTPError as error:
            raise HubUnreachable(type(error).__name__) from error

    def fab(self, sha256: str) -> bytes:
        """An app that the hub asked to review; the caller compares its hash."""
        return self._call("GET", f"fabs/{sha256}", 120).content

    def close(self) -> None:
        self._http.close()
