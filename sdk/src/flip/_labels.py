"""Names of charts and axes in the form that the platform accepts."""

from __future__ import annotations

import re
from typing import Final

MAX_LABEL: Final = 64
ROUND_AXIS: Final = "round"
_OTHER: Final = re.compile(r"[^A-Za-z0-9_.@/-]")


def accepted_label(given: str) -> str:
    """At most 64 of letters, digits and `_ . @ / -`, beginning with a letter, as a trust lets it out."""
    label = _OTHER.sub("_", str(given))[:MAX_LABEL]
    return label if label and label[0].isalpha() else f"M{label}"[:MAX_LABEL]


def accepted_axis(given: str | None) -> str:
    """The name of an x axis, at most 64 characters; `round` where none is given."""
    return str(given or ROUND_AXIS)[:MAX_LABEL]
