"""The driver and the limits that the settings ask for."""

from pathlib import Path

from flip_trust.imaging.drivers.port import PacsDriver
from flip_trust.imaging.drivers.settings import PacsSettings
from flip_trust.imaging.limits import Limits


def open_driver(pacs: PacsSettings | None, dicom_dir: Path | None, home: Path) -> PacsDriver:
    """`home`: the imaging folder under the data folder. Opens no connection, and loads only what that driver needs."""
    if pacs is None:
        assert dicom_dir is not None  # TrustSettings demands one of the two
        from flip_trust.imaging.drivers.folder import FolderDriver

        return FolderDriver(dicom_dir, home / "folder-index.db")
    match pacs.kind:
        case "dicomweb":
            from flip_trust.imaging.drivers.dicomweb import DicomWebDriver

            return DicomWebDriver(pacs)
        case "dimse":
            from flip_trust.imaging.drivers.dimse import DimseDriver

            return DimseDriver(pacs, home / "incoming")


def open_limits(pacs: PacsSettings | None) -> Limits:
    if pacs is None:
        return Limits()
    return Limits(concurrent=pacs.concurrent, bytes_per_second=pacs.mb_per_second * 1e6, between=pacs.between)
