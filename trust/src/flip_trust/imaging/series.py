"""Series of a study: which of them the project wants, and which volumes each holds."""

import fnmatch
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydicom import Dataset

from flip_contracts.imaging import SeriesRule
from flip_trust.imaging.allowlist import VOLUME_NUMBERS
from flip_trust.imaging.deidentify import Instance
from flip_trust.imaging.errors import Exclusion, ImagingExcluded
from flip_trust.imaging.frames import first_frame
from flip_trust.imaging.kinds import Kind

_SAME_PLACE_MM: Final = 0.01
_OBLIQUE: Final = 0.8  # cosine: a slice is axial when its normal is within about 37 degrees of the body's axis


@dataclass
class RawSeries:
    """One image series as the archive holds it. Its description stays in memory."""

    uid: str
    kind: Kind
    files: list[Path]
    head: Dataset  # of one instance
    frames: int = 0

    @property
    def number(self) -> int:
        try:
            return int(self.head.get("SeriesNumber") or 0)
        except (TypeError, ValueError):
            return 0

    @property
    def modality(self) -> str:
        return str(self.head.get("Modality", "")).strip()

    @property
    def thickness(self) -> float | None:
        return _number(first_frame(self.head).get("SliceThickness"))

    @property
    def plane(self) -> str:
        try:
            orientation = np.asarray(first_frame(self.head).ImageOrientationPatient, float)
            normal = np.abs(np.cross(orientation[:3], orientation[3:]))
        except (AttributeError, ValueError, TypeError):
            return ""
        axis = int(normal.argmax())
        return ("sagittal", "coronal", "axial")[axis] if normal[axis] >= _OBLIQUE else ""


def selected(series: Iterable[RawSeries], rule: SeriesRule) -> list[RawSeries]:
    """Those that the rule takes, in the order of their numbers."""
    fitting = [one for one in series if _fits(one, rule)]
    fitting.sort(key=lambda one: (one.number, one.uid))
    if rule.pick == "all" or not fitting:
        return fitting
    if rule.pick == "most_slices":
        return [max(fitting, key=lambda one: one.frames)]
    known = [(one.thickness, place) for place, one in enumerate(fitting) if one.thickness is not None]
    if not known:
        return []
    wanted = min(known) if rule.pick == "thinnest" else max(known, key=lambda found: (found[0], -found[1]))
    return [fitting[wanted[1]]]


def _fits(one: RawSeries, rule: SeriesRule) -> bool:
    text = str(one.head.get("SeriesDescription", "")).strip().lower()
    thickness = one.thickness

    def says(patterns: Sequence[str]) -> bool:
        return any(fnmatch.fnmatchcase(text, f"*{_literal(pattern.lower())}*") for pattern in patterns)

    bounds = rule.min_thickness_mm or 0, rule.max_thickness_mm or float("inf")
    limited = rule.min_thickness_mm is not None or rule.max_thickness_mm is not None
    return (
        (not rule.modalities or one.modality in rule.modalities)
        and (not rule.description or says(rule.description))
        and not says(rule.not_description)
        and (not rule.planes or one.plane in rule.planes)
        and (not limited or (thickness is not None and bounds[0] <= thickness <= bounds[1]))
        and one.frames >= (rule.min_slices or 0)
    )


def _literal(pattern: str) -> str:
    """Only `*` is special in a rule."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def volumes(members: Sequence[Instance]) -> list[list[Instance]]:
    """The volumes of one series: slices of one grid, each position once. Raises ImagingExcluded.

    A slice that is there twice with the same pixels counts once. Echoes, b-values, phases, time points and the like
    are told apart by what the header says of them, never by a guess.
    """
    made: list[list[Instance]] = []
    for stack in _stacks(members):
        once = _without_repeats(stack)
        made.extend(_told_apart(once))
    return made


def _stacks(members: Sequence[Instance]) -> list[list[Instance]]:
    """By orientation and size. A lone slice that differs from the others is damage, not a stack."""
    stacks: dict[Any, list[Instance]] = defaultdict(list)
    try:
        for one in members:
            ds = one.dataset
            plane = tuple(round(float(v), 3) + 0.0 for v in ds.ImageOrientationPatient)
            stacks[plane, ds.Rows, ds.Columns, tuple(round(float(v), 4) for v in ds.PixelSpacing)].append(one)
    except (AttributeError, TypeError, ValueError):
        raise ImagingExcluded(Exclusion.GEOMETRY_INVALID) from None
    if len(stacks) > 1 and min(map(len, stacks.values())) < 2:
        raise ImagingExcluded(Exclusion.GEOMETRY_INVALID)
    return [stacks[key] for key in sorted(stacks, key=repr)]


def _without_repeats(stack: list[Instance]) -> list[Instance]:
    by_place: dict[Any, list[Instance]] = defaultdict(list)
    for one, place in zip(stack, _places(stack), strict=True):
        by_place[place].append(one)
    kept: list[Instance] = []
    for group in by_place.values():
        seen: set[Any] = set()
        for one in group:
            look = (_facts(one), hashlib.sha256(one.pixels().tobytes()).digest()) if len(group) > 1 else None
            if look is None or look not in seen:
                kept.append(one)
            seen.add(look)
    return kept


def _facts(one: Instance) -> tuple[str, ...]:
    """What may tell an image from another at the same place."""
    return (repr(one.dataset.get("ImageType")), *(repr(one.dataset.get(name)) for name in VOLUME_NUMBERS))


def _told_apart(stack: list[Instance]) -> list[list[Instance]]:
    places = _places(stack)
    if len(set(places)) == len(places):
        return [stack]
    facts = [_facts(one) for one in stack]
    columns = range(len(facts[0]))
    choices = [(c,) for c in columns] + [(a, b) for a in columns for b in columns if a < b] + [tuple(columns)]
    for choice in choices:
        groups: dict[Any, list[int]] = defaultdict(list)
        for index, fact in enumerate(facts):
            groups[tuple(fact[c] for c in choice)].append(index)
        if all(len({places[i] for i in group}) == len(group) > 1 for group in groups.values()):
            ordered = sorted(groups.values(), key=lambda group: min(_order(stack[i]) for i in group))
            return [[stack[i] for i in group] for group in ordered]
    raise ImagingExcluded(Exclusion.SLICES_DUPLICATED)


def _places(stack: Sequence[Instance]) -> list[tuple[int, ...]]:
    try:
        return [tuple(round(float(v) / _SAME_PLACE_MM) for v in one.dataset.ImagePositionPatient) for one in stack]
    except (AttributeError, TypeError, ValueError):
        raise ImagingExcluded(Exclusion.GEOMETRY_INVALID) from None


def _order(one: Instance) -> tuple[int, str]:
    return int(one.dataset.get("InstanceNumber") or 0), one.path.name


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
