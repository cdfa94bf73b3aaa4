"""An upload that is interrupted five times: does it arrive whole, how fast, and what memory does the hub take for it?

    .venv/bin/python -m benchmarks.hub.upload [--mib 2048]

A safetensors file of so many MiB goes by tus. Five times the connection is cut in the middle of a request; the client
asks how far it is and goes on. Then the hub puts the file together, hashes and scans it. The hub's memory is its
resident set, looked at four times a second, against what it was before.
"""

import argparse
import base64
import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from benchmarks.hub.platform import Platform, bearer, rss_mib

PIECE, INTERRUPTIONS = 2**20, 5


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=2048)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flip-upload-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        path = Path(folder) / "w.safetensors"
        sha256 = _write(path, asked.mib * 2**20)
        platform = Platform(Path(folder))
        try:
            _upload(platform, path, sha256)
        finally:
            platform.stop()


def _write(path: Path, size: int) -> str:
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    digest = hashlib.sha256()
    with path.open("wb") as sink:
        for block in (len(header).to_bytes(8, "little") + header, *(os.urandom(PIECE) for _ in range(size // PIECE))):
            digest.update(block)
            sink.write(block)
    return digest.hexdigest()


def _upload(platform: Platform, path: Path, sha256: str) -> None:
    platform.person("admin", "admin@x.example")
    ann = platform.person("researcher", "ann@x.example")
    model = platform.model(ann, platform.project("ann@x.example", "P", []))
    size, pid = path.stat().st_size, platform.processes[0].pid
    time.sleep(5)  # the app's own files have been looked at
    before, seen, done = rss_mib(pid), [rss_mib(pid)], threading.Event()

    def watch() -> None:
        while not done.wait(0.25):
            seen.append(rss_mib(pid))

    threading.Thread(target=watch, daemon=True).start()
    began = time.perf_counter()
    cuts = [size * (n + 1) // (INTERRUPTIONS + 1) for n in range(INTERRUPTIONS)] + [size]
    with httpx.Client(base_url=platform.urls()[0], headers=bearer(ann), timeout=600, trust_env=False) as client:
        place = _create(client, model, size, sha256)
        for cut in cuts:
            at = int(client.head(place, headers={"tus-resumable": "1.0.0"}).headers["upload-offset"])
            _send(client, place, path, at, cut, broken=cut < size)
        sent = time.perf_counter() - began
        while (found := _state(client, model))["state"] == "SCANNING":
            time.sleep(0.25)
    took = time.perf_counter() - began
    done.set()
    assert found["state"] == "READY", found
    assert found["sha256"] == sha256
    mib = size / 2**20
    print(f"{mib:,.0f} MiB, interrupted {INTERRUPTIONS} times: whole, SHA-256 as announced")
    print(f"sent in {sent:.1f} s ({mib / sent:,.0f} MiB/s), put together and scanned after {took - sent:.1f} s more")
    print(f"hub's memory: {before:.0f} MiB before, {max(seen):.0f} MiB at most (+{max(seen) - before:.0f})")


def _create(client: httpx.Client, model: object, size: int, sha256: str) -> str:
    named = {"filename": "weights/w.safetensors", "sha256": sha256}
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in named.items())
    headers = {"tus-resumable": "1.0.0", "upload-length": str(size), "upload-metadata": metadata}
    made = client.post(f"/api/v1/models/{model}/uploads", headers=headers)
    assert made.status_code == 201, made.text
    return made.headers["location"]


def _send(client: httpx.Client, place: str, path: Path, at: int, until: int, broken: bool) -> None:
    def blocks() -> Iterator[bytes]:
        with path.open("rb") as source:
            source.seek(at)
            left = until - at
            while left > 0:
                block = source.read(min(PIECE, left))
                left -= len(block)
                yield block
        if broken:
            raise ConnectionError

    headers = {"tus-resumable": "1.0.0", "upload-offset": str(at), "content-type": "application/offset+octet-stream"}
    try:
        client.patch(place, headers=headers, content=blocks()).raise_for_status()
    except ConnectionError:
        time.sleep(1)  # the hub notices


def _state(client: httpx.Client, model: object) -> dict:
    files = client.get(f"/api/v1/models/{model}/files").json()
    return next(file for file in files if file["path"] == "weights/w.safetensors")


if __name__ == "__main__":
    main()
