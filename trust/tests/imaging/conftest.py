"""A small archive of phantom studies; each test gets its own cache and ledger.

Tests take everything through the `site` fixture: test folders are not packages, so nothing can be imported.
"""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from pydicom import dcmread

from flip_trust.imaging.folder import FolderDriver
from flip_trust.imaging.ledger import Ledger
from flip_trust.imaging.pipeline import Pipeline
from flip_trust.synthetic.dicom import write_dicom
from flip_trust.synthetic.phantom import Phantom, make_phantom, seed_of


class Site:
    seed, style, key = 7, "alpha", b"k" * 32
    first, second = "ACC-CANARY-1", "ACC-CANARY-2"
    project = UUID("6f1f0a52-6f0e-4a4e-9a53-0d2f5a0f1c11")

    def __init__(self, archive: Path, home: Path):
        self.archive, self.home, self.cache = archive, home, home / "cache"
        self.ledger = Ledger(home / "ledger.sqlite")
        self.pipeline = Pipeline(FolderDriver(archive), self.cache, self.key, self.ledger)

    def phantom(self, accession: str) -> Phantom:
        return make_phantom(seed_of(self.seed, accession), self.style)

    def files(self, accession: str, kind: str = "IM*") -> list[Path]:
        found = sorted(self.archive.rglob(kind))
        return [f for f in found if dcmread(f, specific_tags=["AccessionNumber"]).AccessionNumber == accession]

    def outcome(self) -> tuple[dict[str, int], dict[str, int], bool]:
        return self.ledger.counts(self.project)


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    accessions = [(a, f"P{n}", date(2024, 3, n + 1)) for n, a in enumerate((Site.first, Site.second))]
    write_dicom(folder, Site.seed, Site.style, accessions)
    return folder


@pytest.fixture
def site(pristine: Path, tmp_path: Path) -> Iterator[Site]:
    """Its archive is a copy: a test may spoil it."""
    shutil.copytree(pristine, tmp_path / "archive")
    site = Site(tmp_path / "archive", tmp_path)
    yield site
    site.ledger.close()
