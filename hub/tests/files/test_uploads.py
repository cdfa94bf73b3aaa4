"""Resumable uploads and bundles: whole or not at all, and whatever is refused leaves nothing behind."""

import base64
import contextlib
import hashlib
import io
import json
import os
import pickle
import signal
import stat
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest
from hub.tests.rows import make_project
from hub.tests.serving import serving
from sqlalchemy import select, update

from flip_hub.db import now
from flip_hub.files import uploads
from flip_hub.files.scan import formats
from flip_hub.files.tables import ModelFile, ObjectDeletion, Upload
from flip_hub.files.worker import FileWorker

TUS = {"tus-resumable": "1.0.0"}
BYTES = {**TUS, "content-type": "application/offset+octet-stream"}


class Bomb:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.fixture
def model(hub) -> dict:
    """Without any file."""
    return hub.researcher.post(f"projects/{make_project(hub)}/models", {"name": "M"})


@pytest.fixture
def app(hub) -> dict:
    """With the files of an app."""
    return hub.model(hub.approved_project(hub.trust("alpha")))


@pytest.fixture
def worker(hub) -> FileWorker:
    return FileWorker(hub.settings, hub.database, hub.client.app.state.shelf)


def tensors(count: int) -> bytes:
    """A safetensors file of so many bytes of data."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [count], "data_offsets": [0, count]}}).encode()
    return len(header).to_bytes(8, "little") + header + os.urandom(count)


def zipped(files: dict[str, bytes], **kinds: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = kinds.get("mode", stat.S_IFREG | 0o644) << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def metadata(**values: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def create(hub, model, size: int, **values: str):
    headers = {**TUS, "upload-length": str(size), "upload-metadata": metadata(**values)}
    headers["authorization"] = f"Bearer {hub.researcher.token}"
    return hub.client.post(f"/api/v1/models/{model['id']}/uploads", headers=headers)


def patch(hub, place: str, offset: int, content: bytes, **headers: str):
    sent = {**BYTES, "upload-offset": str(offset), "authorization": f"Bearer {hub.researcher.token}", **headers}
    return hub.client.patch(place, headers=sent, content=content)


def send(hub, model, content: bytes, **values: str):
    created = create(hub, model, len(content), **values)
    assert created.status_code == 201, created.text
    return patch(hub, created.headers["location"], 0, content)


def look(hub, worker: FileWorker, model, path: str) -> dict:
    while worker.step():
        pass
    (found,) = [f for f in hub.researcher.get(f"models/{model['id']}/files") if f["path"] == path]
    return found


def left_behind(hub, worker: FileWorker) -> int:
    """Objects that no file of a model refers to, once the worker has done its work."""
    while worker.step():
        pass
    folder = hub.settings.data_dir / "objects"
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    with hub.database.session() as session:
        assert session.scalars(select(ObjectDeletion.object_key).where(ObjectDeletion.due_at <= now())).all() == []
        return len(there - set(session.scalars(select(ModelFile.object_key))))


@pytest.mark.commits
def test_an_upload_that_is_interrupted_five_times_arrives_whole(hub, model, worker):
    content = tensors(12 * 2**20)
    digest = hashlib.sha256(content).hexdigest()
    place = create(hub, model, len(content), filename="weights/w.safetensors", sha256=digest).headers["location"]
    login = {"authorization": f"Bearer {hub.researcher.token}"}

    def torn(start: int) -> Iterator[bytes]:
        yield content[start : start + 2 * 2**20]
        raise ConnectionError

    with serving(hub.settings, hub.database) as base, httpx.Client(base_url=base, trust_env=False) as client:
        offsets = []
        for _ in range(5):
            offsets.append(int(client.head(place, headers={**TUS, **login}).headers["upload-offset"]))
            headers = {**BYTES, **login, "upload-offset": str(offsets[-1])}
            with pytest.raises(ConnectionError):
                client.patch(place, headers=headers, content=torn(offsets[-1]))
            _wait_until_counted(hub, offsets[-1])
        at = int(client.head(place, headers={**TUS, **login}).headers["upload-offset"])
        answer = client.patch(place, headers={**BYTES, **login, "upload-offset": str(at)}, content=iter([content[at:]]))
        assert answer.status_code == 204, answer.text
    assert offsets == sorted(set(offsets))
    found = look(hub, worker, model, "weights/w.safetensors")
    assert (found["state"], found["sha256"], found["place"]) == ("READY", digest, "staged")
    assert hub.researcher.call("GET", f"models/{model['id']}/files/weights/w.safetensors").content == content
    assert left_behind(hub, worker) == 0


def _wait_until_counted(hub, before: int) -> None:
    """What had arrived when the connection broke counts as soon as the hub notices."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with hub.database.session() as session:
            if session.scalars(select(Upload.received_bytes)).one() > before:
                return
        time.sleep(0.02)
    raise AssertionError("nothing of the torn request was kept")


