"""A project prepared from the PACS by a pipeline in a process of its own: CPU, memory, cores, beside dcm2niix."""

import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID

import dcm2niix
from benchmarks.pacs.archive import Archive

PROJECT = UUID(int=11)
TICK = os.sysconf("SC_CLK_TCK")


def measure(archive: Archive) -> None:
    print(f"\n{'prepare (pull to READY)':<34}{'s':>8}{'studies/min':>13}{'MB/s':>7}{'CPU s a study':>15}{'cores':>7}")
    for kind in ("DICOMweb", "C-MOVE"):
        pacs = archive.settings(kind)  # once: it makes our receive port known to Orthanc
        settings = {**pacs.model_dump(mode="json"), "password": pacs.password.get_secret_value()}
        order = json.dumps(
            {"home": str(archive.home / f"agent-{kind}"), "pacs": settings, "accessions": archive.accessions}
        )
        began = time.perf_counter()
        agent = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.pacs.prepare"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert agent.stdin is not None
        assert agent.stdout is not None
        agent.stdin.write(order + "\n")
        agent.stdin.flush()
        most_agent = most_all = cpu = 0.0
        early = 0.0
        while agent.poll() is None:
            members = _session(agent.pid)
            if members:
                cpu = max(cpu, sum(_cpu(pid) for pid in members))
                most_agent = max(most_agent, _rss(agent.pid))
                most_all = max(most_all, sum(_pss(pid) for pid in members))
            if not early and time.perf_counter() - began > 3:
                early = _rss(agent.pid)
            time.sleep(0.1)
        told = json.loads(agent.stdout.read())
        seconds, studies = told["seconds"], len(archive.accessions)
        assert told["stages"] == {"READY": studies}, told
        row = f"{kind:<34}{seconds:>8.1f}{60 * studies / seconds:>13.0f}{archive.bytes / 1e6 / seconds:>7.0f}"
        print(f"{row}{cpu / studies:>15.2f}{cpu / seconds:>7.2f}")
        print(
            f"  memory: agent {most_agent:.0f} MB (after 3 s {early:.0f} MB), with its workers {most_all:.0f} MB (PSS)"
        )
    _plain(archive)


def _plain(archive: Archive) -> None:
    source = archive.files / archive.accessions[0]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([dcm2niix.bin, "-z", "y", "-o", out, str(source)], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    seconds = time.perf_counter() - began
    print(f"{'bare: dcm2niix -z y, files on disk':<34}{seconds:>8.1f}{60 / seconds:>13.0f}{'':>7}{cpu:>15.2f}")


def _session(leader: int) -> list[int]:
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            if int(stat.read_text().rsplit(")", 1)[1].split()[3]) == leader:
                found.append(int(stat.parent.name))
    return found


def _cpu(pid: int) -> float:
    """With children that have ended."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(int(field) for field in fields[11:15]) / TICK
    return 0.0


def _rss(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1e3
    return 0.0


def _pss(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1e3
    return 0.0


def run() -> None:
    """The agent's side."""
    from flip_trust.imaging.drivers.opened import open_driver, open_limits
    from flip_trust.imaging.drivers.settings import PacsSettings
    from flip_trust.imaging.ledger import Ledger
    from flip_trust.imaging.pipeline import Pipeline

    order = json.loads(sys.stdin.readline())
    home, pacs = Path(order["home"]), PacsSettings.model_validate(order["pacs"])
    ledger = Ledger(home / "ledger.db")
    pipeline = Pipeline(
        open_driver(pacs, None, home), home / "cache", b"k" * 32, ledger, limits=open_limits(pacs), workers=2
    )
    began = time.perf_counter()
    pipeline.prepare(PROJECT, order["accessions"])
    seconds = time.perf_counter() - began
    time.sleep(0.3)  # for the last look at its processes
    print(json.dumps({"seconds": seconds, "stages": ledger.counts(PROJECT)[0]}))
    pipeline.close()


if __name__ == "__main__":
    run()
