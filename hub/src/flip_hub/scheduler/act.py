"""Carry out one action. The slow part runs without a transaction; every step may be repeated."""

import contextlib
import hashlib
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_contracts.fl_api import NodeSpec, RunFinished, RunSpec
from flip_contracts.manifest import Net, RunManifest, SignedManifest
from flip_contracts.statuses import ModelStatus, RunReason, RunState, RunTrustState
from flip_contracts.tasks import JoinRun, LeaveRun, StartNode
from flip_hub.cohorts.tables import CohortQuery
from flip_hub.db import Database, now
from flip_hub.events import notify
from flip_hub.files.service import contents, zipped
from flip_hub.files.staging import staged_of
from flip_hub.flower.port import FlPort, FlRefused, FlUnavailable
from flip_hub.keys import SigningKey
from flip_hub.metrics.export import as_csv
from flip_hub.metrics.reading import everything
from flip_hub.models.service import advance
from flip_hub.models.tables import Model
from flip_hub.objects import Objects
from flip_hub.projects.tables import Project
from flip_hub.results.facts import facts_of
from flip_hub.results.package import add_provenance, sha256_of
from flip_hub.results.tables import RunResult
from flip_hub.runs.code_reviews import key_of
from flip_hub.runs.options import RunOptions
from flip_hub.runs.service import add_event, parts, queue_changed, was_told
from flip_hub.runs.tables import Run, RunLogLine, RunTrust
from flip_hub.scheduler.decide import LIVE
from flip_hub.scheduler.diagnosis import diagnose
from flip_hub.settings import NetSettings
from flip_hub.trusts.service import queue_task
from flip_hub.trusts.tables import Trust

OUTCOMES = {"succeeded": RunState.SUCCEEDED, "failed": RunState.FAILED, "stopped": RunState.STOPPED}
BAR = {
    RunState.SUCCEEDED: ModelStatus.RESULTS_UPLOADED,
    RunState.FAILED: ModelStatus.ERROR,
    RunState.STOPPED: ModelStatus.STOPPED,
}


