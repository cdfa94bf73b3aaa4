"""What the page shows of a project's images: read from the ledger and from the folders, nothing is prepared here."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

from flip_contracts.statuses import ImagingStage
from flip_trust.agent import Agent
from flip_trust.enrich.store import Resource
from flip_trust.imaging.errors import Exclusion
from flip_trust.imaging.reasons import REASONS
from flip_trust.imaging.study import RECORD
from flip_trust.page.kit import PageMissing
from flip_trust.store import ProjectRow

PER_PAGE: Final = 40
FLAGS: Final = {
    "lossy_compression": "compressed with loss",
    "empty": "all voxels have one value",
    "thickness_is_not_spacing": "slice thickness and spacing differ",
    "structures_overlap": "structures overlap",
}
_NOTHING: Final[dict[str, Any]] = {"images": [], "left_out": [], "refused": {}}  # of a study that is not ready
_FILE: Final = re.compile(r"(input|label)_[A-Za-z0-9._-]+\.nii\.gz|preview_[A-Za-z0-9._-]+\.png")


@dataclass(frozen=True)
class Study:
    """One accession: `key` is what the ledger calls it."""

    accession: str
    key: str
    stage: str
    reason: str
    folder: Path | None  # with what was added; None where it is not ready
    record: dict[str, Any]
    added: list[Resource]

    @property
    def flags(self) -> list[str]:
        return sorted({FLAGS.get(str(flag), str(flag)) for image in self.record["images"] for flag in image["flags"]})

    @property
    def previews(self) -> list[str]:
        return [f"preview_{image['name']}.png" for image in self.record["images"]]

    @property
    def labels(self) -> list[str]:
        return sorted(f.name for f in self.folder.glob("label_*.nii.gz")) if self.folder else []

    @property
    def inputs(self) -> list[str]:
        return sorted(f.name for f in self.folder.glob("input_*.nii.gz")) if self.folder else []


@dataclass(frozen=True)
class Overview:
    total: int
    stages: dict[str, int]
    reasons: list[tuple[str, str, str, int]]  # reason, what it means, what to do, accessions


def imaging_project(agent: Agent, project_id: UUID) -> ProjectRow:
    project = agent.store.project(project_id)
    if project is None or not project.review.imaging:
        raise PageMissing("This trust was not asked about such a project with images.")
    return project


def overview(agent: Agent, project_id: UUID) -> Overview:
    stages, excluded, _ = agent.ledger.counts(project_id)
    rows = [
        (reason, *REASONS[Exclusion(reason)], count) for reason, count in excluded.items() if reason in set(Exclusion)
    ]
    return Overview(sum(stages.values()), stages, sorted(rows, key=lambda row: (-row[3], row[0])))


def studies(agent: Agent, project_id: UUID, stage: str, page: int) -> tuple[list[Study], int]:
    """One page of them, in the order of their numbers, and how many pages there are."""
    standing = {key: (stage, reason) for key, stage, reason in agent.ledger.standings(project_id)}
    keys = _keys(agent, project_id)
    found = [(a, k) for a, k in keys.items() if not stage or standing.get(k, ("", ""))[0] == stage]
    shown = found[(page - 1) * PER_PAGE : page * PER_PAGE]
    made = [_study(agent, project_id, a, k, standing.get(k, (ImagingStage.REQUESTED.value, ""))) for a, k in shown]
    return made, max(1, -(-len(found) // PER_PAGE))


def study(agent: Agent, project_id: UUID, key: str) -> Study:
    for accession, own in _keys(agent, project_id).items():
        if own == key:
            return _study(agent, project_id, accession, key, _standing(agent, project_id, key))
    raise PageMissing("There is no such study in this project's cohort.")


def file_of(agent: Agent, project_id: UUID, key: str, name: str) -> Path:
    folder = study(agent, project_id, key).folder
    if folder is None or not _FILE.fullmatch(name) or not (folder / name).is_file():
        raise PageMissing("There is no such file. Its images may not be ready, or were removed to save space.")
    return folder / name


def counts(stages: dict[str, int]) -> Counter[str]:
    """For the head of the page: ready, left out, and on the way."""
    ready, out = stages.get(ImagingStage.READY, 0), stages.get(ImagingStage.EXCLUDED, 0)
    return Counter(ready=ready, excluded=out, working=sum(stages.values()) - ready - out)


def _standing(agent: Agent, project_id: UUID, key: str) -> tuple[str, str]:
    stage, reason = agent.ledger.stage_of(project_id, key) or (ImagingStage.REQUESTED, "")
    return str(stage), reason


_named: WeakKeyDictionary[Agent, dict[UUID, tuple[frozenset[str], dict[str, str]]]] = WeakKeyDictionary()


def _keys(agent: Agent, project_id: UUID) -> dict[str, str]:
    """Accession -> key, sorted; computed once for each frozen cohort, which may have ten thousands."""
    cohort = agent.store.accessions(project_id) or frozenset[str]()
    projects = _named.setdefault(agent, {})
    known, keys = projects.get(project_id, (None, {}))
    if known is not cohort:
        keys = {a: agent.pipeline.accession_key(project_id, a.strip()) for a in sorted(cohort)}
        projects[project_id] = cohort, keys
    return keys


def _study(agent: Agent, project_id: UUID, accession: str, key: str, standing: tuple[str, str]) -> Study:
    folder = agent.images.ready_folder(project_id, accession)
    record = _NOTHING | (json.loads((folder / RECORD).read_text()) if folder else {})
    added = agent.images.enrichments.history(project_id, accession)
    return Study(accession, key, *standing, folder, record, added)
