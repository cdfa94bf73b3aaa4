"""The net's zip, and beside what the app left the proof of how it came to be."""

import hashlib
import json
import zipfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from flip_hub.results.card import card_of
from flip_hub.results.crate import crate_of
from flip_hub.results.facts import Facts

CRATE, CARD = "ro-crate-metadata.json", "MODEL_CARD.md"


def add_provenance(archive: Path, facts: Facts, metrics_csv: Iterable[bytes], log: Iterable[str]) -> None:
    """Append to the zip at `archive`. Files of the app are never replaced: ours gets another name then."""
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as zipped:
        taken = set(zipped.namelist())

        def free(name: str) -> str:
            while name in taken:
                name = f"flip/{name}"
            taken.add(name)
            return name

        approvals = [asdict(approval) for approval in facts.approvals]
        zipped.writestr(free("provenance/cohort.sql"), facts.sql)
        zipped.writestr(free("provenance/approvals.json"), json.dumps(approvals, indent=1, default=str))
        zipped.writestr(free("provenance/run.json"), json.dumps(asdict(facts), indent=1, default=str))
        with zipped.open(free("provenance/metrics.csv"), "w") as target:
            target.writelines(metrics_csv)
        with zipped.open(free("provenance/server.log"), "w") as target:
            target.writelines(f"{line}\n".encode() for line in log)
        zipped.writestr(free(CARD), card_of(facts))
        files = [(info.filename, info.file_size) for info in zipped.infolist() if not info.is_dir()]
        zipped.writestr(free(CRATE), json.dumps(crate_of(facts, files), indent=1))


def sha256_of(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
