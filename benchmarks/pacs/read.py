"""`get_by_accession_number` of a cached accession, through the SDK and the trust's data API in a process of its own."""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from benchmarks.pacs.archive import Archive

TOKEN, READS = "token-of-a-benchmark", 300


def measure(archive: Archive) -> None:
    from flip import FLIP, protocol
    from flip.errors import FlipError

    project = uuid4()
    order = json.dumps(
        {
            "home": str(archive.home / "reading"),
            "pacs": {
                **archive.settings("DICOMweb").model_dump(mode="json"),
                "password": archive.settings("DICOMweb").password.get_secret_value(),
            },
            "accessions": archive.accessions[:4],
            "project": str(project),
        }
    )
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.pacs.read"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        server.stdin.write(order + "\n")
        server.stdin.flush()
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        os.environ |= {protocol.ENV_MODE: "client", protocol.ENV_URL: url, protocol.ENV_RUN_TOKEN: TOKEN}
        flip, took = FLIP(), list[float]()
        for number in range(READS):
            start = time.perf_counter()
            folder = flip.get_by_accession_number(str(project), archive.accessions[number % 4])
            took.append((time.perf_counter() - start) * 1e3)
            assert list(folder.glob("input_*.nii.gz"))
        size = sum(f.stat().st_size for f in folder.glob("*.nii.gz")) / 1e6
        p95 = statistics.quantiles(took, n=20)[18]
        print(f"\nget_by_accession_number, cached, {size:.0f} MB of NIfTI verified on each read:")
        print(f"  median {statistics.median(took):.1f} ms, p95 {p95:.1f} ms")
        start = time.perf_counter()
        try:
            flip.get_by_accession_number(str(project), "NOT-IN-COHORT")
        except FlipError as error:
            print(
                f"  missing: {type(error).__name__} ({error.code}) after {(time.perf_counter() - start) * 1e3:.1f} ms"
            )
    finally:
        server.terminate()
        server.wait()


def serve() -> None:
    """The trust's side: an approved project with these accessions, a run of it, and the data API."""
    import uvicorn
    from benchmarks.frozen import run_of_cohort

    from flip_trust.agent import Agent
    from flip_trust.data_api.app import create_data_api
    from flip_trust.settings import TrustSettings
    from flip_trust.synthetic.omop import synthesise

    order: dict[str, Any] = json.loads(sys.stdin.readline())
    home = Path(order["home"])
    home.mkdir()
    synthesise(home / "omop.duckdb", 1, 50, lambda table, count: None)
    agent = Agent(
        TrustSettings(
            data_dir=home / "state",
            hub_url="http://127.0.0.1:9",
            omop_path=home / "omop.duckdb",
            pacs=order["pacs"],
            fl_command=home / "none",
        )
    )
    rows = [[accession] for accession in order["accessions"]]
    run_of_cohort(agent, UUID(order["project"]), [("accession_id", "string")], rows, TOKEN)
    agent.pipeline.prepare(UUID(order["project"]), order["accessions"])
    api = create_data_api(agent.store, agent.approvals, agent.images, agent.outbox, agent.rules, agent.witness)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(api, log_level="warning", access_log=False)).run(sockets=[listening])


if __name__ == "__main__":
    serve()
