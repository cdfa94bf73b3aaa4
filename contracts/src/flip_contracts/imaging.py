"""Which image series of a study a project wants. Chosen by the researcher, applied by each trust on its own headers."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from flip_contracts.wire import Wire

Words = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Millimetres = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]


class SeriesRule(Wire):
    """Every condition must hold; an empty one always does. Without a rule every series that can be converted is taken.

    `description` and `not_description` are compared with the DICOM SeriesDescription at the trust, without case; `*`
    stands for any text, and the description itself never leaves. Thickness is SliceThickness in mm. `pick` then keeps
    one of those that are left.
    """

    modalities: Annotated[list[Literal["CT", "MR", "PT", "CR", "DX"]], Field(max_length=5)] = []
    description: Annotated[list[Words], Field(max_length=20)] = []
    not_description: Annotated[list[Words], Field(max_length=20)] = []
    planes: Annotated[list[Literal["axial", "coronal", "sagittal"]], Field(max_length=3)] = []
    min_thickness_mm: Millimetres | None = None
    max_thickness_mm: Millimetres | None = None
    min_slices: Annotated[int, Field(ge=1, le=100_000)] | None = None
    pick: Literal["all", "thinnest", "thickest", "most_slices"] = "all"

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.min_thickness_mm and self.max_thickness_mm and self.min_thickness_mm > self.max_thickness_mm:
            raise ValueError("min_thickness_mm is greater than max_thickness_mm, so no series could be taken")
        return self
