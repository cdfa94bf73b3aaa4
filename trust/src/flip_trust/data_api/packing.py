"""A cohort as columns of plain bytes (`flip.protocol.PackedCohort`): packed once, at approval, and sent as it lies."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from flip.protocol import ColumnType, PackedCohort, PackedColumn

FEW_WORDS = 0.5  # of the rows: with fewer distinct texts, each is sent once


def packed(columns: Sequence[tuple[str, str]], rows: list[list[Any]]) -> bytes:
    """The JSON body. Values are as an engine gives them: ready for JSON, dates as ISO 8601 text."""
    by_column = list(zip(*rows, strict=True)) or [()] * len(columns)
    made = tuple(
        _column(name, ColumnType(kind), values) for (name, kind), values in zip(columns, by_column, strict=True)
    )
    return json.dumps(PackedCohort(len(rows), made).to_json(), separators=(",", ":"), ensure_ascii=False).encode()


def _column(name: str, kind: ColumnType, values: Sequence[Any]) -> PackedColumn:
    missing = np.fromiter((v is None for v in values), bool, len(values))
    bits = _text(np.packbits(missing)) if missing.any() else ""
    match kind:
        case ColumnType.INT64:
            return PackedColumn(name, kind, _numbers(values, "<i8", 0), missing=bits)
        case ColumnType.FLOAT64:
            return PackedColumn(name, kind, _numbers(values, "<f8", 0.0), missing=bits)
        case ColumnType.BOOLEAN:
            return PackedColumn(name, kind, _numbers(values, "u1", False), missing=bits)
        case ColumnType.DATE | ColumnType.TIMESTAMP:
            times = _times(values)
            return PackedColumn(name, kind, list(values) if times is None else times, missing=bits)
        case ColumnType.STRING:
            words = {word: number for number, word in enumerate(dict.fromkeys(v for v in values if v is not None))}
            if len(words) > FEW_WORDS * len(values):
                return PackedColumn(name, kind, list(values), missing=bits)
            return PackedColumn(
                name,
                kind,
                _text(np.fromiter((words.get(v, -1) for v in values), "<i4", len(values))),
                list(words),
                bits,
            )


def _numbers(values: Sequence[Any], kind: str, missing: Any) -> str:
    return _text(np.array([missing if v is None else v for v in values], kind))


def _times(values: Sequence[str | None]) -> str | None:
    """Microseconds, or None where a time has a zone or is no plain ISO text."""
    if any(v is not None and (v.endswith("Z") or "+" in v or v.count("-") != 2) for v in values):
        return None
    try:
        return _text(np.array(["NaT" if v is None else v for v in values], "<M8[us]"))
    except ValueError:
        return None


def _text(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()
