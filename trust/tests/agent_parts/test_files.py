"""Files beside the FAB at a trust: fetched and kept by hash, refused where they are too many, pickles, or wrong."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flip_contracts.content import StagedFile
from flip_contracts.tasks import StartNode
from flip_trust.flower import files
from flip_trust.hub_client import HubClient

TENSORS = bytes(range(256)) * 9000  # more than two of the client's chunks


class Hub(ThreadingHTTPServer):
    """Gives contents by hash; cuts the connection after `cut` bytes, `cuts` times."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.contents: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.tokens = {"t"}
        self.cut, self.cuts = 0, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Answers(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        offset = int((self.headers.get("range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        digest = self.path.rsplit("/", 1)[1]
        self.server.asked.append(f"{digest[:8]} {offset}")
        content = self.server.contents.get(digest)
        known = (self.headers.get("authorization") or "").removeprefix("Bearer ") in self.server.tokens
        if content is None or not known:
            body = b'{"code": "staged_file_unknown", "message": "CANARY"}'
            self.send_response(404 if known else 401)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        rest = content[offset:]
        self.send_response(206 if offset else 200)
        self.send_header("content-length", str(len(rest)))
        self.end_headers()
        if self.server.cuts:
            self.server.cuts -= 1
            rest = rest[: self.server.cut]
        self.wfile.write(rest)


@pytest.fixture
def hub(agent, monkeypatch) -> Iterator[Hub]:
    hub = Hub()
    fetching = agent._tools.files
    here = agent.settings.model_copy(update={"hub_url": f"http://127.0.0.1:{hub.server_address[1]}"})
    monkeypatch.setattr(fetching, "_hub", lambda: HubClient(here, lambda: "t"))
    monkeypatch.setattr(files, "LONGEST_PAUSE", 0.01)
    yield hub
    hub.shutdown()
    hub.server_close()


def staged(hub: Hub, content: bytes = TENSORS, path: str = "weights/w.safetensors") -> StagedFile:
    file = StagedFile(path=path, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
    hub.contents[file.sha256] = content
    return file


def test_the_clientapp_finds_them_and_the_next_run_takes_them_from_here(site, hub):
    review, file = site.approved(), staged(hub)
    hub.cut, hub.cuts = 10**6, 2
    run_id = site.started(review, files=[file, staged(hub, path="again/w.safetensors")])
    folder = Path(site.spec(run_id)["app_env"]["FLIP_FILES_DIR"])
    assert (folder / file.path).read_bytes() == TENSORS
    assert (folder / "again" / "w.safetensors").read_bytes() == TENSORS
    assert str(folder) in site.spec(run_id)["readable"]
    assert len(hub.asked) == 3, "it went on where it was cut"
    assert hub.asked[0].endswith(" 0")
    assert not hub.asked[1].endswith(" 0")
    site.agent.supervisor.leave(run_id)
    assert not folder.exists()
    site.started(review, files=[file])
    assert len(hub.asked) == 3


def test_a_run_without_such_files_has_no_folder_for_them(site, hub):
    run_id = site.started(site.approved())
    assert "FLIP_FILES_DIR" not in site.spec(run_id)["app_env"]


def test_what_is_not_the_manifests_file_is_refused_and_nothing_of_the_run_stays(site, hub):
    review, file = site.approved(), staged(hub)
    hub.contents[file.sha256] = TENSORS[:-1] + b"x"
    join = site.join(review, files=[file])
    answer = site.do(join)
    assert answer["error"]["code"] == "staged_file_wrong"
    assert not site.folder(join.signed.manifest.run_id).exists()
    assert site.code(StartNode(run_id=join.signed.manifest.run_id)) == "run_unknown"


def test_what_the_hub_does_not_give_is_told_without_its_words(site, hub):
    review, file = site.approved(), staged(hub)
    hub.contents.clear()
    error = site.do(site.join(review, files=[file]))["error"]
    assert error["code"] == "staged_file_unavailable"
    assert "CANARY" not in error["message"]
    hub.contents[file.sha256], hub.cut, hub.cuts = TENSORS, 0, 99
    assert site.code(site.join(review, files=[file])) == "staged_file_unavailable"


def test_a_token_that_is_rotated_during_a_download_does_not_end_it(site, hub, monkeypatch):
    review, file = site.approved(), staged(hub)
    old_then_new = iter(["t"])
    url = f"http://127.0.0.1:{hub.server_address[1]}"
    here = site.agent.settings.model_copy(update={"hub_url": url})
    client = HubClient(here, lambda: next(old_then_new, "t2"))
    monkeypatch.setattr(site.agent._tools.files, "_hub", lambda: client)
    hub.tokens = {"t2"}
    run_id = site.started(review, files=[file])
    assert (Path(site.spec(run_id)["app_env"]["FLIP_FILES_DIR"]) / file.path).read_bytes() == TENSORS
    assert len(hub.asked) == 2


def test_a_token_that_is_not_known_any_more_is_told(site, hub):
    hub.tokens = set()
    assert site.code(site.join(site.approved(), files=[staged(hub)])) == "staged_file_unavailable"
    assert len(hub.asked) == 1


def test_the_trusts_own_limits_come_first(site, hub):
    review = site.approved()
    big = staged(hub).model_copy(update={"size_bytes": site.agent.settings.staged_bytes + 1})
    assert site.code(site.join(review, files=[big])) == "staged_files_too_large"
    assert site.code(site.join(review, files=[staged(hub, path="w.pt")])) == "staged_pickle_refused"
    assert hub.asked == []
