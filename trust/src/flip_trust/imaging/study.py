"""One pulled study to one folder of what a project may use. The pipeline's seam: it pulls, this prepares.

The folder that is made:

    input_<n>.nii.gz      volume n of the study; input_<n>-<m>.nii.gz where series n holds several (echoes, b-values)
    preview_<n>.png       its three middle planes, small
    input_<n>.json        its allow-listed acquisition facts: DICOM keywords, DICOM units
    label_<n>.nii.gz      segmentation on the grid of input_<n>, where the archive has one
    dicom/000001.dcm ...  de-identified files, where the trust's policy keeps them
    study.json            what was taken, what was left out and why, by which profile: no identity in it
"""

import filecmp
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import dcm2niix
from pydicom import Dataset

from flip_contracts.statuses import ImagingStage
from flip_trust.imaging import rtstruct, segment
from flip_trust.imaging.allowlist import IMAGE_NUMBERS, WORDS
from flip_trust.imaging.burned_in import check_text
from flip_trust.imaging.convert import convert_projection, convert_volume
from flip_trust.imaging.deidentify import METHOD, Deidentifier, Instance, profile, read
from flip_trust.imaging.errors import Exclusion, ImagingExcluded
from flip_trust.imaging.kinds import IMAGES, LABELS, REASON_OF, Kind, kind_of
from flip_trust.imaging.plan import StudyPlan
from flip_trust.imaging.series import RawSeries, selected, volumes

RECORD: Final = "study.json"
_NOT_IN_SIDECAR: Final = frozenset({"InstanceNumber", "SeriesNumber", "ImagePositionPatient", "PixelPaddingValue"})
# Of several reasons in one study, the one that its staff can do most about.
_WEIGHT: Final = (
    Exclusion.TEXT_CHECK_UNAVAILABLE,
    Exclusion.DICOM_INVALID,
    Exclusion.INSTANCES_DIFFER,
    Exclusion.SLICES_MISSING,
    Exclusion.BURNED_IN_TEXT,
    Exclusion.DICOM_UNSUPPORTED,
    Exclusion.GANTRY_TILT,
    Exclusion.SPACING_UNEVEN,
    Exclusion.SLICES_DUPLICATED,
    Exclusion.GEOMETRY_INVALID,
    Exclusion.CONVERSION_FAILED,
    Exclusion.CONVERSION_DIFFERS,
    Exclusion.NOT_SELECTED,
    Exclusion.TOO_FEW_SLICES,
    Exclusion.LOCALISER,
    Exclusion.SECONDARY_CAPTURE,
    Exclusion.KIND_REFUSED,
)


@dataclass
class _Study:
    """What has been found so far."""

    series: list[RawSeries]
    labels: list[tuple[Kind, Path]]
    refused: Counter[str]
    left_out: list[dict[str, Any]] = field(default_factory=list)

    def leave_out(self, number: int, modality: str, reason: Exclusion) -> None:
        self.left_out.append({"series": number, "modality": modality, "reason": reason.value})

    def reason(self) -> Exclusion:
        """Why there is nothing."""
        found = {Exclusion(one["reason"]) for one in self.left_out}
        found |= {REASON_OF[Kind(kind)] for kind in self.refused}
        return next((reason for reason in _WEIGHT if reason in found), Exclusion.NO_IMAGES)


def prepare_study(
    raw: Path,
    accession_id: str,
    out: Path,
    project_key: bytes,
    plan: StudyPlan | None = None,
    reached: Callable[[ImagingStage], None] = lambda stage: None,
) -> dict[str, Any]:
    """Make what a project may use of one study.

    Parameters
    ----------
    raw : folder with the pulled files of one study, any names. Deleted as soon as it has been de-identified.
    accession_id : what the files must say they belong to.
    out : an empty folder, for the result (see the module). On an exception its content is worth nothing.
    project_key : 32 secret bytes of this project: pseudonyms and UIDs are keyed with them.
    reached : told DEIDENTIFIED, CONVERTED, CHECKED.

    Returns the content of study.json. Raises ImagingExcluded with the reason; its text quotes nothing.
    """
    plan = plan or StudyPlan()
    dicom = out / "dicom"
    dicom.mkdir(parents=True)
    with _damage_is_an_exclusion():
        study = _sort(raw, accession_id)
        images = _deidentify(study, plan, Deidentifier(project_key, plan.dates), dicom)
        labels = _deidentify_labels(study, images, Deidentifier(project_key, plan.dates), dicom)
    # From here on nothing identifiable is on disk. First renamed: half of a study must not look like a pulled one.
    shutil.rmtree(raw.rename(raw.with_name(f"{raw.name}-used")))
    reached(ImagingStage.DEIDENTIFIED)
    made = _convert(study, images, out) if plan.nifti else []
    if not (made or (images and not plan.nifti and plan.keep_dicom)):
        raise ImagingExcluded(study.reason())
    reached(ImagingStage.CONVERTED)
    if plan.nifti:
        _write_labels(labels, made, out)
    record = {
        "method": METHOD,
        "profile": [{"code": code, "scheme": "DCM", "meaning": meaning} for code, meaning in profile(plan.dates)],
        "dates": plan.dates.value,
        "converter": f"dcm2niix {dcm2niix.__version__}",
        "images": made,
        "left_out": sorted(study.left_out, key=lambda one: (one["series"], one["reason"])),
        "refused": dict(sorted(study.refused.items())),
    }
    (out / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    if not plan.keep_dicom:
        shutil.rmtree(dicom)
    reached(ImagingStage.CHECKED)
    return record


@contextmanager
def _damage_is_an_exclusion() -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError, EOFError, NotImplementedError):
        raise ImagingExcluded(Exclusion.DICOM_INVALID) from None  # the cause may quote a patient's value


