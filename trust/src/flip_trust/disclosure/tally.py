"""A count together with whom it counts, as a linear sketch: 256 sums of pseudo-random weights of the persons.

Sketches add and subtract as the counts do, so `a - b` tells how many persons two counts differ by, and `a + b - c`
whom a sum of counts leaves over, without a list of persons. Two counts that differ in fewer than n persons differ in
fewer than n buckets; the other way round buckets may collide, which errs on the careful side.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

BUCKETS = 256
# Cubic polynomials over two prime fields: any four persons are independent, and products stay within 63 bits.
_WEIGHT_PRIME, _BUCKET_PRIME = 2_147_483_647, 2_147_483_629
_WEIGHTS = (1_204_965_331, 742_938_285, 1_633_218_577, 95_187_966)
_SLOTS = (1_899_447_441, 266_716_099, 987_654_323, 1_442_695_041)


def _polynomial(x: str, prime: int, coefficients: tuple[int, ...]) -> str:
    first, *others = coefficients
    text = str(first)
    for coefficient in others:
        text = f"(({text} * ({x} % {prime}) + {coefficient}) % {prime})"
    return text


def bucket_sql(person: str) -> str:
    """PostgreSQL expression: the bucket of a person, 0 to 255. `person` is a bigint expression, not negative."""
    return f"({_polynomial(person, _BUCKET_PRIME, _SLOTS)} % {BUCKETS})"


def weight_sql(person: str) -> str:
    return _polynomial(person, _WEIGHT_PRIME, _WEIGHTS)


@dataclass(frozen=True, eq=False)
class Tally:
    """`count` of persons, studies or rows; `sketch`: int64[256], the sum of the weights of those counted.

    `origin`: the project that it was counted for first. A sum or difference has that of its first part.
    """

    count: int
    sketch: np.ndarray
    origin: str = ""

    @classmethod
    def of(cls, parts: Iterable[tuple[int, int, int]], origin: str = "") -> Self:
        """From (bucket, count, sum of weights), as an engine tells them."""
        sketch, total = np.zeros(BUCKETS, np.int64), 0
        for bucket, count, weight in parts:
            sketch[bucket] += weight
            total += count
        return cls(total, sketch, origin)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.count + other.count, self.sketch + other.sketch, self.origin)

    def __sub__(self, other: "Tally") -> "Tally":
        return Tally(self.count - other.count, self.sketch - other.sketch, self.origin)

    @property
    def persons_at_least(self) -> int:
        """How many persons count here, after what cancels out; never more than there are."""
        return int(np.count_nonzero(self.sketch))

    def digest(self, key: bytes) -> bytes:
        """Names the persons counted (and how often each) in that project, for this trust's key.

        Not in all projects alike: two that get the same number for two cohorts would know them to be the same.
        """
        counted = self.count.to_bytes(8, "big", signed=True) + self.sketch.tobytes()
        return hmac.digest(key, counted + self.origin.encode(), "sha256")


def total(tallies: Iterable[Tally]) -> Tally:
    found: Any = Tally(0, np.zeros(BUCKETS, np.int64))
    for tally in tallies:
        found = found + tally
    return found
