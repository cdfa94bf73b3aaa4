"""A CT full of planted identities, in every attribute of the DICOM dictionary that can hold one: none may come out."""

import gzip
import logging
import shutil
from datetime import date, timedelta

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.datadict import DicomDictionary, dictionary_VM
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from flip_trust.imaging import allowlist as allow
from flip_trust.imaging.deidentify import Dates
from flip_trust.imaging.errors import ImagingExcluded
from flip_trust.imaging.plan import StudyPlan, TextCheck

ALL = {"DICOM", "NIFTI", "SEGMENTATION"}
# What a reader needs to know that it is this image at all; each is either mapped or one of a few fixed words.
STRUCTURE = allow.CLASS_UIDS | allow.IMAGE_NUMBERS | allow.WORDS.keys() | {"AccessionNumber", "StudyInstanceUID"}
STRUCTURE |= {"SeriesInstanceUID", "SpecificCharacterSet", "PixelData", "BurnedInAnnotation", "NumberOfFrames"}
LIMIT = {"AE": 16, "CS": 16, "SH": 16, "LO": 64, "PN": 60}


class Planter:
    """Unique values, and where each was put."""

    def __init__(self):
        self.needles: dict[bytes, str] = {}
        self.count = 0

    def text(self, where: str, size: int = 64) -> str:
        self.count += 1
        value = f"CANARY{self.count:05d}"[:size]
        self.needles[value.encode()] = where
        return value

    def value(self, vr: str, where: str):
        self.count += 1
        number = self.count
        if vr in ("AE", "CS", "SH", "LO", "LT", "PN", "ST", "UC", "UR", "UT"):
            return self.text(where, LIMIT.get(vr, 64))
        made = {
            "DA": (date(1700, 1, 1) + timedelta(days=401 * number)).strftime("%Y%m%d"),
            "TM": f"2357{number % 60:02d}.{number:06d}",
            "DT": f"1699{number % 12 + 1:02d}15{number:06d}",
            "UI": f"1.2.826.0.1.99887766.{number}",
            "DS": f"91827.{number:05d}",
            "IS": f"{918200000 + number}",
        }.get(vr)
        if made is not None:
            self.needles[made.encode()] = where
        return made


def plant(ds: Dataset, planter: Planter) -> None:
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        group = tag >> 16
        if not keyword or keyword in STRUCTURE or group in (0x0002, 0x0004, 0xFFFE) or group < 8:
            continue
        value = planter.value(vr, keyword)
        if value is not None:
            ds.add_new(tag, vr, [value, value] if dictionary_VM(tag) == "2" else value)
    deepest = Dataset()
    for keyword in ("PatientName", "PersonName", "TextValue", "CodeMeaning", "InstitutionName"):
        setattr(deepest, keyword, planter.text(f"3 deep: {keyword}"))
    middle = Dataset()
    middle.ContentSequence, middle.RequestedProcedureDescription = Sequence([deepest]), planter.text("2 deep")
    for keyword in (
        "RequestAttributesSequence",
        "ReferencedPatientSequence",
        "SourceImageSequence",
        "ProcedureCodeSequence",
    ):
        outer = Dataset()
        outer.ContentSequence, outer.PatientID = Sequence([middle]), planter.text(f"in {keyword}")
        block = outer.private_block(0x0099, planter.text("creator in a sequence"), create=True)
        block.add_new(0x02, "LO", planter.text(f"private in {keyword}"))
        setattr(ds, keyword, Sequence([outer]))
    for group in (0x0009, 0x0019, 0x0029, 0x0043, 0x2001, 0x7FE1):
        block = ds.private_block(group, planter.text("creator"), create=True)
        for offset, vr in enumerate(("LO", "UN", "OB", "ST", "SH"), start=1):
            text = planter.text(f"private {vr}")
            block.add_new(offset, vr, text.encode() + b"\0" if vr in ("UN", "OB") else text)
    for group in (0x0077, 0x0079):  # nobody's: no creator
        ds.add_new(Tag(group, 0x1001), "UN", planter.text("private without a creator").encode() + b"\0")
    for group in (0x5000, 0x5002):  # retired curves
        ds.add_new(Tag(group, 0x2500), "LO", planter.text("curve label"))
        ds.add_new(Tag(group, 0x3000), "OW", planter.text("curve data").encode() + b"\0")
    for group in (0x6000, 0x6002, 0x601E):  # overlays
        ds.add_new(Tag(group, 0x1500), "LO", planter.text("overlay label"))
        ds.add_new(Tag(group, 0x0022), "LO", planter.text("overlay description"))
        ds.add_new(Tag(group, 0x3000), "OW", planter.text("overlay data").encode() + b"\0")
    ds.EncapsulatedDocument = planter.text("document").encode() + b"\0"
    ds.add_new(Tag(0xFFFC, 0xFFFC), "OB", planter.text("trailing padding").encode() + b"\0")
    ds.PixelData = ds.PixelData + planter.text("after the pixels").encode() + b"\0"
    ds.preamble = planter.text("preamble").encode().ljust(128, b"\0")
    ds.file_meta.SourceApplicationEntityTitle = planter.text("SourceAET", 16)
    ds.file_meta.PrivateInformationCreatorUID = planter.value("UI", "meta")
    ds.file_meta.PrivateInformation = planter.text("meta private").encode() + b"\0"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", planter.text("ImageType", 16)]


