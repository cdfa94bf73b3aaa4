"""The hub's user API, call by call. Every failure is a `HubProblem` or a `HubUnavailable`."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from flip.cli.hub.credentials import Access, is_loopback
from flip.cli.hub.errors import HubProblem, HubUnavailable
from flip.cli.hub.output import one_line
from flip.cli.hub.records import (
    Check,
    Event,
    ListedModel,
    Login,
    LogLine,
    Model,
    Project,
    RemoteFile,
    Results,
    Run,
    Series,
)

TIMEOUT: Final = httpx.Timeout(60, connect=10)
PAUSES: Final = (0.3, 1.0)  # between tries of a GET; anything else is tried once, for it may have been done
PAGE: Final = 200
TUS: Final = {"tus-resumable": "1.0.0"}
AWAY: Final = frozenset({500, 502, 503, 504})  # 500 without a body of ours: a hub on its way down
SHA256: Final = re.compile(r'"([0-9a-f]{64})"')


@dataclass(frozen=True)
class Download:
    """A running download: bytes from `offset` on, of `total`. `sha256` is that of the whole."""

    offset: int
    total: int
    sha256: str
    chunks: Iterator[bytes]


class Hub:
    """One hub, as one user. `retries`: whether a GET is tried again; a caller with patience of its own says no."""

    def __init__(self, access: Access, retries: bool = True) -> None:
        self.url = access.hub_url
        self._retries = retries
        headers = {"user-agent": "flip-cli", "accept-encoding": "identity"}
        if access.token:
            headers["authorization"] = f"Bearer {access.token}"
        self._http = httpx.Client(
            base_url=f"{access.hub_url}/api/v1/",
            headers=headers,
            timeout=TIMEOUT,
            trust_env=not is_loopback(urlsplit(access.hub_url).hostname or ""),  # no proxy stands before loopback
        )

    def close(self) -> None:
        self._http.close()

    def login(self, email: str, password: str, code: str = "") -> Login:
        return self._json("POST", "auth/login", json={"email": email, "password": password, "code": code})

    def session(self) -> Login:
        """Whose token this is, and until when; without the token itself."""
        return self._get("auth/session")

    def logout(self) -> None:
        """End this token at the hub."""
        self._send("POST", "auth/logout")

    def projects(self) -> list[Project]:
        """Every one that the user sees."""
        return self._pages("projects")

    def project(self, project_id: str) -> Project:
        return self._get(f"projects/{project_id}")

    def models(self, project_id: str) -> list[Model]:
        return self._get(f"projects/{project_id}/models")

    def all_models(self) -> list[ListedModel]:
        """Of every project that the user sees."""
        return self._pages("models")

    def model(self, model_id: str) -> Model:
        return self._get(f"models/{model_id}")

    def create_model(self, project_id: str, name: str, description: str) -> Model:
        body = {"name": name, "description": description}
        return self._json("POST", f"projects/{project_id}/models", json=body)

    def files(self, model_id: str) -> list[RemoteFile]:
        return self._get(f"models/{model_id}/files")

    def put_file(self, model_id: str, path: str, content: bytes) -> RemoteFile:
        return self._json("PUT", f"models/{model_id}/files/{quote(path)}", content=content)

    def create_upload(self, model_id: str, path: str, size: int, sha256: str) -> str:
        """Announce a file that comes in pieces (tus 1.0); returns the upload's id."""
        named = {"filename": path, "sha256": sha256}
        metadata = ",".join(f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in named.items())
        headers = {**TUS, "upload-length": str(size), "upload-metadata": metadata}
        return self._send("POST", f"models/{model_id}/uploads", headers=headers).headers["location"].rpartition("/")[2]

    def upload_offset(self, model_id: str, upload_id: str) -> int:
        return int(self._send("HEAD", f"models/{model_id}/uploads/{upload_id}", headers=TUS).headers["upload-offset"])

    def send_piece(self, model_id: str, upload_id: str, offset: int, piece: bytes) -> int:
        """The bytes from `offset` on; returns the offset after them."""
        headers = {**TUS, "upload-offset": str(offset), "content-type": "application/offset+octet-stream"}
        where = f"models/{model_id}/uploads/{upload_id}"
        return int(self._send("PATCH", where, headers=headers, content=piece).headers["upload-offset"])

    def delete_file(self, model_id: str, path: str) -> None:
        self._send("DELETE", f"models/{model_id}/files/{quote(path)}")

    def check(self, model_id: str) -> Check:
        return self._get(f"models/{model_id}/check")

    def initiate(
        self, model_id: str, run_config: dict[str, Any], trusts: list[str] | None, options: dict[str, Any]
    ) -> Run:
        body = {"run_config": run_config, "trusts": trusts, "options": options}
        return self._json("POST", f"models/{model_id}/runs", json=body)

    def runs(self, model_id: str) -> list[Run]:
        """Newest first."""
        return self._get(f"models/{model_id}/runs")

    def run(self, run_id: str) -> Run:
        return self._get(f"runs/{run_id}")

    def stop(self, run_id: str) -> Run:
        return self._json("POST", f"runs/{run_id}/stop")

    def log(self, run_id: str, after: int = 0) -> list[LogLine]:
        """One page of the ServerApp's log; empty when there is nothing after `after`."""
        return self._get(f"runs/{run_id}/log", after=after)["lines"]

    def events(self, run_id: str, after: int = 0, wait: float = 0) -> list[Event]:
        """Events after `after`; with `wait`, the hub answers as soon as something happens, after `wait` s at most."""
        return self._get(f"runs/{run_id}/events", after=after, wait=wait)["events"]

    def metrics(self, run_id: str) -> list[Series]:
        return self._get(f"runs/{run_id}/metrics")

    def results_of(self, model_id: str) -> list[Results]:
        """What the model's runs left behind, newest first."""
        return self._get(f"models/{model_id}/results")

    @contextmanager
    def results(self, run_id: str, offset: int = 0) -> Iterator[Download]:
        """Stream the results. A hub that cannot start at `offset` starts at 0, and the `Download` says so."""
        headers = {"range": f"bytes={offset}-"} if offset else {}
        try:
            with self._http.stream("GET", f"runs/{run_id}/results", headers=headers) as response:
                if response.is_error:
                    response.read()
                    raise self._failure(response)
                start, total = offset, int(response.headers.get("content-length", 0)) + offset
                if response.status_code != httpx.codes.PARTIAL_CONTENT:
                    start, total = 0, total - offset
                etag = SHA256.search(response.headers.get("etag", ""))
                yield Download(start, total, etag[1] if etag else "", response.iter_bytes(2**16))
        except httpx.TransportError as error:
            raise self._away(error) from error

    def _pages(self, path: str) -> list[Any]:
        found: list[Any] = []
        cursor = ""
        while True:
            page = self._get(path, limit=PAGE, cursor=cursor)
            found += page["items"]
            if not (cursor := page["next_cursor"] or ""):
                return found

    def _get(self, path: str, **params: Any) -> Any:
        return self._json("GET", path, params=params)

    def _json(self, method: str, path: str, **kwargs: Any) -> Any:
        response = self._send(method, path, **kwargs)
        try:
            return response.json()
        except ValueError:
            raise self._not_a_hub(response) from None

    def _send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        pauses = PAUSES if method in ("GET", "HEAD") and self._retries else ()
        for pause in (*pauses, None):
            try:
                response = self._http.request(method, path, **kwargs)
                if response.is_success:
                    return response
                failure = self._failure(response)
            except httpx.TransportError as error:
                failure = self._away(error)
            if pause is None or not isinstance(failure, HubUnavailable):
                raise failure
            time.sleep(pause)
        raise AssertionError("the last try has no pause")

    def _away(self, error: httpx.TransportError) -> HubUnavailable:
        words = one_line(str(error)) or type(error).__name__
        return HubUnavailable(f"The hub at {self.url} does not answer: {words}. Check the address and your network.")

    def _failure(self, response: httpx.Response) -> HubProblem | HubUnavailable:
        """The hub's own problem body, or what it means that there is none."""
        try:
            body = response.json()
            message, code = str(body["message"]), str(body["code"])
        except (ValueError, KeyError, TypeError):
            if response.status_code in AWAY:
                return HubUnavailable(
                    f"The hub at {self.url} does not answer as a hub does now: HTTP {response.status_code}."
                )
            return self._not_a_hub(response)
        if response.status_code == httpx.codes.UNAUTHORIZED and code == "not_authenticated":
            message = f"Your login has ended, or the token is not valid. Run `flip login {self.url}`."
        if code == "session_restricted":
            message = f"Finish your login first, on the hub's page: {self.url}"
        return HubProblem(
            message,
            code=code,
            details=body.get("details") or {},
            request_id=str(body.get("request_id", "")),
            status=response.status_code,
        )

    def _not_a_hub(self, response: httpx.Response) -> HubProblem:
        message = f"{self.url} answers {response.status_code}, but not as a hub does. Check the address."
        return HubProblem(message, code="not_a_hub", details={}, request_id="", status=response.status_code)
