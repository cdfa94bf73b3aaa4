"""Expected imaging failures. No text here ever holds an accession number, UID or file name."""

from enum import StrEnum
from typing import ClassVar


class Exclusion(StrEnum):
    """Why an accession was left out. These codes, and only these, go to the hub as counts."""

    ACCESSION_NOT_FOUND = "accession_not_found"
    ACCESSION_AMBIGUOUS = "accession_ambiguous"
    ACCESSION_INVALID = "accession_invalid"
    PULL_FAILED = "pull_failed"
    INSTANCES_MISSING = "instances_missing"
    DICOM_INVALID = "dicom_invalid"
    DICOM_UNSUPPORTED = "dicom_unsupported"
    INSTANCES_DIFFER = "instances_differ"
    BURNED_IN_TEXT = "burned_in_text"
    TEXT_CHECK_UNAVAILABLE = "text_check_unavailable"
    SECONDARY_CAPTURE = "secondary_capture"
    LOCALISER = "localiser"
    KIND_REFUSED = "kind_refused"
    NOT_SELECTED = "not_selected"
    TOO_FEW_SLICES = "too_few_slices"
    NO_IMAGES = "no_images"
    SLICES_MISSING = "slices_missing"
    SPACING_UNEVEN = "spacing_uneven"
    GANTRY_TILT = "gantry_tilt"
    SLICES_DUPLICATED = "slices_duplicated"
    GEOMETRY_INVALID = "geometry_invalid"
    CONVERSION_FAILED = "conversion_failed"
    CONVERSION_DIFFERS = "conversion_differs"
    SEGMENTATION_MISMATCH = "segmentation_mismatch"
    INTERNAL_ERROR = "internal_error"


class ImagingError(Exception):
    code: ClassVar[str] = "imaging_error"
    status: ClassVar[int] = 500

    def __init__(self, public: str):
        self.public = public
        super().__init__(public)


class AccessionNotFound(ImagingError):
    """The PACS has no single study of that accession number."""

    code, status = "accession_not_found", 404

    def __init__(self, *, ambiguous: bool = False):
        self.ambiguous = ambiguous
        super().__init__(
            "The imaging archive holds more than one study under this accession number. Ask the trust to resolve it."
            if ambiguous
            else "The imaging archive holds no study of this accession number. Catch this error to skip the study."
        )


class ResourceMissing(ImagingError):
    """The study is there, but not in the form that was asked for."""

    code, status = "resource_missing", 404

    def __init__(self, resource: str, reason: str = ""):
        self.resource, self.reason = resource, reason
        why = f" ({reason})" if reason else ""
        super().__init__(f"This study has no {resource} resource{why}. Catch this error to skip the study.")


class ImagingExcluded(ImagingError):
    """A check failed, so the accession leaves the data set. `reason` is what the ledger counts."""

    code, status = "imaging_excluded", 409

    def __init__(self, reason: Exclusion):
        self.reason = reason
        super().__init__(f"The study was excluded: {reason.value}.")
