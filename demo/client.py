"""The public API as a researcher's or admin's script would call it: the same `/api/v1` that the web page uses."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx


class Refused(Exception):
    """The hub said no. `code` is stable; the message says what to do."""

    def __init__(self, status: int, body: dict[str, Any]):
        self.status, self.code, self.body = status, body.get("code", ""), body
        super().__init__(f"{status} {self.code}: {body.get('message', '')} {body.get('details') or ''}".strip())


class HubClient:
    def __init__(self, base_url: str, token: str = ""):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self.token = token
        self._http = httpx.Client(base_url=f"{base_url}/api/v1/", headers=headers, timeout=60, trust_env=False)

    @classmethod
    def login(cls, base_url: str, email: str, password: str) -> "HubClient":
        answer = cls(base_url).post("auth/login", {"email": email, "password": password})
        return cls(base_url, answer["token"])

    def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        response = self._http.request(method, path, **kwargs)
        if response.is_error:
            try:
                body = response.json()
            except ValueError:
                body = {"code": "not_json", "message": response.text[:200]}
            raise Refused(response.status_code, body)
        return response

    def get(self, path: str, **params: Any) -> Any:
        return self.request("GET", path, params=params).json()

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        response = self.request("POST", path, json=body or {})
        return response.json() if response.content else None

    def events(self, *topics: str) -> Iterator[dict[str, Any]]:
        """What happens, as it happens. The first one says that the stream is open."""
        with self._http.stream("GET", "events", params={"topics": topics}) as response:
            response.raise_for_status()
            for line in response.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))

    def put_file(self, model_id: str, path: str, content: bytes) -> Any:
        return self.request("PUT", f"models/{model_id}/files/{path}", content=content).json()

    def download(self, path: str, to: Path) -> Path:
        with self._http.stream("GET", path) as response:
            response.raise_for_status()
            with to.open("wb") as sink:
                for chunk in response.iter_bytes():
                    sink.write(chunk)
        return to
