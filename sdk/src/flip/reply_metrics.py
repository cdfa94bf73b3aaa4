"""Charts from a ClientApp's reply, for apps that report through their `MetricRecord` alone.

A numeric entry of the reply's metrics becomes a point of that trust. Its key says where it goes:

    <label>[@<x_label>][.x_<V>]

    train_loss            TRAIN_LOSS at the server's round
    val_dice@epoch.x_12   VAL_DICE at 12 on the axis "epoch"
    val_dice.x_3          VAL_DICE at 3 on the axis "round"
    lr@epoch              LR at the server's round, on the axis "epoch"

Labels are put in upper case; axis names stay as written. `V` is a decimal number (`12`, `-0.5`, `1e-3`).
What does not fit the grammar is all label: `loss.x_last` is LOSS.X_LAST.

What is left out, and why:

- `num-examples` and `num-iterations`: weights for the aggregation, not results; `norm_bit`, which Flower's adaptive
  clipping adds: one client's answer before noise, for the strategy alone.
- lists: the name says nothing of what their items stand for (classes, batches, layers), so they have no place on
  an axis. Give each item a key of its own, such as `dice_liver`.
- NaN and infinities, as in `send_metrics`; truth values and anything that is not a number.
- what the app has sent itself in the same message. An entry with `.x_V`, or on another axis than "round", is
  compared by label, axis and x. An entry without `.x_V` on the axis "round" is left out as soon as the app has
  sent its label on that axis at any x: an app that counts its rounds by local epochs (round 7 of the chart in
  round 3 of the server) reports the same value in both ways, and it must not come back at the server's round.
- a second entry for the same label, axis and x.
"""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Final

from flip import protocol
from flip._labels import ROUND_AXIS, accepted_axis, accepted_label
from flip._recording import recording
from flip.client import FLIP

__all__ = ["ReplyPoint", "forward", "points_of_reply", "recording"]

log = logging.getLogger("flip")

_NOT_RESULTS: Final = frozenset({"num-examples", "num-iterations", "norm_bit"})
_AT: Final = re.compile(r"\.x_(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$")


@dataclass(frozen=True, slots=True)
class ReplyPoint:
    """One value of a reply, as `send_metrics` takes it. `x_value` None: the point is at `round`."""

    label: str
    value: float
    round: int
    x_label: str
    x_value: float | None

    @property
    def x(self) -> float:
        return float(self.round) if self.x_value is None else self.x_value


def points_of_reply(
    metrics: Mapping[str, object],
    server_round: int,
    already_sent: Collection[tuple[str, str, float]] = (),
) -> list[ReplyPoint]:
    """The points that a reply's metrics stand for, without those that the app has sent itself.

    Parameters
    ----------
    metrics : the entries of the reply's `MetricRecord`: numbers, or lists of numbers.
    server_round : of the message that is answered, from 1.
    already_sent : (label, x_label, x) of each `send_metrics` since the handler began; see `recording`.

    Returns
    -------
    In the order of `metrics`; empty where nothing is to be charted. Never raises for what a key or value holds.
    """
    sent = {(label.upper(), x_label, float(x)) for label, x_label, x in already_sent}
    sent_at_rounds = {label for label, x_label, _ in sent if x_label == ROUND_AXIS}
    points: list[ReplyPoint] = []
    not_finite = lists = 0
    for key, value in metrics.items():
        if key in _NOT_RESULTS:
            continue
        if isinstance(value, list | tuple):
            lists += 1
            continue
        if isinstance(value, bool) or not isinstance(value, Real):
            continue
        number = _finite(value)
        if number is None:
            not_finite += 1
            continue
        label, x_label, x_value = parse_key(key)
        point = ReplyPoint(label, number, server_round, x_label, x_value)
        if x_value is None and x_label == ROUND_AXIS and label in sent_at_rounds:
            continue
        if (label, x_label, point.x) in sent:
            continue
        sent.add((label, x_label, point.x))
        points.append(point)
    if not_finite:
        log.warning("%d entries of a reply were not charted: they are not finite numbers", not_finite)
    if lists:
        log.info("%d lists of a reply were not charted: give each item a key of its own", lists)
    return points


def parse_key(key: str) -> tuple[str, str, float | None]:
    """(LABEL, x_label, x or None) of `<label>[@<x_label>][.x_<V>]`."""
    name, x_value = key, None
    if (at := _AT.search(key)) and at.start() > 0:
        number = float(at[1])
        if math.isfinite(number):  # 1e999 is no place on an axis
            name, x_value = key[: at.start()], number
    label, _, x_label = name.partition("@")
    if not label or ("@" in name and not x_label):
        label, x_label = name, ""
    return accepted_label(label).upper(), accepted_axis(x_label), x_value


def forward(
    metrics: Mapping[str, object],
    server_round: int,
    recorded: Collection[tuple[str, str, float]] = (),
    *,
    client_name: str | None = None,
    model_id: str | None = None,
) -> int:
    """Put the points of one reply through `FLIP().send_metrics`. Called at the end of each message.

    Parameters
    ----------
    metrics, server_round, recorded : as in `points_of_reply`.
    client_name : the trust's name; `SUPERNODE_NAME` where none is given.
    model_id : the model; `FLIP_MODEL_ID` where none is given.

    Returns
    -------
    How many points were put. Does not wait for the network; flush afterwards as for the app's own metrics.
    """
    points = points_of_reply(metrics, server_round, recorded)
    name = client_name if client_name is not None else os.environ.get(protocol.ENV_SUPERNODE_NAME, "")
    model = model_id if model_id is not None else os.environ.get(protocol.ENV_MODEL_ID, "")
    flip = FLIP()
    for point in points:
        flip.send_metrics(
            name,
            model,
            label=point.label,
            value=point.value,
            round=point.round,
            x_value=point.x_value,
            x_label=point.x_label,
        )
    return len(points)


def _finite(value: Real) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):  # an integer beyond 1e308
        return None
    return number if math.isfinite(number) else None