def test_a_piece_that_does_not_fit_changes_nothing(hub, model, worker):
    place = create(hub, model, 100, filename="notes.txt").headers["location"]
    for headers, code in (
        ({"upload-offset": "5"}, "upload_offset_wrong"),
        ({"content-type": "text/plain"}, "upload_type_wrong"),
        ({"tus-resumable": "0.2"}, "tus_version_unsupported"),
        ({"upload-checksum": "sha256 " + base64.b64encode(bytes(32)).decode()}, "upload_checksum_wrong"),
        ({"upload-checksum": "md5 AA=="}, "upload_header_invalid"),
    ):
        assert patch(hub, place, 0, b"x" * 50, **headers).json()["code"] == code
    assert patch(hub, place, 0, b"x" * 101).json()["code"] == "upload_too_long"
    right = "sha256 " + base64.b64encode(hashlib.sha256(b"x" * 100).digest()).decode()
    assert patch(hub, place, 0, b"x" * 100, **{"upload-checksum": right}).status_code == 204
    assert look(hub, worker, model, "notes.txt")["state"] == "READY"
    assert left_behind(hub, worker) == 0


def test_of_two_senders_of_one_upload_only_one_counts(hub, model, worker):
    place = create(hub, model, 8, filename="notes.txt").headers["location"]
    with hub.database.session() as session:
        upload = session.scalars(select(Upload)).one()
    shelf = hub.client.app.state.shelf
    one, other = (uploads.Piece(shelf, upload, 0, None) for _ in range(2))
    one.take(b"aaaa")
    other.take(b"bbbb")
    one.finish()
    with pytest.raises(uploads.OffsetWrong):
        other.finish()
    assert patch(hub, place, 4, b"aaaa").status_code == 204
    look(hub, worker, model, "notes.txt")
    assert hub.researcher.call("GET", f"models/{model['id']}/files/notes.txt").content == b"aaaaaaaa"
    assert left_behind(hub, worker) == 0


def test_a_name_that_is_not_plain_is_refused(hub, model):
    for name in ("../x.py", "a\nb.txt", "a\x00b.txt", "/etc/x.txt", "x.sh", "", ".ssh/x.txt", "a\u202eb.txt"):
        answer = create(hub, model, 1, filename=name)
        assert answer.json()["code"] in ("file_name_invalid", "file_type_refused"), name


def test_what_is_too_large_is_refused_before_a_byte_is_sent(hub, model):
    assert create(hub, model, 6 * 2**30, filename="w.pt").json()["code"] == "file_too_large"
    assert create(hub, model, 11 * 2**20, filename="big.py").json()["code"] == "file_too_large"
    for number in range(4):
        assert create(hub, model, 5 * 2**30, filename=f"w{number}.pt").status_code == 201 or number == 3
    assert create(hub, model, 5 * 2**30, filename="w4.pt").json()["code"] == "model_too_large"


