"""The trust API of the hub. Outbound only."""

from typing import Any, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from flip_contracts.messages import EnrolRequest, EnrolResponse, HeartbeatRequest, MessageReceipt
from flip_contracts.tasks import ClaimRequest, ClaimResponse, Task
from flip_trust.errors import HubRefused, HubUnreachable

Answer = TypeVar("Answer", bound=BaseModel)


def _read(kind: type[Answer], response: httpx.Response) -> Answer:
    try:
        return kind.model_validate_json(response.content)
    except ValidationError:  # its text would quote the answer
        raise HubRefused(
            response.status_code, "hub_answer_malformed", "The hub's answer is not understood; update the agent."
        ) from None


class HubClient:
    def __init__(self, base_url: str, token: str = ""):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=f"{base_url}/api/trust/v1/", headers=headers, timeout=30)

    def _post(self, path: str, content: str, timeout: float = 30, **params: Any) -> httpx.Response:
        try:
            response = self._http.post(
                path, content=content, params=params, timeout=timeout, headers={"content-type": "application/json"}
            )
        except httpx.HTTPError as error:
            raise HubUnreachable(type(error).__name__) from error
        if response.status_code >= 500:
            raise HubUnreachable(f"HTTP {response.status_code}")
        if response.status_code >= 400 and response.status_code != 410:
            try:
                body = response.json()
            except ValueError:
                body = {}
            body = body if isinstance(body, dict) else {}
            raise HubRefused(response.status_code, body.get("code", "unknown"), body.get("message", ""))
        return response

    def enrol(self, request: EnrolRequest) -> EnrolResponse:
        return _read(EnrolResponse, self._post("enrol", request.model_dump_json()))

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

    def close(self) -> None:
        self._http.close()