@pytest.fixture
def planted(site):
    """The first study of the archive, planted: its first slice with every attribute, the others with a few."""
    planter = Planter()
    for number, file in enumerate(site.files(site.first)):
        ds = dcmread(file)
        if number == 0:
            plant(ds, planter)
            same = {name: ds[name].value for name in ("PatientID", *allow.DATES)}
        else:
            for name, value in same.items():  # of one series
                setattr(ds, name, value)
            ds.PatientName = ds.StudyDescription = planter.text("slice")
        ds.save_as(file, enforce_file_format=True)
        file.rename(file.with_name(planter.text("file name")))
    for file in site.files(site.first, "SG*"):
        ds = dcmread(file)
        ds.PatientID = same["PatientID"]  # one study is of one patient, or it is ambiguous
        ds.save_as(file, enforce_file_format=True)
    return planter


@pytest.mark.parametrize("dates", list(Dates))
def test_none_of_the_planted_values_comes_out(site, planted, dates, caplog, capfd):
    assert len(planted.needles) > 2000
    plan = StudyPlan(dates=dates)
    with caplog.at_level(logging.DEBUG):
        pipeline = site.pipe(site.pipeline.driver, plan_of=lambda _: plan)
        folder = pipeline.folder_of(site.project, site.first, ALL)
    needles = {**planted.needles, site.first.encode(): "accession", b"CANARY": "any", b"19600229": "birth date"}
    outputs = [f for f in folder.rglob("*") if f.is_file()]
    assert {f.suffix for f in outputs} == {".dcm", ".gz", ".json", ".png"}
    leaks = {}
    for file in outputs:
        stored = file.read_bytes()
        data = stored + gzip.decompress(stored) if file.suffix == ".gz" else stored
        data += str(file.relative_to(site.cache)).encode()
        leaks |= {where: file.suffix for needle, where in needles.items() if needle in data}
    said = (caplog.text + "".join(capfd.readouterr())).encode()
    leaks |= {where: "log" for needle, where in needles.items() if needle in said}
    assert leaks == {}


def test_every_file_says_how_it_was_made_safe(site):
    plan = StudyPlan(dates=Dates.SHIFT)
    pipeline = site.pipe(site.pipeline.driver, plan_of=lambda _: plan)
    made = [dcmread(f) for f in (pipeline.folder_of(site.project, site.first, ALL) / "dicom").iterdir()]
    for ds in made:
        codes = [(c.CodeValue, c.CodingSchemeDesignator) for c in ds.DeidentificationMethodCodeSequence]
        assert (ds.PatientIdentityRemoved, codes) == ("YES", [("113100", "DCM"), ("113107", "DCM")])
        assert ds.LongitudinalTemporalInformationModified == "MODIFIED"
    (shifted,) = {ds.StudyDate for ds in made}
    original = dcmread(site.files(site.first)[0]).StudyDate
    assert original.startswith("2024")
    assert 30 <= (date.fromisoformat(original) - date.fromisoformat(shifted)).days < 395
    assert all("StudyTime" not in ds and "AcquisitionTime" not in ds for ds in made)


