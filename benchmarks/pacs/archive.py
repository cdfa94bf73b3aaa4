"""CT studies of 512 x 512 slices in an Orthanc, and drivers for it."""

import argparse
import shutil
import socket
from pathlib import Path
from typing import Any

import numpy as np
from demo import orthanc as debian
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from scipy.ndimage import zoom

from flip_trust.imaging.drivers.opened import open_driver
from flip_trust.imaging.drivers.port import PacsDriver
from flip_trust.imaging.drivers.settings import PacsSettings
from flip_trust.synthetic.phantom import make_phantom

SIDE = 512


class Archive:
    def __init__(self, home: Path, options: argparse.Namespace):
        self.home, self.slices = home, options.slices
        self.accessions = [f"BENCH-{n:04d}" for n in range(options.studies)]
        self.files, self.orthanc, self.bytes = home / "dicom", debian.Orthanc(home / "orthanc"), 0

    def __enter__(self) -> "Archive":
        volume = _volume(self.slices)
        try:
            self.orthanc.start()
            for number, accession in enumerate(self.accessions):
                folder = self.files / accession
                folder.mkdir(parents=True)
                _write(folder, accession, number, np.roll(volume, number * 7, axis=2))
                self.orthanc.upload(folder.iterdir())
                self.bytes += sum(f.stat().st_size for f in folder.iterdir())
                if number:  # the first is for dcm2niix alone
                    shutil.rmtree(folder)
        except BaseException:
            self.orthanc.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.orthanc.stop()

    def receive_port(self) -> int:
        with socket.create_server((self.orthanc.network.ours, 0)) as probe:
            return probe.getsockname()[1]

    def settings(self, kind: str, **more: Any) -> PacsSettings:
        if kind == "DICOMweb":
            web = {"url": f"{self.orthanc.url}/dicom-web", "username": debian.USER, "password": debian.PASSWORD}
            return PacsSettings.model_validate({"kind": "dicomweb", **web, **more})
        port = self.receive_port() if kind == "C-MOVE" else 0
        self.orthanc.modality("FLIP", port or 1)
        at = {"host": self.orthanc.network.theirs, "port": debian.DICOM_PORT, "aet": debian.AET}
        here = {"receive_host": self.orthanc.network.ours, "receive_port": port}
        return PacsSettings.model_validate({"kind": "dimse", **at, **here, **more})

    def driver(self, kind: str) -> PacsDriver:
        return open_driver(self.settings(kind), None, self.home / kind)


def _volume(slices: int) -> np.ndarray:
    """Anatomy and noise of a phantom, scaled up: it compresses about as a CT does."""
    small = make_phantom(1, "alpha").hu
    factors = (slices / small.shape[0], SIDE / small.shape[1], SIDE / small.shape[2])
    noise = np.random.default_rng(0).normal(0, 14, (slices, SIDE, SIDE))
    return np.clip(zoom(small.astype(np.float32), factors, order=1) + noise, -1024, 3000).astype("<i2")


def _write(folder: Path, accession: str, number: int, volume: np.ndarray) -> None:
    for index, plane in enumerate(volume):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = CTImageStorage, ExplicitVRLittleEndian
        meta.MediaStorageSOPInstanceUID = f"2.25.9{number:04d}{index:04d}"
        ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        ds.StudyInstanceUID, ds.SeriesInstanceUID = f"2.25.7{number:04d}", f"2.25.8{number:04d}"
        ds.FrameOfReferenceUID, ds.AccessionNumber = f"2.25.6{number:04d}", accession
        ds.PatientName, ds.PatientID = f"BENCH^{number}", f"B{number}"
        ds.StudyDate, ds.StudyTime, ds.StudyID = "20240101", "101500", "1"
        ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "CT", 1, index + 1
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.ImagePositionPatient, ds.ImageOrientationPatient = [-200, -200, index * 2.5], [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing, ds.SliceThickness, ds.KVP = [0.78, 0.78], 2.5, 120
        ds.Rows = ds.Columns = SIDE
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated = ds.BitsStored = 16
        ds.HighBit, ds.PixelRepresentation = 15, 1
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "HU"
        ds.PixelData = plane.tobytes()
        ds.save_as(folder / f"{index:04d}.dcm", enforce_file_format=True)
