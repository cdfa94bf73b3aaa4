"""A run's story as a page draws it: phases, each trust's way, each round. Pure: composed from its events when read."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from pydantic import BaseModel

PHASES: Final = {"queued": "queued", "starting": "starting", "running": "running", "finalising": "finalising"}
TRUST_MOMENTS: Final = {
    "trust_joined": "joined_at",
    "trust_online": "online_at",
    "trust_refused": "left_at",
    "trust_lost": "left_at",
    "trust_left": "left_at",
}
MAX_ERRORS: Final = 50  # of one trust; a ClientApp that fails in every round says the same each time


class Happened(Protocol):
    at: Any
    kind: Any
    payload: Any


class PhaseRead(BaseModel):
    """`queued`, `starting`, `running`, `finalising`, `done`. `until` is null while it lasts."""

    name: str
    at: datetime
    until: datetime | None


class ClientErrorRead(BaseModel):
    """What leaves a trust of a ClientApp's failure: its class, and a text without anything of a patient."""

    at: datetime
    error_class: str
    text: str


class TrustWayRead(BaseModel):
    """`outcome` says why it is no longer part of the run; empty while it is."""

    trust: str
    joined_at: datetime | None = None
    online_at: datetime | None = None
    left_at: datetime | None = None
    outcome: str = ""
    errors: list[ClientErrorRead] = []


class ExchangeRead(BaseModel):
    """One message to one trust and its reply. `seconds` includes the way; `computed_seconds` is the ClientApp alone."""

    trust: str
    phase: str
    sent_at: datetime
    replied_at: datetime | None
    seconds: float | None
    computed_seconds: float | None = None
    sent_bytes: int
    reply_bytes: int
    error: str


class AggregatedRead(BaseModel):
    phase: str
    at: datetime
    results: int
    failures: int
    errors: list[str]


class RoundWayRead(BaseModel):
    """`trusts` is empty where the net told nothing of single trusts."""

    round: int
    sent_at: datetime | None = None
    nodes: int | None = None
    aggregated: list[AggregatedRead] = []
    trusts: list[ExchangeRead] = []


class TimelineRead(BaseModel):
    phases: list[PhaseRead]
    trusts: list[TrustWayRead]
    rounds: list[RoundWayRead]


def compose(events: Iterable[Happened], trusts: Sequence[str]) -> TimelineRead:
    """`events` in their order; `trusts`: those that were asked."""
    ways = {trust: TrustWayRead(trust=trust) for trust in trusts}
    rounds: dict[int, RoundWayRead] = {}
    phases: list[PhaseRead] = []
    computed: dict[tuple[str, str, int], float] = {}
    for event in events:
        _phase(phases, event)
        if (way := ways.get(str(event.payload.get("trust")))) is not None:
            _trust(way, event, computed)
        if event.kind == "attempt":  # what was under way is done again
            rounds = {number: row for number, row in rounds.items() if number <= event.payload["after_round"]}
        _round(rounds, event)
    _with_computed(rounds, computed)
    return TimelineRead(
        phases=phases, trusts=[ways[t] for t in sorted(ways)], rounds=[rounds[n] for n in sorted(rounds)]
    )


def _phase(phases: list[PhaseRead], event: Happened) -> None:
    name = "done" if event.kind == "ended" else PHASES.get(event.kind)
    if name is None or any(phase.name == name for phase in phases):
        return
    if phases:
        phases[-1].until = event.at
    phases.append(PhaseRead(name=name, at=event.at, until=event.at if name == "done" else None))


def _trust(way: TrustWayRead, event: Happened, computed: dict[tuple[str, str, int], float]) -> None:
    payload = event.payload
    if field := TRUST_MOMENTS.get(event.kind):
        setattr(way, field, event.at)
        if field == "left_at":
            way.outcome = str(payload.get("text") or event.kind)
    elif event.kind in ("node_client_failed", "node_refused") and len(way.errors) < MAX_ERRORS:
        error = ClientErrorRead(
            at=event.at,
            error_class=str(payload.get("error_class") or payload.get("code") or ""),
            text=str(payload.get("text") or ""),
        )
        way.errors.append(error)
    elif event.kind == "node_client_done" and isinstance(payload.get("turn"), int | float):
        computed[way.trust, str(payload.get("code")), int(payload["turn"])] = float(payload.get("seconds") or 0)


def _round(rounds: dict[int, RoundWayRead], event: Happened) -> None:
    payload = event.payload
    if event.kind == "round_sent":
        row = rounds.setdefault(payload["round"], RoundWayRead(round=payload["round"]))
        row.sent_at, row.nodes = event.at, payload.get("nodes")
    elif event.kind == "round_done":
        row = rounds.setdefault(payload["round"], RoundWayRead(round=payload["round"]))
        facts = {key: payload.get(key, 0) for key in ("results", "failures")}
        errors = [str(error) for error in payload.get("errors", [])]
        row.aggregated.append(AggregatedRead(phase=payload["phase"], at=event.at, errors=errors, **facts))
    elif event.kind == "exchanges":
        for exchange in payload.get("trusts", []):
            row = rounds.setdefault(exchange["round"], RoundWayRead(round=exchange["round"]))
            row.trusts.append(_exchange(exchange))


def _exchange(told: dict[str, Any]) -> ExchangeRead:
    sent, replied = told["queued_at"], told.get("replied_at")
    return ExchangeRead(
        trust=told["trust"],
        phase=told["phase"],
        sent_at=_moment(sent),
        replied_at=None if replied is None else _moment(replied),
        seconds=None if replied is None else round(replied - sent, 3),
        sent_bytes=told.get("sent_bytes", 0),
        reply_bytes=told.get("reply_bytes", 0),
        error=told.get("error", ""),
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _with_computed(rounds: dict[int, RoundWayRead], computed: dict[tuple[str, str, int], float]) -> None:
    """A trust counts the messages of each kind; so do we, in the order of the rounds."""
    turns: dict[tuple[str, str], int] = {}
    for number in sorted(rounds):
        for exchange in rounds[number].trusts:
            key = (exchange.trust, exchange.phase)
            turns[key] = turns.get(key, 0) + 1
            exchange.computed_seconds = computed.get((*key, turns[key]))