def test_a_person_has_one_pseudonym_and_one_shift_in_a_project_and_others_elsewhere(site):
    from flip_trust.imaging.deidentify import Deidentifier

    one, other = Deidentifier(b"1" * 32), Deidentifier(b"2" * 32)
    assert one.pseudonym("P1") == one.pseudonym("P1") != other.pseudonym("P1")
    assert one.shift("P1") == one.shift("P1")
    assert len({one.shift(f"P{n}") for n in range(50)}) > 30
    assert one.shift("P1") != other.shift("P1") or one.shift("P2") != other.shift("P2")
    assert one.pseudonym("") == ""


def test_the_bytes_of_a_planted_study_are_the_same_each_time(site, planted):
    def contents(name):
        pipeline = site.pipe(site.pipeline.driver, site.home / name)
        folder = pipeline.folder_of(site.project, site.first, ALL)
        return {f.relative_to(folder): f.read_bytes() for f in folder.rglob("*") if f.is_file()}

    assert contents("one") == contents("two")


def write_in(ds: Dataset, text: str, value: int) -> None:
    """Draw text into the pixels, as a scanner or a film digitiser does."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("1", (ds.Columns, ds.Rows))
    ImageDraw.Draw(picture).text((4, 4), text, fill=1, font=ImageFont.load_default(size=22))
    pixels = ds.pixel_array.copy()
    pixels[np.asarray(picture)] = value
    ds.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()


needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="tesseract is not installed: apt-get install tesseract-ocr"
)


@needs_tesseract
@pytest.mark.parametrize("every_slice", [True, False])
def test_text_in_the_pixels_excludes_the_series(site, every_slice):
    files = site.files(site.first)
    for file in files if every_slice else files[7:8]:
        ds = dcmread(file)
        large = np.kron(ds.pixel_array, np.ones((3, 3), np.int16))
        ds.Rows, ds.Columns = large.shape
        ds.PixelData = large.tobytes()
        write_in(ds, "DOE JOHN 1957", 2500)
        ds.save_as(file)
    if not every_slice:
        for file in files:
            ds = dcmread(file)
            if ds.Rows == 96:
                ds.Rows = ds.Columns = 288
                ds.PixelData = np.kron(
                    np.frombuffer(ds.PixelData, "<i2").reshape(96, 96), np.ones((3, 3), np.int16)
                ).tobytes()
                ds.save_as(file)
    site.pipeline.prepare(site.project, [site.first])
    assert site.outcome() == ({"EXCLUDED": 1}, {"burned_in_text": 1}, True)


@needs_tesseract
def test_no_text_is_seen_where_there_is_none(site):
    plan = StudyPlan(text_check=TextCheck.ALWAYS)
    pipeline = site.pipe(site.pipeline.driver, plan_of=lambda _: plan)
    pipeline.prepare(site.project, [site.first, site.second])
    assert site.outcome() == ({"READY": 2}, {}, True)


def test_where_text_must_be_looked_for_and_cannot_be_nothing_is_made(site, monkeypatch):
    from flip_trust.imaging import burned_in, workers

    monkeypatch.setattr(workers.Workers, "prepare", lambda self, order: workers._work(order))  # in this process
    burned_in.tesseract.cache_clear()
    monkeypatch.setattr(burned_in.shutil, "which", lambda _: None)
    with pytest.raises(ImagingExcluded):
        burned_in.tesseract()
    plan = StudyPlan(text_check=TextCheck.ALWAYS)
    pipeline = site.pipe(site.pipeline.driver, plan_of=lambda _: plan)
    pipeline.prepare(site.project, [site.first])
    assert site.outcome() == ({"EXCLUDED": 1}, {"text_check_unavailable": 1}, True)
    burned_in.tesseract.cache_clear()
