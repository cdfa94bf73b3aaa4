"""One range of bytes of a download (RFC 9110). Several ranges, or a malformed one, are answered with the whole."""

import re
from dataclasses import dataclass

from flip_hub.errors import HubError


class RangeInvalid(HubError):
    code, status = "range_invalid", 416
    public = "The results are not so long. Ask for them without a Range."


@dataclass(frozen=True)
class Span:
    """`first` and `last` byte, both included."""

    first: int
    last: int
    partial: bool

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def span_of(wanted: str, if_range: str, etag: str, size: int) -> Span:
    whole = Span(0, size - 1, False)
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", wanted)
    if not found or if_range not in ("", etag) or not (found[1] or found[2]):
        return whole
    if not found[1]:  # the last N bytes
        if int(found[2]) == 0:
            raise RangeInvalid(size_bytes=size)
        return Span(max(0, size - int(found[2])), size - 1, True)
    first = int(found[1])
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    if found[2] and int(found[2]) < first:
        return whole
    if first >= size:
        raise RangeInvalid(size_bytes=size)
    return Span(first, last, True)
