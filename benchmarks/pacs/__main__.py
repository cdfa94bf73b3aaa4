"""From a PACS to READY: MB/s by driver, CPU seconds a study, memory, reads from the cache, a ledger of 10,000.

    .venv/bin/python -m benchmarks.pacs [--studies 10] [--slices 60] [--only pull,prepare,read,ledger]

A real Orthanc in a network namespace (root). 50 studies of 100 slices need 8 GB of disk. Beside the drivers:
dcmtk's getscu and movescu into storescp; beside the pipeline: dcm2niix with its defaults.
"""

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.pacs import ledger, prepare, pull, read
from benchmarks.pacs.archive import Archive
from demo.orthanc import missing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=10)
    parser.add_argument("--slices", type=int, default=60)
    parser.add_argument("--only", default="pull,prepare,read,ledger")
    options = parser.parse_args()
    parts = options.only.split(",")
    print(f"load before: {os.getloadavg()[0]:.1f}; {os.cpu_count()} cores")
    if "ledger" in parts:
        ledger.measure()
    if set(parts) <= {"ledger"}:
        return
    if why := missing():
        raise SystemExit(f"There is no PACS to measure against: {why}.")
    with tempfile.TemporaryDirectory(prefix="flip-pacs-") as name, Archive(Path(name), options) as archive:
        size = archive.bytes / 1e6
        print(f"{options.studies} CT studies of {options.slices} slices, {size:.0f} MB, in Orthanc")
        if "pull" in parts:
            pull.measure(archive)
        if "prepare" in parts:
            prepare.measure(archive)
        if "read" in parts:
            read.measure(archive)


if __name__ == "__main__":
    main()
