"""Follow a net's events: each is applied together with the cursor, so a restart repeats and loses nothing."""

import asyncio
import contextlib
import logging
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DataError, SQLAlchemyError
from sqlalchemy.orm import Session

from flip_contracts.fl_api import EventKind, FlEvent
from flip_contracts.messages import MetricPoint
from flip_contracts.statuses import TERMINAL_RUN_STATES, ModelStatus, RunReason, RunState
from flip_hub.db import Database, now
from flip_hub.events import notify
from flip_hub.flower.port import FlPort, FlUnavailable
from flip_hub.live.service import emit
from flip_hub.metrics.service import store
from flip_hub.models.service import advance
from flip_hub.models.tables import Model
from flip_hub.nets.tables import NetRow
from flip_hub.runs.service import add_event
from flip_hub.runs.tables import Run, RunLogLine, RunRound

log = logging.getLogger(__name__)
WAIT_SECONDS = 20.0
NET_SILENT = "The net does not answer now. The run goes on by itself when it is back."
LIVE_LINES = 100  # of one moment; a page that shows the whole log reads the others from it


async def follow_net(database: Database, net_id: UUID, fl: FlPort) -> None:
    back_off, silent = 0.5, False
    while True:
        try:
            await asyncio.to_thread(follow_once, database, net_id, fl, 0 if silent else WAIT_SECONDS)
            if silent:
                await asyncio.to_thread(tell_silence, database, net_id, False)
            back_off, silent = 0.5, False
        except FlUnavailable:
            if not silent:
                with contextlib.suppress(SQLAlchemyError):
                    await asyncio.to_thread(tell_silence, database, net_id, True)
                    silent = True
            await asyncio.sleep(back_off)
            back_off = min(back_off * 2, 2)
        except Exception:  # the follower must outlive any one bad event; the event is tried again
            log.exception("following a net failed")
            await asyncio.sleep(2)


def tell_silence(database: Database, net_id: UUID, silent: bool) -> None:
    """Whoever looks at a run of this net should know at once that nothing can be heard of it now."""
    with database.session() as session:
        runs = session.scalars(
            select(Run).where(Run.net_id == net_id, Run.state.in_((RunState.STARTING, RunState.RUNNING)))
        )
        for run in runs:
            if silent and run.reason_code != RunReason.NET_SILENT:
                run.reason_code, run.reason_text = RunReason.NET_SILENT, NET_SILENT
                add_event(session, run.id, "net_silent")
            elif not silent and run.reason_code == RunReason.NET_SILENT:
                run.reason_code = "" if run.state == RunState.RUNNING else RunReason.WAITING_FOR_TRUSTS
                run.reason_text = ""
                add_event(session, run.id, "net_back")


def follow_once(database: Database, net_id: UUID, fl: FlPort, wait_seconds: float) -> None:
    with database.session() as session:
        after = session.get_one(NetRow, net_id).event_cursor
    page = fl.events(after, wait_seconds)
    with database.session() as session:
        net = session.get_one(NetRow, net_id, with_for_update=True)
        net.last_seen_at = now()
        if net.event_cursor != after:  # another hub process was faster
            return
        for event in page.events:
            try:
                with session.begin_nested():
                    apply(session, event)
            except (DataError, ValidationError, KeyError, ValueError):
                # Written by a stranger's app: it must not stop the events of others. Its end is told all the same.
                log.warning(
                    "event %d (%s) of run %s cannot be stored and is left out", event.seq, event.kind, event.run_id
                )
        net.event_cursor = page.next_after


def apply(session: Session, event: FlEvent) -> None:
    run = session.get(Run, event.run_id, with_for_update=True)
    if run is None or run.state in TERMINAL_RUN_STATES:
        return
    run.progress_at = now()
    event = event.model_copy(update={"payload": _clean(event.payload)})
    payload = event.payload
    match event.kind:
        case EventKind.RUN_STARTED:
            add_event(session, run.id, "server_app_started")
        case EventKind.APP_STATUS:
            _app_status(session, run, ModelStatus(payload["status"]))
        case EventKind.METRIC:
            store(session, run.id, None, [MetricPoint.model_validate(p) for p in payload["points"]])
        case EventKind.TRAIN_SENT:
            model = session.get_one(Model, run.model_id, with_for_update=True)
            advance(session, model, run.id, ModelStatus.TRAINING_STARTED, "platform")
            add_event(session, run.id, "round_sent", **payload)
        case EventKind.ROUND_DONE:
            _round_done(session, run, event)
        case EventKind.EXCHANGES:
            add_event(session, run.id, "exchanges", **payload)
        case EventKind.LOG:
            rows = [{"run_id": run.id, "at": event.at, "text": line} for line in payload["lines"]]
            session.execute(insert(RunLogLine), rows)
            shown = payload["lines"][-LIVE_LINES:]
            facts = {"lines": shown, "left_out": len(rows) - len(shown)}
            emit(session, "log", [f"run:{run.id}"], facts, run_id=run.id)
        case EventKind.ATTEMPT:
            run.reason_text = _attempt(payload)
            add_event(session, run.id, "attempt", **payload, text=run.reason_text)
        case EventKind.NOTICE:
            add_event(session, run.id, "notice", **payload)
        case EventKind.APP_EXCEPTION:
            add_event(session, run.id, "server_app_exception", **payload)
        case EventKind.RUN_FINISHED:
            run.finished_on_net = payload
            notify(session, "runs")


def _attempt(told: dict[str, Any]) -> str:
    """`Resumed after round 3. The ServerApp's process was ended by signal 9.`"""
    after = told["after_round"]
    return f"{f'Resumed after round {after}.' if after else 'Begun again with round 1.'} {told['why']}"


def _clean(value: Any) -> Any:
    """PostgreSQL takes no NUL, UTF-8 no lone surrogate; an app's text may hold both."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_clean(v) for v in value]
    return {k: _clean(v) for k, v in value.items()} if isinstance(value, dict) else value


def _app_status(session: Session, run: Run, status: ModelStatus) -> None:
    """RESULTS_UPLOADED is the platform's to set, when the results are really here."""
    if status is not ModelStatus.RESULTS_UPLOADED:
        model = session.get_one(Model, run.model_id, with_for_update=True)
        advance(session, model, run.id, status, "app")
    add_event(session, run.id, "app_status", status=status)


def _round_done(session: Session, run: Run, event: FlEvent) -> None:
    row = {
        "run_id": run.id,
        "round": event.payload["round"],
        "phase": event.payload["phase"],
        "results": event.payload["results"],
        "failures": event.payload["failures"],
        "errors": event.payload.get("errors", []),
        "at": event.at,
    }
    keys = ["run_id", "round", "phase"]
    statement = upsert(RunRound).values(row)
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=row))
    add_event(session, run.id, "round_done", **event.payload)
