"""Why a file is not taken. No text here holds an accession number or a file name."""

from typing import ClassVar

from flip_trust.errors import TrustError


class ResourceRefused(TrustError):
    code: ClassVar[str] = "resource_refused"
    status: ClassVar[int] = 422


class NameRefused(ResourceRefused):
    code = "resource_name_refused"


class NotAVolume(ResourceRefused):
    code = "resource_not_a_volume"


class NotALabel(ResourceRefused):
    code = "resource_not_a_label"


class OffGrid(ResourceRefused):
    code = "resource_off_grid"


class ImageUnclear(ResourceRefused):
    code = "resource_image_unclear"


class TooLarge(ResourceRefused):
    code, status = "resource_too_large", 413


class ResourceExists(ResourceRefused):
    code, status = "resource_exists", 409


class NotTakenFromApps(ResourceRefused):
    code, status = "resources_not_taken", 403


class FileMissing(ResourceRefused):
    code = "resource_file_missing"


class NotMatched(ResourceRefused):
    code = "resource_not_matched"


class TableRefused(ResourceRefused):
    code = "resource_table_refused"
