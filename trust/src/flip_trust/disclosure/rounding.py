"""Fixed random rounding: up or down with the right odds, but always the same way for the same persons.

Rounding to the nearest step falls to a sweep: add known persons one at a time and see when the count jumps. Here the
jump comes at a place that only the trust's key knows, and asking again gives the same answer, so nothing averages out.
"""

import hmac

from flip_trust.disclosure.tally import Tally


def rounded(tally: Tally, step: int, key: bytes) -> int:
    """A multiple of `step`, less than `step` away, right on average over keys; never 0 for a count above 0."""
    return _rounded(tally.count, step, tally.digest(key))


def rounded_number(count: int, step: int, key: bytes, name: str) -> int:
    """The same for a count that is known by its name only."""
    return _rounded(count, step, hmac.digest(key, name.encode(), "sha256"))


def _rounded(count: int, step: int, digest: bytes) -> int:
    down, rest = divmod(count, step)
    up = int.from_bytes(digest[:8], "big") < rest * 2**64 // step
    return max(down + up, min(count, 1)) * step
