"""What each reason of an exclusion means and what can be done; docs/reference/imaging-reasons.md is made of it."""

from typing import Final

from flip_trust.imaging.errors import Exclusion as E

# reason: meaning, what to do
REASONS: Final[dict[E, tuple[str, str]]] = {
    E.ACCESSION_NOT_FOUND: (
        "The archive has no study of this accession number.",
        "Nothing, if the study lies elsewhere; it is asked for again at the next preparation.",
    ),
    E.ACCESSION_AMBIGUOUS: (
        "The archive has more than one study under this accession number, so nobody can say which is meant.",
        "Correct the number in the archive.",
    ),
    E.ACCESSION_INVALID: (
        "The cohort's number is empty, or has a wildcard or a backslash, which would match other people's studies.",
        "Correct it in the OMOP database and approve the project again.",
    ),
    E.INSTANCES_MISSING: (
        "The archive delivered another number of instances than it announced.",
        "It is tried again; if it stays, look at the study in the archive.",
    ),
    E.PULL_FAILED: (
        "The archive did not deliver the study, or not all of it.",
        "It is tried again. `flip-trust doctor` says whether the archive can be reached.",
    ),
    E.DICOM_INVALID: (
        "A file is damaged or cut short, is of another accession, or lacks what every image must have.",
        "Send the study to the archive again from where it came from.",
    ),
    E.DICOM_UNSUPPORTED: (
        "Pixels that cannot be read exactly: an unknown transfer syntax, colour, or an unusual bit layout.",
        "Ask the archive for another transfer syntax, or leave the series out by the project's series rule.",
    ),
    E.INSTANCES_DIFFER: (
        "Two different files carry the same SOP Instance UID.",
        "Correct it in the archive.",
    ),
    E.BURNED_IN_TEXT: (
        "The header says that there is text in the pixels, or text was read in them.",
        "Nothing: text in pixels may name a patient.",
    ),
    E.TEXT_CHECK_UNAVAILABLE: (
        "The pixels must be searched for text, and tesseract is not installed here.",
        "Install it (Debian: `apt-get install tesseract-ocr`); the study is then prepared again.",
    ),
    E.SECONDARY_CAPTURE: (
        "Only screen captures or saved reformats, which often show names.",
        "Nothing.",
    ),
    E.LOCALISER: ("Only localiser (scout) images.", "Nothing."),
    E.KIND_REFUSED: (
        "Only objects of a kind that is not taken because text is all over it: ultrasound, angiography, "
        "fluoroscopy, reports, documents, waveforms and others.",
        "Nothing.",
    ),
    E.NOT_SELECTED: (
        "There are image series, but none that the project's series rule selects.",
        "Widen the rule in the project.",
    ),
    E.TOO_FEW_SLICES: ("A single slice is no volume.", "Nothing."),
    E.NO_IMAGES: ("No image series that can be converted.", "Nothing."),
    E.SLICES_MISSING: (
        "Gaps of whole slices between the others.",
        "Send the missing slices to the archive.",
    ),
    E.SPACING_UNEVEN: (
        "The distance between slices varies, so there is no regular grid.",
        "Select another series by the project's series rule.",
    ),
    E.GANTRY_TILT: (
        "The slices are sheared against each other (tilted gantry): voxels would be at wrong places.",
        "Select another series by the project's series rule.",
    ),
    E.SLICES_DUPLICATED: (
        "Several different slices at one position, and nothing in the header to tell them apart.",
        "Select another series by the project's series rule.",
    ),
    E.GEOMETRY_INVALID: (
        "Position, orientation, pixel spacing or size is missing, or differs within the series.",
        "Select another series by the project's series rule.",
    ),
    E.CONVERSION_FAILED: ("dcm2niix failed, or made none or several files.", "Report it with the trust's log."),
    E.CONVERSION_DIFFERS: (
        "The converted volume is not, voxel by voxel and place by place, the DICOM one.",
        "Report it with the trust's log.",
    ),
    E.SEGMENTATION_MISMATCH: (
        "A DICOM SEG or RTSTRUCT does not lie on the grid of its image, or two claim the same image.",
        "Correct it in the archive, or add a label by `flip-trust enrich`.",
    ),
    E.INTERNAL_ERROR: ("A fault of the agent.", "It is tried again. Report it with the trust's log."),
}
