"""The scheduler: read every open run, decide, act. Woken by notifications; looks again each second."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from flip_contracts.statuses import RunReason, RunState, RunTrustState
from flip_hub.db import Database, now
from flip_hub.events import Listener
from flip_hub.flower.port import FlPort, FlRefused, FlUnavailable
from flip_hub.scheduler.act import Actor
from flip_hub.scheduler.decide import (
    Action,
    Close,
    Finalise,
    Finish,
    Prepare,
    Register,
    Release,
    RunView,
    Start,
    StopOnNet,
    decide,
)
from flip_hub.scheduler.drain import draining
from flip_hub.scheduler.views import limits_of, open_runs
from flip_hub.settings import HubSettings, NetSettings

log = logging.getLogger(__name__)
LOCK = 7_245_002  # advisory lock: of several hub processes one schedules at a time
TICK_SECONDS, JOINING_SECONDS = 1.0, 0.2
ASLEEP = timedelta(seconds=15)
Nets = Mapping[UUID, tuple[NetSettings, FlPort]]


class Scheduler:
    def __init__(self, settings: HubSettings, database: Database, actor: Actor, nets: Nets):
        self._settings, self._database, self._actor, self._nets = settings, database, actor, nets
        self._limits = limits_of(settings)
        self._looked_at = self._awake_since = now()

    async def run_forever(self, listener: Listener) -> None:
        with listener.watch("runs") as watch:
            while True:
                try:
                    joining = await asyncio.to_thread(self.tick)
                except OperationalError as error:  # the database is away: the next look finds all as it was
                    log.warning("the scheduler cannot read now: %s", type(error.orig).__name__)
                    joining = False
                except Exception:  # a bug: runs wait for the next look, not for a restart
                    log.exception("a look at the runs failed")
                    joining = False
                await watch.wait(JOINING_SECONDS if joining else TICK_SECONDS)

    def tick(self) -> bool:
        """One look at every open run. True while a trust is about to come online."""
        with self._database.engine.connect() as guard:
            locked = guard.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}).scalar()
            guard.commit()
            if not locked:
                return False
            try:
                return self._tick()
            finally:
                guard.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
                guard.commit()

    def _tick(self) -> bool:
        if now() - self._looked_at > ASLEEP:  # the database was away, or another hub had the turn
            self._awake_since = now()
        with self._database.session() as session:
            views = open_runs(session, self._settings, draining(session, self._settings), self._awake_since)
        self._looked_at = now()
        joining = False
        for view, net_id in views:
            try:
                joining |= self._step(view, net_id)
            except FlUnavailable as error:
                log.warning("net not available for run %s: %s", view.id, error)
            except FlRefused as refusal:
                self._give_up(view, refusal)
            except Exception:  # one bad run must never block the others
                log.exception("a step of run %s failed", view.id)
        return joining

    def _step(self, view: RunView, net_id: UUID | None) -> bool:
        net, fl = self._nets.get(net_id, (None, None)) if net_id else (None, None)
        registered = any(p.state == RunTrustState.REGISTERED for p in view.parts)
        if view.state in (RunState.STARTING, RunState.RUNNING) and registered and fl is not None:
            with contextlib.suppress(FlUnavailable):  # stop and the deadline below must work without the net
                self._actor.look_who_is_online(view.id, fl)
        for action in decide(view, now(), self._limits):
            self._act(view, net_id, net, fl, action)
        return view.state == RunState.STARTING or registered

    def _give_up(self, view: RunView, refusal: FlRefused) -> None:
        """A refusal is final: asking again would be refused again, and hold the net's slot for ever."""
        log.warning("net refused a step of run %s: %s", view.id, refusal.code)
        words = f"The net refused to go on with this run: {refusal.message}"
        self._actor.finish(view.id, RunState.FAILED, RunReason.NET_UNAVAILABLE, words)

    def _act(
        self, view: RunView, net_id: UUID | None, net: NetSettings | None, fl: FlPort | None, action: Action
    ) -> None:
        actor = self._actor
        match action:
            case Finish(state, reason, words):
                return actor.finish(view.id, state, reason, words)
            case Release(trust, words):
                return actor.release(view.id, trust, words)
            case Close():
                return actor.close(view.id, fl)
            case _:
                pass
        if fl is None or net is None or net_id is None:
            raise FlUnavailable("no net is configured for this run")
        match action:
            case Prepare():
                actor.prepare(view.id, net_id, net, fl)
            case Register(trust):
                actor.register(view.id, trust, fl)
            case Start():
                actor.start(view.id, fl)
            case StopOnNet(reason):
                actor.stop_on_net(view.id, reason, fl)
            case Finalise():
                actor.finalise(view.id, fl)