def _sort(raw: Path, accession_id: str) -> _Study:
    """Read every header once; refuse a study that is not one, or not the one that was asked for."""
    series: dict[tuple[str, Kind], RawSeries] = {}
    seen: dict[str, Path] = {}
    found = _Study([], [], Counter())
    studies: set[str] = set()
    for file in sorted(raw.iterdir()):
        ds = read(file)
        kind, accession = kind_of(ds), str(ds.get("AccessionNumber", "")).strip()
        # Tools that make labels and reports often leave the number out; the study's UID still says where they belong.
        if accession != accession_id and (accession or kind in IMAGES):
            raise ImagingExcluded(Exclusion.DICOM_INVALID)  # the archive handed out another study's file
        studies.add(str(ds.get("StudyInstanceUID", "")))
        if len(studies) > 1:
            raise ImagingExcluded(Exclusion.ACCESSION_AMBIGUOUS)
        instance = str(ds.get("SOPInstanceUID", ""))
        if instance in seen:
            if not filecmp.cmp(seen[instance], file, shallow=False):
                raise ImagingExcluded(Exclusion.INSTANCES_DIFFER)
            continue
        seen[instance] = file
        if kind in LABELS:
            found.labels.append((kind, file))
        elif kind in IMAGES:
            key = str(ds.SeriesInstanceUID), kind
            one = series.setdefault(key, RawSeries(key[0], kind, [], _head(ds)))
            one.files.append(file)
            one.frames += int(ds.get("NumberOfFrames", 1) or 1)
        else:
            found.refused[kind.value] += 1
    found.series = list(series.values())
    return found


def _head(ds: Dataset) -> Dataset:
    """Without the pixels, which stay on disk."""
    return Dataset({tag: ds.get_item(tag) for tag in ds.keys() if tag != 0x7FE00010})  # noqa: SIM118


def _deidentify(
    study: _Study, plan: StudyPlan, deidentifier: Deidentifier, dicom: Path
) -> list[tuple[int, Kind, list[Instance]]]:
    """Number, kind and files of each image series that the rule takes and that holds no text."""
    taken = selected(study.series, plan.rule)
    for one in study.series:
        if one not in taken:
            study.leave_out(one.number, _word(one.modality), Exclusion.NOT_SELECTED)
    made: list[tuple[int, Kind, list[Instance]]] = []
    written = 0
    for one in taken:
        instances: list[Instance] = []
        try:
            for file in one.files:
                instances += deidentifier.images(read(file), dicom, written + len(instances) + 1)
            check_text(instances, plan.text_check)
        except ImagingExcluded as excluded:
            if excluded.reason == Exclusion.DICOM_INVALID:
                raise  # damage: what else is wrong with this study?
            for instance in instances:
                instance.path.unlink()
            study.leave_out(one.number, _word(one.modality), excluded.reason)
            continue
        written += len(instances)
        made.append((one.number, one.kind, instances))
    if not made:
        raise ImagingExcluded(study.reason())
    return made


