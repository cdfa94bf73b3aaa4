"""A small archive of phantom studies; each test gets its own cache and ledger.

Tests take everything through the `site` fixture: test folders are not packages, so nothing can be imported.
"""

import os
import shutil
import socket
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from demo import orthanc as debian
from demo.pki import Pki
from pydicom import dcmread
from pydicom.uid import RLELossless

from flip_trust.imaging.drivers.folder import FolderDriver
from flip_trust.imaging.drivers.opened import open_driver
from flip_trust.imaging.drivers.port import PacsDriver
from flip_trust.imaging.drivers.settings import PacsSettings
from flip_trust.imaging.ledger import Ledger
from flip_trust.imaging.pipeline import Patience, Pipeline
from flip_trust.synthetic.dicom import write_dicom
from flip_trust.synthetic.phantom import Phantom, make_phantom, seed_of


class Site:
    seed, style, key = 7, "alpha", b"k" * 32
    first, second = "ACC-CANARY-1", "ACC-CANARY-2"
    project = UUID("6f1f0a52-6f0e-4a4e-9a53-0d2f5a0f1c11")

    def __init__(self, archive: Path, home: Path):
        self.archive, self.home, self.cache = archive, home, home / "cache"
        self.ledger = Ledger(home / "ledger.sqlite")
        self._made: list[Pipeline] = []
        self.pipeline = self.pipe(FolderDriver(archive))

    def pipe(self, driver: PacsDriver, cache: Path | None = None, **more: Any) -> Pipeline:
        """Another agent's pipeline, after a restart or on another archive. It does not try a study twice."""
        more.setdefault("patience", Patience(tries=(), first_wait=0.05, waits=0.2, least_free=0))
        made = Pipeline(driver, cache or self.cache, self.key, self.ledger, **more)
        self._made.append(made)
        return made

    def close(self) -> None:
        for made in self._made:
            made.close()
        self.ledger.close()

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
    site.close()


class Pacs:
    """An Orthanc with studies in it, and drivers for it as a trust's settings would make them."""

    single, twice, two_people, compressed = Site.first, "ACC-TWICE", "ACC-PEOPLE", "ACC-RLE"
    user, password, aet = debian.USER, debian.PASSWORD, debian.AET

    def __init__(self, orthanc: debian.Orthanc, pki: Pki | None, home: Path):
        self.orthanc, self.pki, self._home, self._made = orthanc, pki, home, list[PacsDriver]()

    def settings(self, kind: str, **changes: Any) -> PacsSettings:
        tls = {"tls_ca": self.pki.ca, "tls_cert": self.pki.client[0], "tls_key": self.pki.client[1]} if self.pki else {}
        if kind == "dicomweb":
            root = self.orthanc.secure_url if self.pki else self.orthanc.url
            web = {"url": f"{root}/dicom-web", "username": self.user, "password": self.password}
            return PacsSettings.model_validate({"kind": "dicomweb", **web, **tls, **changes})
        at = {"host": self.orthanc.network.theirs, "port": debian.DICOM_PORT, "aet": self.aet, "tls": bool(self.pki)}
        if kind == "move":
            with socket.create_server((self.orthanc.network.ours, 0)) as probe:
                at |= {"receive_host": self.orthanc.network.ours, "receive_port": probe.getsockname()[1]}
        settings = PacsSettings.model_validate({"kind": "dimse", "retrieve": kind, **at, **tls, **changes})
        if settings.receive_port and "our_aet" not in changes:
            self.orthanc.modality("FLIP", settings.receive_port, UseDicomTls=bool(self.pki))
        elif "our_aet" not in changes:
            self.orthanc.modality("FLIP", 1)
        return settings

    def driver(self, kind: str, **changes: Any) -> PacsDriver:
        made = open_driver(self.settings(kind, **changes), None, self._home / f"driver-{len(self._made)}")
        self._made.append(made)
        return made

    def close(self) -> None:
        for made in self._made:
            made.close()


@pytest.fixture(scope="session")
def studies(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pristine`, and what archives hold besides: a number of two studies, one of two people, compressed pixels."""
    folder = tmp_path_factory.mktemp("studies")
    shutil.copytree(pristine, folder / "whole")
    slices = [f for f in sorted(pristine.rglob("IM*")) if dcmread(f).AccessionNumber == Site.first][:3]

    def write(name: str, changes: dict[str, str], *, rle: bool = False) -> None:
        for number, file in enumerate(slices):
            ds = dcmread(file)
            ds.SeriesInstanceUID, ds.SOPInstanceUID = (
                f"{changes['StudyInstanceUID']}.1",
                f"2.25.{int.from_bytes(name.encode()) % 10**15}{number}",
            )
            for keyword, value in changes.items():
                setattr(ds, keyword, value)
            if rle:
                ds.compress(RLELossless, generate_instance_uid=False)
            ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
            ds.save_as(folder / f"{name}-{number}.dcm")

    for study in ("2.25.101", "2.25.102"):
        write(study, {"AccessionNumber": Pacs.twice, "StudyInstanceUID": study, "PatientID": "P1"})
    for number, patient in enumerate(("P2", "P3")):
        write(
            patient, {"AccessionNumber": Pacs.two_people, "StudyInstanceUID": f"2.25.20{number}", "PatientID": patient}
        )
    write("rle", {"AccessionNumber": Pacs.compressed, "StudyInstanceUID": "2.25.301", "PatientID": "P4"}, rle=True)
    return folder


def start_orthanc(folder: Path, files: Path, **more: Any) -> debian.Orthanc:
    if why := debian.missing():
        assert "FLIP_CI_MARKER" not in os.environ, why  # CI installs it
        pytest.skip(why)
    orthanc = debian.Orthanc(folder, **more)
    try:
        orthanc.start()
        orthanc.upload(f for f in files.rglob("*") if f.is_file())
    except BaseException:
        orthanc.stop()
        raise
    return orthanc


@pytest.fixture(scope="session")
def orthanc(studies: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[debian.Orthanc]:
    started = start_orthanc(tmp_path_factory.mktemp("orthanc"), studies)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def secure_orthanc(studies: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[debian.Orthanc, Pki]]:
    """Everything over TLS, and only for who shows a certificate. Any AE title may query: for what a lax PACS does."""
    if why := debian.missing():
        pytest.skip(why)
    folder, network = tmp_path_factory.mktemp("secure"), debian.Network()
    pki = Pki(folder / "pki", network.theirs)
    lax = ("DicomAlwaysAllowEcho", "DicomAlwaysAllowFind", "DicomAlwaysAllowGet", "DicomAlwaysAllowMove")
    config = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(pki.server[0]),
        "DicomTlsPrivateKey": str(pki.server[1]),
        "DicomTlsTrustedCertificates": str(pki.ca),
        **dict.fromkeys(lax, True),
    }
    started = start_orthanc(
        folder / "orthanc", studies, config=config, https=(pki.server_bundle, pki.ca), network=network
    )
    yield started, pki
    started.stop()


@pytest.fixture
def pacs(orthanc: debian.Orthanc, tmp_path: Path) -> Iterator[Pacs]:
    made = Pacs(orthanc, None, tmp_path)
    yield made
    made.close()


@pytest.fixture
def secure_pacs(secure_orthanc: tuple[debian.Orthanc, Pki], tmp_path: Path) -> Iterator[Pacs]:
    made = Pacs(*secure_orthanc, tmp_path)
    yield made
    made.close()
