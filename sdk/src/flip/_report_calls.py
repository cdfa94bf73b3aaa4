"""The calls of both sides: metrics and handled exceptions."""

from __future__ import annotations

import logging
import math
import os
from collections import Counter
from pathlib import Path
from typing import Any, Final, SupportsFloat

from flip import _local, _metrics, _transport, protocol
from flip._calls import now, path_of
from flip._environment import Mode, current_environment
from flip._labels import accepted_axis, accepted_label
from flip.errors import FlipError

log = logging.getLogger("flip")

_FLUSH_SECONDS: Final = 10.0
_MAX_NAME: Final = 128
_MAX_ROUND: Final = 2**31 - 1  # the hub keeps rounds as 32-bit integers


class ReportCalls:
    """Part of `FLIP`."""

    def send_metrics(
        self,
        client_name: str | None,
        model_id: str | None,
        label: str,
        value: SupportsFloat,
        round: int | None = None,
        *,
        global_round: int | None = None,
        x_value: float | None = None,
        x_label: str | None = None,
    ) -> None:
        """Show a value on the model's chart. Returns at once; a background thread sends it.

        Points travel in batches, are sent again until they are taken, and count once. What waits is sent at the
        end of each handler and of the process; `flush()` sends it now.

        Parameters
        ----------
        client_name : `os.getenv("SUPERNODE_NAME")`. A note only: the platform knows which trust is speaking.
        model_id : the run config's `flip-model-id`; the run knows its model.
        label : stable upper-case name, such as TRAIN_LOSS, VAL_LOSS, VAL_DICE. At most 64 letters, digits and
            `_ . @ / -`; anything else is replaced by `_`, with a warning.
        value : a finite number; NaN and infinities are refused with a warning and do not stop the training.
        round, global_round : where on the x axis, from 0; two names for the same thing.
        x_value, x_label : another x axis and the place on it, such as an epoch or a learning rate. Points of one
            label on two axes are two charts.
        """
        at_round = _round(round if round is not None else global_round)
        number, x_number = _finite(value), None if x_value is None else _finite(x_value)
        if number is None or at_round is None or (x_value is not None and x_number is None):
            log.warning(
                "a metric was not sent: its value or x_value is not a finite number, "
                "or its round is not a whole number from 0"
            )
            return
        name, axis = _label(label), accepted_axis(x_label)
        point = protocol.MetricPoint(
            id=_new_id(name, at_round, axis, x_number),
            label=name,
            value=number,
            round=at_round,
            at=now(),
            x_label=axis,
            x_value=x_number,
            client_name=str(client_name or "")[:_MAX_NAME],
        )
        _metrics.record(point.label, point.x_label, float(at_round) if x_number is None else x_number)
        env = current_environment()
        if env.mode is Mode.LOCAL:
            log.info("%s %s = %.6g (round %d)", point.client_name, point.label, point.value, point.round)
            _local.report("metrics", {**point.to_json(), "model_id": model_id})
            return
        _metrics.queue_for(env.platform(), path_of(env, "metrics")).put(point)

    def send_handled_exception(
        self,
        exception: BaseException | str,
        client_name: str | None = None,
        model_id: str | None = None,
    ) -> None:
        """Report a failure that the app got over. Never raises because the platform is away.

        Parameters
        ----------
        exception : what was caught, or a text. A trust may shorten the text, or keep it to itself.
        client_name, model_id : accepted for apps written for other versions; the platform knows both.
        """
        del client_name, model_id
        name = "HandledException" if isinstance(exception, str) else type(exception).__name__
        body = protocol.ExceptionBody(name, str(exception)[: protocol.MAX_EXCEPTION_TEXT])
        env = current_environment()
        if env.mode is Mode.LOCAL:
            log.warning("handled exception: %s", name)
            _local.report("exceptions", {"at": now(), **body.to_json()})
            return
        try:
            _transport.request(env.platform(), "POST", path_of(env, "exceptions"), body=body.to_json(), pauses=(0.2,))
        except FlipError as exc:
            log.warning("a handled exception could not be reported: %s", exc.code)

    def flush(self, timeout: float = _FLUSH_SECONDS) -> bool:
        """Send the metrics that wait in the background, now.

        Parameters
        ----------
        timeout : seconds to wait at most.

        Returns
        -------
        False if some still wait; they are tried again in the background. Nothing to do in local mode: True.
        """
        return _metrics.flush_all(timeout)

    def cleanup(self, path: str | Path | None = None) -> None:
        """Finish: send what waits. Images need no cleaning up; they are the trust's cache.

        Parameters
        ----------
        path : accepted for apps written for other versions; nothing is deleted.
        """
        del path
        self.flush()


_sent: Counter[tuple[str, ...]] = Counter()


def _new_id(*place: object) -> str:
    """Where the platform names the work that this process does, a repeat of it after a crash sends the same ids again,
    and each of its points counts once: the nth of a label at a place is the same point."""
    import uuid  # not at the top: it brings more along than it is worth to an app that sends no metrics

    turn = os.environ.get(protocol.ENV_TURN)
    if not turn:
        return str(uuid.uuid4())
    key = (turn, *map(str, place))
    _sent[key] += 1
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "\x1f".join((*key, str(_sent[key])))))


def _finite(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # RuntimeError: a torch tensor of several elements
        return None
    return number if math.isfinite(number) else None


def _round(given: Any) -> int | None:
    number = 0.0 if given is None else _finite(given)
    return int(number) if number is not None and number.is_integer() and 0 <= number <= _MAX_ROUND else None


def _label(given: str) -> str:
    """A label the platform accepts. Repaired with a warning: a chart's name must not end a training."""
    label = accepted_label(given)
    if label != given:
        log.warning("a metric label was changed to %s: use letters, digits and _ . @ / -", label)
    return label
