"""MB/s and CPU of each driver, one study after the other, beside dcmtk's own tools."""

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.pacs.archive import Archive
from demo import orthanc as debian


def measure(archive: Archive) -> None:
    print(f"\n{'pull':<34}{'MB/s':>8}{'CPU s a study':>16}")
    for kind in ("DICOMweb", "C-MOVE", "C-GET"):
        driver = archive.driver(kind)
        try:

            def one(accession: str, into: Path) -> None:
                [study] = driver.find(accession)  # noqa: B023  called within this turn
                assert driver.pull(study, into) == archive.slices  # noqa: B023

            _print(kind, archive, one)
        finally:
            driver.close()
    environment = {**os.environ, "TCP_NODELAY": "1"}
    place = [archive.orthanc.network.theirs, str(debian.DICOM_PORT)]
    asked = ["-S", "-k", "QueryRetrieveLevel=STUDY"]

    def getscu(accession: str, into: Path) -> None:
        ours = ["getscu", "-aet", "FLIP", "-aec", debian.AET, "-od", str(into), "+B", *asked]
        subprocess.run([*ours, "-k", f"StudyInstanceUID={_uid(accession)}", *place], env=environment, check=True)
        assert len(list(into.iterdir())) == archive.slices

    _print("bare: dcmtk getscu", archive, getscu)
    port = 11112
    archive.orthanc.modality("FLIP", port, Host=archive.orthanc.network.theirs)
    shelf = archive.home / "storescp"
    shelf.mkdir()
    beside_orthanc = ["ip", "netns", "exec", archive.orthanc.network.name]  # for it listens on every address
    storescp = ["storescp", "+B", "-od", str(shelf), "--aetitle", "FLIP", "--max-pdu", "131072", str(port)]
    server = subprocess.Popen(
        [*beside_orthanc, *storescp],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:

        def movescu(accession: str, into: Path) -> None:
            ours = ["movescu", "-aet", "FLIP", "-aem", "FLIP", "-aec", debian.AET, *asked]
            subprocess.run([*ours, "-k", f"StudyInstanceUID={_uid(accession)}", *place], env=environment, check=True)
            for file in shelf.iterdir():
                file.rename(into / file.name)
            assert len(list(into.iterdir())) == archive.slices

        time.sleep(0.5)
        _print("bare: movescu, storescp (CPU: movescu)", archive, movescu)
    finally:
        server.terminate()
        server.wait()


def _uid(accession: str) -> str:
    return f"2.25.7{accession.removeprefix('BENCH-')}"


def _print(name: str, archive: Archive, one: Callable[[str, Path], None]) -> None:
    target = archive.home / "pulled"
    began, cpu = time.perf_counter(), _cpu()
    for accession in archive.accessions:
        target.mkdir()
        one(accession, target)
        shutil.rmtree(target)
    seconds, spent = time.perf_counter() - began, _cpu() - cpu
    print(f"{name:<34}{archive.bytes / 1e6 / seconds:>8.0f}{spent / len(archive.accessions):>16.2f}")


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)