class Actor:
    def __init__(self, database: Database, objects: Objects, key: SigningKey):
        self._database, self._objects, self._key = database, objects, key
        self._scratch = objects.scratch  # results may be larger than a machine's own temporary folder

    def take_slot(self, run_id: UUID, net_id: UUID) -> None:
        with self._database.session() as session:
            run = session.get_one(Run, run_id, with_for_update=True)
            if run.state == RunState.QUEUED:
                run.state, run.net_id, run.starting_at = RunState.STARTING, net_id, now()
                run.reason_code, run.progress_at = RunReason.WAITING_FOR_TRUSTS, now()
                add_event(session, run_id, "starting")
                queue_changed(session)

    def prepare(self, run_id: UUID, net: NetSettings, fl: FlPort) -> None:
        with self._database.session() as session:
            run = session.get_one(Run, run_id)
            query, options = self._query(session, run), RunOptions.model_validate(run.options)
            staged = staged_of(session, self._objects, run.model_id)
            spec = RunSpec(
                model_id=run.model_id,
                project_id=run.project_id,
                cohort_query=query.sql,
                run_config=run.run_config,
                trust_count=sum(p.state in LIVE for _, p in parts(session, run_id)),
                on_crash=options.on_crash,
                round_policy=options.round_policy(),
                files=list(staged.server),
            )
            app = zipped(contents(session, self._objects, run.model_id))
        try:
            prepared = fl.prepare(run_id, spec, app)
            for sha256 in prepared.missing_files:
                fl.put_file(run_id, sha256, self._objects.stream(staged.keys[sha256])[1])
            if not self._objects.has(key_of(prepared.fab_sha256)):  # for trusts that look at it first
                self._objects.put(key_of(prepared.fab_sha256), fl.fab(run_id))
        except FlRefused as refusal:
            return self.finish(run_id, RunState.FAILED, RunReason.APP_REFUSED, refusal.message)
        with self._database.session() as session:
            run = session.get_one(Run, run_id, with_for_update=True)
            if run.state != RunState.STARTING:  # stopped meanwhile: nobody is asked to join
                return
            run.fab_sha256 = prepared.fab_sha256
            for notice in prepared.notices:
                add_event(session, run_id, "notice", text=notice)
            asked = [(t, p) for t, p in parts(session, run_id) if p.state == RunTrustState.ASKED]
            manifest = RunManifest(
                run_id=run_id,
                project_id=run.project_id,
                model_id=run.model_id,
                model_name=session.get_one(Model, run.model_id).name,
                query_id=self._query(session, run).id,
                fab_sha256=prepared.fab_sha256,
                trusts=[trust.name for trust, _ in asked],
                net=Net(superlink=net.superlink, ca_pem=net.ca_file.read_text()),
                files=list(staged.clients),
                limits=RunOptions.model_validate(run.options).resources.limits(),
                issued_at=now(),
            )
            signed = SignedManifest(manifest=manifest, signature=self._key.sign(manifest))
            for trust, _ in asked:
                queue_task(session, trust.id, JoinRun(signed=signed), dedupe_key=f"join:{run_id}:{trust.id}")

    @staticmethod
    def _query(session: Session, run: Run) -> CohortQuery:
        project = session.get_one(Project, run.project_id)
        assert project.query_id is not None, "an approved project has a query"
        return session.get_one(CohortQuery, project.query_id)

    def register(self, run_id: UUID, trust_name: str, fl: FlPort) -> None:
        with self._database.session() as session:
            trust, part = self._part(session, run_id, trust_name)
            key = part.public_key or ""
        fl.add_node(run_id, NodeSpec(trust=trust_name, public_key=key))
        with self._database.session() as session:
            trust, part = self._part(session, run_id, trust_name)
            if part.state == RunTrustState.JOINED:
                part.state = RunTrustState.REGISTERED
                again = hashlib.sha256(key.encode()).hexdigest()[:16]  # a trust that was lost comes with another key
                queue_task(session, trust.id, StartNode(run_id=run_id), dedupe_key=f"start:{run_id}:{trust.id}:{again}")

    def look_who_is_online(self, run_id: UUID, fl: FlPort) -> None:
        online = {node.trust for node in fl.view(run_id).nodes if node.online}
        with self._database.session() as session:
            for trust, part in parts(session, run_id):
                if trust.name in online and part.state == RunTrustState.REGISTERED:
                    part.state, part.reason = RunTrustState.ONLINE, ""
                    add_event(session, run_id, "trust_online", trust=trust.name)
                    notify(session, "runs")

    def release(self, run_id: UUID, trust_name: str, reason: str) -> None:
        with self._database.session() as session:
            trust, part = self._part(session, run_id, trust_name)
            part.state, part.reason = RunTrustState.LEFT, reason
            queue_task(session, trust.id, LeaveRun(run_id=run_id), dedupe_key=f"leave:{run_id}:{trust.id}")
            add_event(session, run_id, "trust_left", trust=trust_name, text=reason)

    def start(self, run_id: UUID, fl: FlPort) -> None:
        with self._database.session() as session:
            for trust, part in parts(session, run_id):
                if part.state in LIVE and part.state != RunTrustState.ONLINE:
                    if part.state != RunTrustState.CODE_REVIEW:  # whose own reason says more
                        part.reason = "did not come online in time"
                    part.state = RunTrustState.LOST
                    queue_task(session, trust.id, LeaveRun(run_id=run_id), dedupe_key=f"leave:{run_id}:{trust.id}")
                    add_event(session, run_id, "trust_lost", trust=trust.name, text=part.reason)
        try:
            fl.start(run_id)
        except FlRefused as refusal:
            return self.finish(run_id, RunState.FAILED, RunReason.APP_REFUSED, refusal.message)
        with self._database.session() as session:
            run = session.get_one(Run, run_id, with_for_update=True)
            if run.state == RunState.STARTING:
                run.state, run.running_at, run.progress_at = RunState.RUNNING, now(), now()
                run.reason_code, run.started_on_net = "", True
                add_event(session, run_id, "running")

    def stop_on_net(self, run_id: UUID, reason: RunReason, fl: FlPort) -> None:
        with self._database.session() as session:
            run = session.get_one(Run, run_id, with_for_update=True)
            if run.stopping_at is None:
                run.stop_requested, run.stopping_at = reason, now()
                run.reason_text = diagnose(session, run) if reason == RunReason.NO_PROGRESS else run.reason_text
                add_event(session, run_id, "stopping", reason=reason, text=run.reason_text)
                for trust, part in parts(session, run_id):  # ClientApps end now, not when the net has told its end
                    if part.state in LIVE:
                        queue_task(session, trust.id, LeaveRun(run_id=run_id), dedupe_key=f"leave:{run_id}:{trust.id}")
        fl.stop(run_id)

    def finish(self, run_id: UUID, state: RunState, reason: RunReason, text: str) -> None:
        with self._database.session() as session:
            self._end(session, session.get_one(Run, run_id, with_for_update=True), state, reason, text)

    def finalise(self, run_id: UUID, fl: FlPort) -> None:
        with self._database.session() as session:
            run = session.get_one(Run, run_id)
            finished = RunFinished.model_validate(run.finished_on_net)
            stored = session.get(RunResult, run_id) is not None
            asked_to_stop = run.stop_requested
            if not was_told(session, run_id, "finalising"):
                add_event(session, run_id, "finalising")
        made = self._collect(run_id, finished, fl) if finished.results_sha256 and not stored else None
        with self._database.session() as session:
            run = session.get_one(Run, run_id, with_for_update=True)
            if made is not None and session.get(RunResult, run_id) is None:
                session.add(made)
            state, reason = OUTCOMES[finished.outcome], RunReason(finished.reason)
            text = finished.text
            if state == RunState.STOPPED and asked_to_stop:
                reason = RunReason(asked_to_stop)
                state = RunState.FAILED if reason in (RunReason.NO_PROGRESS, RunReason.TOO_FEW_TRUSTS) else state
                text = STOP_TEXTS.get(reason, text)
                if reason == RunReason.NO_PROGRESS and run.reason_text:
                    text = f"{text} {run.reason_text}"
            self._end(session, run, state, reason, text)

    def _collect(self, run_id: UUID, finished: RunFinished, fl: FlPort) -> RunResult:
        """The net's zip, checked, with its provenance added, in the object store."""
        with TemporaryDirectory(dir=self._scratch) as folder:
            archive = Path(folder) / "results.zip"
            with archive.open("wb") as target:
                target.writelines(fl.results(run_id))
            if sha256_of(archive) != finished.results_sha256 or not zipfile.is_zipfile(archive):
                raise FlRefused("results_corrupt", "The results did not arrive whole.")
            versions = {}
            with contextlib.suppress(FlUnavailable, FlRefused):
                versions["flwr"] = fl.health().flwr_version
            with self._database.session() as session:
                run = session.get_one(Run, run_id)
                session.expunge(run)
                run.state, run.finished_at = OUTCOMES[finished.outcome], now()  # as it is about to be
                run.reason_code, run.reason_text = finished.reason, finished.text
                lines = session.scalars(
                    select(RunLogLine.text).where(RunLogLine.run_id == run_id).order_by(RunLogLine.id)
                )
                points = as_csv(everything(session, run_id))
                add_provenance(archive, facts_of(session, run, versions), points, lines)
            key, digest = f"results/{run_id}.zip", sha256_of(archive)
            with archive.open("rb") as source:
                self._objects.put(key, iter(lambda: source.read(2**20), b""))
            size = archive.stat().st_size
        return RunResult(run_id=run_id, object_key=key, size_bytes=size, sha256=digest, stored_at=now())

    @staticmethod
    def _end(session: Session, run: Run, state: RunState, reason: RunReason, text: str) -> None:
        if run.state in (RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED):
            return
        run.state, run.reason_code, run.reason_text, run.finished_at = state, reason, text, now()
        model = session.get_one(Model, run.model_id, with_for_update=True)
        advance(session, model, run.id, BAR[state], "platform", text if state != RunState.SUCCEEDED else "")
        add_event(session, run.id, "ended", state=state, reason=reason, text=text)
        queue_changed(session)

    def close(self, run_id: UUID, fl: FlPort | None) -> None:
        with self._database.session() as session:
            for trust, part in parts(session, run_id):
                if part.state != RunTrustState.REFUSED:
                    part.state = RunTrustState.LEFT if part.state in LIVE else part.state
                    queue_task(session, trust.id, LeaveRun(run_id=run_id), dedupe_key=f"leave:{run_id}:{trust.id}")
        if fl is not None:
            with contextlib.suppress(FlRefused):  # it knows nothing of this run, which is what we want
                fl.forget(run_id)
        with self._database.session() as session:
            session.get_one(Run, run_id).closed = True
            notify(session, "runs")

    @staticmethod
    def _part(session: Session, run_id: UUID, trust_name: str) -> tuple[Trust, RunTrust]:
        trust = session.scalars(select(Trust).where(Trust.name == trust_name)).one()
        return trust, session.get_one(RunTrust, (run_id, trust.id), with_for_update=True)


STOP_TEXTS = {
    RunReason.STOPPED_BY_USER: "Stopped by a user.",
    RunReason.APPROVAL_WITHDRAWN: "Every trust's approval was withdrawn or has ended.",
    RunReason.TOO_FEW_TRUSTS: "Fewer trusts than the run needs were left, so it was stopped.",
    RunReason.TIME_LIMIT: "The run took longer than it may, so it was stopped.",
    RunReason.NO_PROGRESS: "Nothing happened for the set time, so the run was stopped.",
}