@pytest.mark.parametrize(
    ("path", "content", "code"),
    [
        ("w.pkl", pickle.dumps(Bomb()), "pickle_unsafe"),
        ("w.pt", zipped({"w/data.pkl": pickle.dumps(Bomb()), "w/version": b"3"}), "pickle_unsafe"),
        ("w.pt", zipped({"w/data.pkl": pickle.dumps([1]), "../x": b"3"}), "archive_path_invalid"),
        ("w.npz", zipped({"a.npy": bytes(2**23)}), "archive_bomb"),
        ("w.safetensors", tensors(100)[:-1], "file_unreadable"),
        ("w.safetensors", tensors(100) + b"more", "file_unreadable"),
        ("w.pt", b"PK\x03\x04 and no archive", "file_unreadable"),
        ("w.npy", b"\x93NUMPY", "file_unreadable"),
    ],
)
def test_a_hostile_or_broken_file_is_told_apart(tmp_path, path, content, code):
    file = tmp_path / "upload"
    file.write_bytes(content)
    verdict = formats.look(path, file)
    assert verdict.code == code
    assert verdict.reason


def test_an_array_of_objects_is_a_pickle_and_plain_ones_are_good(tmp_path):
    file = tmp_path / "upload"
    for array, code in ((np.array([Bomb()]), "pickle_unsafe"), (np.arange(1000.0), "")):
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=True)
        file.write_bytes(buffer.getvalue())
        assert formats.look("a.npy", file).code == code
    file.write_bytes(tensors(1000))
    assert formats.look("w.safetensors", file).code == ""


def test_a_malicious_pickle_is_refused_with_a_reason_and_leaves_nothing(hub, app, worker):
    assert send(hub, app, pickle.dumps(Bomb()), filename="w.pkl").status_code == 204
    found = look(hub, worker, app, "w.pkl")
    assert (found["state"], found["reason_code"]) == ("REJECTED", "pickle_unsafe")
    assert "system" in found["reason"]
    assert left_behind(hub, worker) == 0
    assert hub.researcher.refused("POST", f"models/{app['id']}/runs", json={}) == "files_not_ready"
    assert hub.researcher.call("DELETE", f"models/{app['id']}/files/w.pkl").status_code == 204
    hub.researcher.post(f"models/{app['id']}/runs")


def test_a_file_that_is_not_the_announced_one_is_refused(hub, model, worker):
    send(hub, model, b"other", filename="notes.txt", sha256=hashlib.sha256(b"this").hexdigest())
    assert look(hub, worker, model, "notes.txt")["reason_code"] == "upload_sha256_wrong"
    lying = patch(hub, create(hub, model, 4, filename="w.pt").headers["location"], 0, b"text")
    assert lying.json()["code"] == "file_type_mismatch"
    assert left_behind(hub, worker) == 0


