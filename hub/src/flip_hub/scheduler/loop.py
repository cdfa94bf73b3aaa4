"""The scheduler: read every open run, decide, act. Woken by notifications; looks again each second."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from uuid import UUID

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
from flip_hub.scheduler.views import limits_of, open_run, open_runs
from flip_hub.settings import HubSettings, NetSettings

log = logging.getLogger(__name__)
LOCK = 7_245_002  # advisory locks: of several hub processes one schedules at a time,
STEP_LOCK = 7_245_004  # and one takes a step of a run
TICK_SECONDS, JOINING_SECONDS = 1.0, 0.2
ASLEEP = timedelta(seconds=15)
Nets = Mapping[UUID, tuple[NetSettings, FlPort]]
Spawn = Callable[[Callable[[], None]], object]


def in_a_thread(step: Callable[[], None]) -> threading.Thread:
    """One that does not hold up the hub's end: a step that is cut off is taken again."""
    thread = threading.Thread(target=step, name="run-step", daemon=True)
    thread.start()
    return thread


class Scheduler:
    """A look is short: what needs the net (and may wait for it, or move gigabytes) is done beside it, run by run."""

    def __init__(self, settings: HubSettings, database: Database, actor: Actor, nets: Nets, spawn: Spawn = in_a_thread):
        self._settings, self._database, self._actor, self._nets = settings, database, actor, nets
        self._limits, self._spawn = limits_of(settings), spawn
        self._looked_at = self._awake_since = now()
        self._under_way: set[UUID] = set()  # runs with a step that has not ended

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
        with self._database.alone(LOCK) as mine:
            return self._tick() if mine else False

    def _tick(self) -> bool:
        if now() - self._looked_at > ASLEEP:  # the database was away, or another hub had the turn
            self._awake_since = now()
        with self._database.session() as session:
            views = open_runs(session, self._settings, draining(session, self._settings), self._awake_since)
        self._looked_at = now()
        joining = False
        for view, net_id in views:
            try:
                joining |= self._look(view, net_id)
            except Exception:  # one bad run must never block the others
                log.exception("a look at run %s failed", view.id)
        return joining

    def _look(self, view: RunView, net_id: UUID | None) -> bool:
        """Do at once what needs no net; begin the rest, if the run's last step has ended."""
        beside = _waits_for_nodes(view)
        for action in decide(view, now(), self._limits):
            match action:
                case Finish(state, reason, words):
                    self._actor.finish(view.id, state, reason, words)
                    beside = False
                case Release(trust, words):
                    self._actor.release(view.id, trust, words)
                case Prepare() if view.state == RunState.QUEUED:
                    assert net_id is not None, "a free slot is on a net"
                    self._actor.take_slot(view.id, net_id)
                    beside = True
                case _:
                    beside = True
        if beside and view.id not in self._under_way:
            self._under_way.add(view.id)
            self._spawn(partial(self._step, view.id))
        return view.state == RunState.STARTING or _waits_for_nodes(view)

    def _step(self, run_id: UUID) -> None:
        try:
            with self._database.alone(STEP_LOCK, run_id.int) as mine:
                if mine:  # otherwise another hub is at it
                    self._act_on(run_id)
        except FlUnavailable as error:
            log.warning("net not available for run %s: %s", run_id, error)
        except FlRefused as refusal:
            self._give_up(run_id, refusal)
        except OperationalError as error:
            log.warning("a step of run %s lost the database: %s", run_id, type(error.orig).__name__)
        except Exception:
            log.exception("a step of run %s failed", run_id)
        finally:
            self._under_way.discard(run_id)

    def _act_on(self, run_id: UUID) -> None:
        """As the run stands now: since it was looked at, another hub may have done all there was to do."""
        view, net_id = self._view(run_id)
        net, fl = self._nets.get(net_id, (None, None)) if net_id else (None, None)
        if view is not None and _waits_for_nodes(view) and fl is not None:
            with contextlib.suppress(FlUnavailable):  # stop and the deadlines must work without the net
                self._actor.look_who_is_online(run_id, fl)
                view, net_id = self._view(run_id)
        for action in decide(view, now(), self._limits) if view is not None else ():
            self._act(run_id, net, fl, action)

    def _view(self, run_id: UUID) -> tuple[RunView | None, UUID | None]:
        with self._database.session() as session:
            return open_run(session, run_id, self._awake_since)

    def _give_up(self, run_id: UUID, refusal: FlRefused) -> None:
        """A refusal is final: asking again would be refused again, and hold the net's slot for ever."""
        log.warning("net refused a step of run %s: %s", run_id, refusal.code)
        words = f"The net refused to go on with this run: {refusal.message}"
        self._actor.finish(run_id, RunState.FAILED, RunReason.NET_UNAVAILABLE, words)

    def _act(self, run_id: UUID, net: NetSettings | None, fl: FlPort | None, action: Action) -> None:
        actor = self._actor
        if isinstance(action, Close):
            return actor.close(run_id, fl)
        if isinstance(action, Finish | Release):
            return  # the look's, which waits for nobody
        if fl is None or net is None:
            raise FlUnavailable("no net is configured for this run")
        match action:
            case Prepare():
                actor.prepare(run_id, net, fl)
            case Register(trust):
                actor.register(run_id, trust, fl)
            case Start():
                actor.start(run_id, fl)
            case StopOnNet(reason):
                actor.stop_on_net(run_id, reason, fl)
            case Finalise():
                actor.finalise(run_id, fl)


def _waits_for_nodes(view: RunView) -> bool:
    return view.state in (RunState.STARTING, RunState.RUNNING) and any(
        part.state == RunTrustState.REGISTERED for part in view.parts
    )
