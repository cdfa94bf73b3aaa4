"""Counts that were told, and what they already say of a new one.

A new count that differs in fewer than `threshold` persons from one told before, or from the sum or difference of two,
is replaced by that. So whoever subtracts told counts never comes out at a small group; and since nobody and a few are
replaced alike, that a count was replaced tells nothing either.
"""

import numpy as np

from flip_trust.disclosure.tally import BUCKETS, Tally

SUMS_OVER_LAST = 4_000  # told counts that are paired with each other; beyond, only single ones are compared
_AT_ONCE = 4_096
_MIXERS = np.random.default_rng(20_260_101).integers(1, 2**62, BUCKETS, dtype=np.int64) | 1


class Told:
    """In the order of telling. `threshold` up to 256."""

    def __init__(self, threshold: int):
        self._threshold = threshold
        # With fewer than `threshold` persons between two counts, one of as many groups of buckets is equal in both.
        self._groups = min(BUCKETS, 1 << (threshold - 1).bit_length())
        self._counts: list[tuple[int, str]] = []
        self._room = np.zeros((64, BUCKETS), np.int64)
        self._marks_room = np.zeros((64, self._groups), np.int64)

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, tally: Tally) -> None:
        n = len(self)
        if n == len(self._room):
            self._room = np.concatenate([self._room, np.zeros_like(self._room)])
            self._marks_room = np.concatenate([self._marks_room, np.zeros_like(self._marks_room)])
        self._room[n], self._marks_room[n] = tally.sketch, self._marks(tally.sketch)
        self._counts.append((tally.count, tally.origin))

    def known_or_new(self, tally: Tally) -> Tally:
        """What earlier counts say of this one, or else itself, which is then told."""
        known = self.instead_of(tally)
        if known is None:
            self.add(tally)
        return known or tally

    def since(self, length: int) -> list[Tally]:
        return [self._tally(place) for place in range(length, len(self))]

    def cut(self, length: int) -> None:
        """Forget what was added since there were `length`."""
        del self._counts[length:]

    def _marks(self, sketch: np.ndarray) -> np.ndarray:
        """One number per group of buckets, as linear as the sketch (modulo 2^64)."""
        return (sketch * _MIXERS).reshape(self._groups, -1).sum(axis=1)

    def _tally(self, place: int) -> Tally:
        count, origin = self._counts[place]
        return Tally(count, self._room[place].copy(), origin)

    def instead_of(self, tally: Tally) -> Tally | None:
        """The earliest told count, or sum or difference of two, that is fewer than `threshold` persons away."""
        marks = self._marks(tally.sketch)
        same = np.flatnonzero((self._marks_room[: len(self)] == marks).any(axis=1))
        for place in same.tolist():
            if (tally - self._tally(place)).persons_at_least < self._threshold:
                return self._tally(place)
        return self._combined(tally, marks)

    def _combined(self, tally: Tally, marks: np.ndarray) -> Tally | None:
        first = max(0, len(self) - SUMS_OVER_LAST)
        told = self._marks_room[first : len(self)]
        if len(told) < 2:
            return None
        found: list[np.ndarray] = []
        for group in range(min(self._threshold, self._groups)):
            column = told[:, group]
            order = np.argsort(column, kind="stable")
            for sign, wanted in ((1, marks[group] - column), (-1, column - marks[group])):
                left, right = (np.searchsorted(column[order], wanted, side) for side in ("left", "right"))
                matches = right - left
                one = np.repeat(np.arange(len(told)), matches)
                within = np.arange(len(one)) - np.repeat(np.cumsum(matches) - matches, matches)
                other = order[np.repeat(left, matches) + within]
                found.append(np.stack([one, other, np.full(len(one), sign)], axis=1))
        pairs = np.unique(np.concatenate(found), axis=0)  # in the order of telling
        for at in range(0, len(pairs), _AT_ONCE):
            one, other, sign = pairs[at : at + _AT_ONCE].T
            rest = tally.sketch - self._room[first + one] - sign[:, None] * self._room[first + other]
            close = np.flatnonzero((np.count_nonzero(rest, axis=1) < self._threshold) & (one != other))
            if len(close):
                i, j = int(first + one[close[0]]), int(first + other[close[0]])
                return self._tally(i) + self._tally(j) if sign[close[0]] > 0 else self._tally(i) - self._tally(j)
        return None