def _deidentify_labels(
    study: _Study, images: Sequence[tuple[int, Kind, list[Instance]]], deidentifier: Deidentifier, dicom: Path
) -> dict[str, tuple[Kind, Instance]]:
    """Segmentations and structure sets by the image series they were drawn on. Two for one: nobody knows which."""
    taken = {instances[0].series for _, _, instances in images}
    labels: dict[str, tuple[Kind, Instance]] = {}
    written = sum(len(instances) for _, _, instances in images)
    for kind, file in study.labels:
        ds = read(file)
        module = segment if kind == Kind.SEGMENTATION else rtstruct
        series = module.referenced_series(ds)
        if series is None or deidentifier.uid(series.strip()) not in taken:
            continue
        written += 1
        write = deidentifier.segmentation if kind == Kind.SEGMENTATION else deidentifier.structure_set
        made = write(ds, dicom / f"{written:06d}.dcm")
        series = deidentifier.uid(series.strip())
        if series in labels:
            raise ImagingExcluded(Exclusion.SEGMENTATION_MISMATCH)
        labels[series] = kind, made
    return labels


def _convert(study: _Study, images: Sequence[tuple[int, Kind, list[Instance]]], out: Path) -> list[dict[str, Any]]:
    """Series that cannot be converted are left out with their reason; the others keep their numbers."""
    made: list[dict[str, Any]] = []
    for number, (series, kind, instances) in enumerate(images, start=1):
        modality = str(instances[0].dataset.get("Modality", ""))
        try:
            stacks = volumes(instances) if kind == Kind.VOLUME else [[one] for one in instances]
            own: list[dict[str, Any]] = []
            for part, stack in enumerate(stacks, start=1):
                name = str(number) if len(stacks) == 1 else f"{number}-{part}"
                own.append(_convert_one(name, kind, stack, out))
        except ImagingExcluded as excluded:
            for pattern in ("input_{}.*", "input_{}-*", "preview_{}.*", "preview_{}-*"):
                for left in out.glob(pattern.format(number)):
                    left.unlink()
            study.leave_out(series, modality, excluded.reason)
            continue
        made += own
    return made


def _convert_one(name: str, kind: Kind, stack: list[Instance], out: Path) -> dict[str, Any]:
    target = out / f"input_{name}.nii.gz"
    first = stack[0].dataset
    if kind == Kind.VOLUME:
        spacing, slices = convert_volume(stack, target), len(stack)
    else:
        spacing, slices = convert_projection(stack[0], target), 1
    facts: dict[str, Any] = {}
    for element in first:
        kept = element.keyword in IMAGE_NUMBERS - _NOT_IN_SIDECAR or element.keyword in WORDS
        if kept and element.value not in (None, ""):
            facts[element.keyword] = _plain(element.value)
    (out / f"input_{name}.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
    return {
        "name": name,
        "series_uid": stack[0].series,
        "modality": str(first.get("Modality", "")),
        "shape": [int(first.Columns), int(first.Rows), slices],
        "spacing_mm": spacing,
        "low": min(one.low for one in stack),
        "high": max(one.high for one in stack),
        "flags": _flags(stack),
    }


def _flags(stack: Sequence[Instance]) -> list[str]:
    """What a person should look at; none of it excludes."""
    first, flags = stack[0].dataset, []
    if any(one.dataset.get("LossyImageCompression") == "01" for one in stack):
        flags.append("lossy_compression")
    if min(one.low for one in stack) == max(one.high for one in stack):
        flags.append("empty")
    stated, spacing = first.get("SliceThickness"), first.get("SpacingBetweenSlices")
    if stated and spacing and abs(float(stated) - float(spacing)) > 0.01:
        flags.append("thickness_is_not_spacing")
    return flags


def _write_labels(labels: dict[str, tuple[Kind, Instance]], made: list[dict[str, Any]], out: Path) -> None:
    by_series: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for image in made:
        by_series[image["series_uid"]].append(image)
    for series, (kind, label) in labels.items():
        for image in by_series.get(series, []):
            files = out / f"input_{image['name']}.nii.gz", out / f"label_{image['name']}.nii.gz"
            with _label_damage():
                if kind == Kind.SEGMENTATION:
                    segment.write_segmentation(label, *files)
                    names = segment.segment_names(label.dataset)
                else:
                    drawn = rtstruct.write_structures(label, *files)
                    names = drawn.names
                    image["flags"] += ["structures_overlap"] if drawn.overlap else []
            image["label"] = {str(number): name for number, name in names.items()}


@contextmanager
def _label_damage() -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, AttributeError, KeyError, IndexError):
        raise ImagingExcluded(Exclusion.SEGMENTATION_MISMATCH) from None


def _word(modality: str) -> str:
    """As the archive says it, if it is a word that may be kept."""
    return modality if modality in WORDS["Modality"] else ""


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return float(value) if not isinstance(value, int) else int(value)
    return [_plain(one) for one in value]