HOSTILE = {
    "bundle_refused bomb": zipped({"a.txt": b" " * 2**24}),
    "bundle_refused link": zipped({"a.txt": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777),
    "file_name_invalid": zipped({"app/x.py": b"x = 1", "../../x.py": b"x = 1"}),
    "file_name_invalid control": zipped({"a\x07b.py": b"x = 1"}),
    "file_type_refused": zipped({"app/x.py": b"x = 1", "run.sh": b"true"}),
    "file_type_mismatch": zipped({"a.txt": b"good", "x.py": b"\x7fELF\x00"}),
    "bundle_unreadable": b"PK\x03\x04 and no archive",
}


def test_a_hostile_bundle_is_refused_whole(hub, model, worker, monkeypatch):
    path = f"models/{model['id']}/bundle"
    for name, content in HOSTILE.items():
        assert hub.researcher.refused("PUT", path, content=content) == name.split()[0], name
    settings = hub.settings.model_copy(update={"max_model_bytes": 20})
    monkeypatch.setattr(hub.client.app.state, "settings", settings)
    assert hub.researcher.refused("PUT", path, content=zipped({"a.txt": bytes(30)})) == "bundle_too_large"
    assert hub.researcher.get(f"models/{model['id']}/files") == []
    assert left_behind(hub, worker) == 0


def test_a_bundle_of_a_folder_is_taken_whole_and_a_large_one_by_tus(hub, model, worker):
    files = {"app/pyproject.toml": b"[project]", "app/app/x.py": b"x = 1", "app/w.npy": b"", "__MACOSX/x": b"x"}
    buffer = io.BytesIO()
    np.save(buffer, np.arange(10))
    files["app/w.npy"] = buffer.getvalue()
    send(hub, model, zipped(files), filename="app.zip", bundle="yes")
    assert look(hub, worker, model, "app/x.py")["state"] == "READY"
    assert look(hub, worker, model, "w.npy")["state"] == "READY"
    paths = [f["path"] for f in hub.researcher.get(f"models/{model['id']}/files")]
    assert "app.zip" not in paths
    assert left_behind(hub, worker) == 0


def test_bandit_advises_and_keeps_nobody_from_training(hub, app, worker):
    code = b"import subprocess\nsubprocess.call('ls', shell=True)\n"
    hub.researcher.call("PUT", f"models/{app['id']}/files/app/extra.py", content=code)
    found = look(hub, worker, app, "app/extra.py")
    assert "B602" in [one["code"] for one in found["advice"]]
    assert hub.researcher.get(f"models/{app['id']}/check")["ok"]


def test_what_a_killed_worker_had_is_taken_up_again_and_what_kills_every_worker_is_refused(hub, model, worker):
    send(hub, model, b"text", filename="notes.txt")
    with hub.database.session() as session:
        session.execute(update(Upload).values(leased_until=now() + timedelta(minutes=1), attempts=1))
    assert not worker._look_at_upload()  # another one has it
    with hub.database.session() as session:
        session.execute(update(Upload).values(leased_until=now(), attempts=3))
    assert look(hub, worker, model, "notes.txt")["reason_code"] == "scan_failed"


def kill_scans(times: int) -> threading.Thread:
    """From outside, as an operator or the kernel does when memory is short."""

    def kill() -> None:
        killed, deadline = set[int](), time.monotonic() + 60
        while len(killed) < times and time.monotonic() < deadline:
            with contextlib.suppress(OSError):  # a thread or child that is gone
                for pid in {int(p) for t in Path("/proc/self/task").glob("*/children") for p in t.read_text().split()}:
                    if pid not in killed and b"flip_hub.files.scan.child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        os.kill(pid, signal.SIGKILL)
                        killed.add(pid)
            time.sleep(0.005)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


@pytest.mark.parametrize(("times", "state"), [(1, "READY"), (3, "REJECTED")])
def test_a_scan_that_was_killed_is_repeated_and_not_for_ever(hub, model, worker, times, state):
    send(hub, model, b"text", filename="notes.txt")
    killing = kill_scans(times)
    found = look(hub, worker, model, "notes.txt")
    killing.join()
    assert found["state"] == state, found


def test_an_upload_that_nobody_goes_on_with_expires(hub, model, worker):
    place = create(hub, model, 10, filename="notes.txt").headers["location"]
    patch(hub, place, 0, b"12345")
    with hub.database.session() as session:
        session.execute(update(Upload).values(expires_at=now() - timedelta(seconds=1)))
    assert patch(hub, place, 5, b"67890").json()["code"] == "not_found"
    assert left_behind(hub, worker) == 0
    assert "notes.txt" not in [f["path"] for f in hub.researcher.get(f"models/{model['id']}/files")]


def test_files_cannot_change_under_a_run_and_a_clone_has_its_own(hub, app, worker):
    hub.researcher.post(f"models/{app['id']}/runs")
    path = f"models/{app['id']}/files/app/client_app.py"
    assert hub.researcher.refused("PUT", path, content=b"x = 1") == "model_busy"
    assert hub.researcher.refused("DELETE", path) == "model_busy"
    assert create(hub, app, 1, filename="w.pt").json()["code"] == "model_busy"
    clone = hub.researcher.post(f"models/{app['id']}/clone", {})
    other = f"models/{clone['id']}/files/app/client_app.py"
    assert hub.researcher.call("PUT", other, content=b"x = 1").status_code == 200
    assert hub.researcher.call("GET", path).content != b"x = 1"
    assert hub.researcher.call("DELETE", f"models/{clone['id']}").status_code == 204
    assert left_behind(hub, worker) == 0
