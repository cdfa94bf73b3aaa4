"""How a project's studies are prepared: what it wants, and what the trust allows."""

from dataclasses import dataclass, field
from enum import StrEnum

from flip_contracts.imaging import SeriesRule


class Dates(StrEnum):
    """What becomes of dates. Times of day are always dropped."""

    DROP = "drop"
    SHIFT = "shift"  # by a number of days of their own for each person and project


class TextCheck(StrEnum):
    """When pixels are searched for text."""

    AUTO = "auto"  # radiographs, PET and derived images always; other series where something looks drawn
    ALWAYS = "always"


@dataclass(frozen=True)
class StudyPlan:
    """What a project wants of its studies (rule, nifti) and what the trust allows (the rest)."""

    rule: SeriesRule = field(default_factory=SeriesRule)
    nifti: bool = True
    keep_dicom: bool = True
    dates: Dates = Dates.DROP
    text_check: TextCheck = TextCheck.AUTO
