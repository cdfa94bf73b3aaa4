"""Values and types of a cohort as the rest of the trust knows them, whichever engine they come from."""

import datetime as dt
import decimal
import math
from typing import Any


def plain(value: Any) -> Any:
    """Ready for JSON."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | decimal.Decimal):
        number = float(value)
        return number if math.isfinite(number) else None  # JSON has no infinity
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return str(value)
