"""The agent: claims tasks from the hub, sends what it has to say, prepares images, serves the local data API."""

import contextlib
import gc
import logging
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4, uuid5

from flip_contracts.imaging import SeriesRule
from flip_contracts.messages import NodeEvent, NodeEventMessage, TaskError, TaskResultMessage
from flip_contracts.sql_guard import SqlRefused
from flip_contracts.statuses import Decision
from flip_contracts.tasks import JoinRun, Task
from flip_trust.approvals.authority import Authority
from flip_trust.approvals.frozen import FrozenCohorts
from flip_trust.approvals.reading import ProjectReader
from flip_trust.approvals.service import Approvals
from flip_trust.code_reviews.service import CodeReviews
from flip_trust.disclosure.control import Disclosure
from flip_trust.disclosure.ledger import imaging_message
from flip_trust.disclosure.policy import Policy
from flip_trust.enrich.service import Images
from flip_trust.enrich.store import Enrichments
from flip_trust.errors import HubRefused, HubUnreachable, NotEnrolled, TrustError
from flip_trust.flower.files import StagedFiles
from flip_trust.flower.supervisor import Supervisor
from flip_trust.heartbeat import heartbeat
from flip_trust.hub_client import HubClient
from flip_trust.imaging.deletion import Deletions
from flip_trust.imaging.drivers.opened import open_driver, open_limits
from flip_trust.imaging.ledger import Ledger
from flip_trust.imaging.pipeline import Patience, Pipeline
from flip_trust.imaging.plan import StudyPlan
from flip_trust.keys import TrustKey, secret_key
from flip_trust.ledger.witness import Witness
from flip_trust.optouts.engine import WithoutOptOuts
from flip_trust.optouts.service import OptOuts
from flip_trust.outbox import Outbox
from flip_trust.policy.file import PolicyFile
from flip_trust.settings import TrustSettings
from flip_trust.sql.engine import EngineFailed
from flip_trust.sql.opened import open_engine
from flip_trust.sql.postgres_engine import VIEWS
from flip_trust.store import RunRow, Store
from flip_trust.tasks.registry import Tools, handle

log = logging.getLogger(__name__)
HEARTBEAT_SECONDS, EXTEND_SECONDS, LOOK_SECONDS = 15.0, 20.0, 0.25
HOUSE_SECONDS = 3600.0
LONGEST_BACK_OFF = 15.0
IMAGE_KEY = re.compile(r"[0-9a-f]{64}")  # the name of an accession's folder in the cache


class Agent:
    def __init__(self, settings: TrustSettings):
        self.settings = settings
        self.store = Store(settings.data_dir / "agent.db")
        self.key = TrustKey(settings.data_dir / "keys" / "trust.pem")
        self.rules = PolicyFile(settings)
        self.witness = Witness.at(settings.data_dir, self.store)
        self.what_left = self.witness.what_left
        self.optouts = OptOuts(self.store, FrozenCohorts(self.store, self.key))
        schema = "omop" if settings.omop_url is None else VIEWS
        self.engine = WithoutOptOuts(open_engine(settings), self.optouts, schema)
        self.approvals = Approvals(self.store, self.key, self.engine, self.rules)
        self.code = CodeReviews(self.store, self.key, self.rules)
        self.authority = Authority(self.rules, self.approvals, self.code)
        self.projects = ProjectReader(self.store, self.approvals, self.code, self.engine, self.rules)
        self.outbox = Outbox(self.store, self.witness.messages)
        self.supervisor = Supervisor(settings, self.store, self.outbox, self.witness)
        imaging = settings.data_dir / "imaging"
        self.ledger = Ledger(imaging / "ledger.db")
        self.pipeline = Pipeline(
            open_driver(settings.pacs, settings.dicom_dir, imaging),
            imaging / "cache",
            secret_key(settings.data_dir / "keys" / "imaging.key"),
            self.ledger,
            self._study_plan,
            limits=open_limits(settings.pacs),
            workers=settings.image_workers,
            patience=Patience(least_free=int(settings.image_disk_reserve_gb * 1e9)),
            cache_bytes=int(settings.image_cache_gb * 1e9),
            live_runs=lambda: [run.manifest.run_id for run in self.store.open_runs()],
        )
        self.images = Images(
            self.pipeline,
            self.store,
            Enrichments(imaging / "enrich", secret_key(settings.data_dir / "keys" / "imaging.key")),
            imaging / "cache",
            settings.app_resources_mb * 2**20,
        )
        self.deletions = Deletions(settings.data_dir / "certificates", self.pipeline, self.ledger, self.key)
        self._rounding_key = settings.data_dir / "keys" / "rounding.key"
        self._disclosure = Disclosure(self.store, self.engine, Policy(), self._rounding_key)
        files = StagedFiles(settings, self._hub)
        self._tools = Tools(
            settings,
            self.store,
            self.engine,
            self.approvals,
            self.supervisor,
            self._disclosure,
            files,
            self.rules,
            self.authority,
            self.code,
            self._fetch_fab,
        )
        self._stop = threading.Event()
        self._policy_seen = ""
        self._swept: dict[UUID, str | None] = {}  # the state of a cohort whose images were looked through
        self._prepared: dict[UUID, datetime] = {}  # project -> the decision that its images were prepared for
        self._preparing: dict[UUID, tuple[threading.Thread, threading.Event]] = {}
        self._deleting: threading.Thread | None = None

    @property
    def policy(self) -> Policy:
        """What may be told, as the policy file says now. Raises `PolicyInvalid`."""
        return Policy.of(self.rules.current)

    @property
    def disclosure(self) -> Disclosure:
        """Under the policy of this moment. Raises `PolicyInvalid`."""
        return self._disclosure.under(self.policy)

    def _study_plan(self, project_id: UUID) -> StudyPlan:
        """What the project wants of its studies, and what this trust allows."""
        project, settings = self.store.project(project_id), self.settings
        return StudyPlan(
            rule=(project.review.series_rule if project else None) or SeriesRule(),
            nifti=project is None or project.review.dicom_to_nifti or not settings.image_dicom,
            keep_dicom=settings.image_dicom,
            dates=settings.image_dates,
            text_check=settings.image_text_check,
        )

    # --- tasks ---
    def run_task(self, task: Task) -> None:
        """Handle one task and put its answer in the outbox; a task whose answer is there already is left alone."""
        about = {name: str(getattr(task.payload, name, "") or "") for name in ("project_id", "run_id")}
        if isinstance(task.payload, JoinRun):
            manifest = task.payload.signed.manifest
            about = {"project_id": str(manifest.project_id), "run_id": str(manifest.run_id)}
        if self.store.task_is_done(task.id):
            said = "The hub gave a task again whose answer it has; nothing was done."
            self.witness.refused(f"task: {task.payload.type}", "task_repeated", said, **about)
            return
        result, error = None, None
        try:
            result = handle(task.payload, self._tools).model_dump(mode="json")
        except (TrustError, EngineFailed) as failure:
            public = failure.public if isinstance(failure, TrustError) else failure.message
            error = TaskError(code=failure.code, message=public)
        except SqlRefused as refusal:
            position = [refusal.line, refusal.column] if refusal.line and refusal.column else None
            error = TaskError(code=refusal.code, message=refusal.message, position=position)
        except Exception as bug:  # noqa: BLE001  one bad task must not stop the agent; the text may quote a value
            log.error("task %s (%s) failed unexpectedly: %s", task.id, task.payload.type, type(bug).__name__)
            error = TaskError(
                code="internal", message="The task failed unexpectedly at the trust; its log names the kind."
            )
        self.store.put_asked(task.id, task.payload.type, **about, code=error.code if error else "")
        if error:
            kind = f"task: {task.payload.type}"
            self.witness.refused(kind, error.code, error.message, subject=str(task.id), **about)
        log.info("task %s (%s) is done%s", task.id, task.payload.type, f": {error.code}" if error else "")
        message = TaskResultMessage(id=uuid4(), task_id=task.id, result=result, error=error)
        with self.store.transaction():
            self.store.put_done_task(task.id)
            self.store.put_message(message.id, message.model_dump_json())
        self.outbox.nudge()

    def _run_leased(self, hub: HubClient, task: Task) -> None:
        done = threading.Event()

        def keep_lease() -> None:
            while not done.wait(EXTEND_SECONDS):
                with contextlib.suppress(HubUnreachable, HubRefused):
                    hub.extend(task.id)

        threading.Thread(target=keep_lease, daemon=True).start()
        try:
            self.run_task(task)
        finally:
            done.set()

    def _claim_forever(self, hub: HubClient) -> None:
        back_off = 0.5
        slots = threading.Semaphore(self.settings.workers)
        with ThreadPoolExecutor(self.settings.workers, thread_name_prefix="task") as pool:
            while not self._stop.is_set():
                slots.acquire()
                try:
                    tasks = hub.claim(1, self.settings.claim_wait_seconds)
                    back_off = 0.5
                except (HubUnreachable, HubRefused) as error:
                    slots.release()
                    log.warning("the hub gives no tasks now (%s)", error)
                    self._stop.wait(back_off)
                    back_off = min(back_off * 2, LONGEST_BACK_OFF)
                    continue
                if not tasks:
                    slots.release()
                for task in tasks:
                    future = pool.submit(self._run_leased, hub, task)
                    future.add_done_callback(lambda _: slots.release())

    def _heartbeat_forever(self, hub: HubClient) -> None:
        while True:
            try:
                hub.heartbeat(heartbeat(self))
            except HubRefused as refusal:
                log.warning("the hub refuses this trust (%s): run `flip-trust doctor`", refusal.code)
            except HubUnreachable:
                pass
            if self._stop.wait(HEARTBEAT_SECONDS):
                return

    def _fetch_fab(self, sha256: str) -> bytes:
        hub = self._hub()
        try:
            return hub.fab(sha256)
        finally:
            hub.close()

    # --- what the trust's staff decided, here or by the command line ---
    def _watch_decisions_forever(self) -> None:
        seen: object = None
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self._note_policy()
                version = self.store.version(), self._policy_seen
                ends = any(self.approvals.ends_at(project) for project in self.store.projects())
                if version == seen and not ends:
                    continue
                seen = version
                self.outbox.nudge()
                self.apply_decisions()
            except Exception as bug:  # noqa: BLE001  loop edge: withdrawals must still be seen after a failure
                log.error("applying decisions failed: %s", type(bug).__name__)
                seen = None

    def _note_policy(self) -> None:
        """A change of the policy file stands in the ledger, by the hash of the file."""
        state = self.rules.sha256()
        if state != self._policy_seen:
            self._policy_seen = state
            text = "" if not self.rules.problems() else "It cannot be read, so nothing new is allowed."
            self.witness.noted("policy", text or "The policy that holds now.", code=state[:16])

    def apply_decisions(self) -> None:
        """End runs that may not go on; prepare images of newly approved projects."""
        leaving = [(run, why) for run in self.store.open_runs() if (why := self.authority.why_not_any_more(run))]
        if leaving:
            with ThreadPoolExecutor(len(leaving), thread_name_prefix="leave") as pool:  # each may take seconds
                list(pool.map(lambda pair: self._leave(*pair), leaving))
        self._forget_images()
        for project in self.store.projects():
            made, project_id = project.signed, project.review.project_id
            if made is None or project.decision != Decision.APPROVED or not project.review.imaging:
                continue
            if self._prepared.get(project_id) != made.decided_at:
                self._prepared[project_id] = made.decided_at
                stop = threading.Event()
                thread = threading.Thread(target=self._prepare, args=(project_id, stop), name="imaging", daemon=True)
                self._preparing[project_id] = thread, stop
                thread.start()
        ended = {project_id: reason for project_id in self.deletions.held() if (reason := self._over(project_id))}
        for project_id in ended:
            self._prepared.pop(project_id, None)  # approved again, its images are pulled again
            if project_id in self._preparing:
                self._preparing[project_id][1].set()
        if ended and not (self._deleting and self._deleting.is_alive()):
            self._deleting = threading.Thread(target=self._delete, args=(ended,), name="deletion", daemon=True)
            self._deleting.start()

    def _forget_images(self) -> None:
        """Prepared images of people who were taken out: an app could find them in the folder that it may read."""
        for project in self.store.projects():
            project_id = project.review.project_id
            state = self.store.cohort_sha256(project_id)
            if state == self._swept.get(project_id) or not self.approvals.frozen.shrunk_at(project_id):
                continue
            cohort = self.store.cohort(project_id)
            accessions = cohort.values("accession_id") if cohort else []
            kept = {self.pipeline.accession_key(project_id, str(a).strip()) for a in accessions if a}
            for prepared in (self.pipeline.cache.folder / str(project_id)).glob("*"):
                if IMAGE_KEY.fullmatch(prepared.name) and prepared.name not in kept:
                    with self.pipeline.locked(prepared.name):
                        self.pipeline.cache.drop(project_id, prepared.name)
            self._swept[project_id] = state

    def _leave(self, run: RunRow, why: TrustError) -> None:
        """By our own decision: the hub is told when it can be reached, and is not asked."""
        manifest = run.manifest
        log.info("run %s ends here: %s", manifest.run_id, why.code)
        self.supervisor.leave(manifest.run_id)
        self.witness.noted(
            "run left", why.public, project_id=manifest.project_id, run_id=manifest.run_id, code=why.code
        )
        self.outbox.put(
            NodeEventMessage(
                id=uuid5(manifest.run_id, "left"),
                run_id=manifest.run_id,
                event=NodeEvent.LEFT,
                code=why.code,
                text=why.public,
                at=datetime.now(UTC),
            )
        )

    def _over(self, project_id: UUID) -> str:
        """Why a project's images may no longer be here, or ''. An approval that has run out can be given again."""
        project = self.store.project(project_id)
        if project is None:
            return "closed"
        return "withdrawn" if project.decision in (Decision.WITHDRAWN, Decision.DECLINED) else ""

    def _delete(self, ended: dict[UUID, str]) -> None:
        for project_id, reason in ended.items():
            if project_id in self._preparing:
                self._preparing.pop(project_id)[0].join()  # what it was at ends first
            try:
                self.deletions.delete(project_id, self.store.identity().get("name", ""), reason)
            except Exception as bug:  # noqa: BLE001  background edge: tried again at the next change or start
                log.error("deleting images of project %s failed: %s", project_id, type(bug).__name__)

    def _keep_house_forever(self) -> None:
        """Images that nobody has asked for in the retention time go, and the cache keeps to its size."""
        days = self.settings.image_retention_days
        while True:
            with contextlib.suppress(OSError):
                self.pipeline.cache.evict(unused_since=time.time() - days * 86400 if days else None)
            if self._stop.wait(HOUSE_SECONDS):
                return

    def _prepare(self, project_id: UUID, stop: threading.Event | None = None) -> None:
        owners = self.owners(project_id)
        keys = {self.pipeline.accession_key(project_id, a.strip()): person for a, person in owners.items() if person}
        last = datetime.now(UTC) - timedelta(hours=1)

        def tell(final: bool = False) -> None:
            nonlocal last
            if not final and datetime.now(UTC) - last < timedelta(seconds=1):
                return
            last = datetime.now(UTC)
            stages, _, done = self.ledger.counts(project_id)
            key, is_final = self.rounding_key(), final and (done or not stages)
            standings, policy = self.ledger.standings(project_id), Policy.of(self.rules.last_good)
            self.outbox.put(imaging_message(project_id, standings, keys, final=is_final, policy=policy, key=key))

        try:
            if not self.pipeline.prepare(project_id, sorted(owners), tell, stop):
                return
        except Exception as bug:  # noqa: BLE001  background edge; the text may name a file
            log.error("preparing images of project %s failed: %s", project_id, type(bug).__name__)
            self._prepared.pop(project_id, None)  # tried again at the next change
            return
        log.info("images of project %s are prepared", project_id)
        self._swept.pop(project_id, None)  # somebody may have opted out meanwhile
        self._forget_images()
        tell(final=True)

    def rounding_key(self) -> bytes:
        return secret_key(self._rounding_key)

    def owners(self, project_id: UUID) -> dict[str, int | None]:
        """Accessions of the frozen cohort, each with its person; None where the database does not say."""
        cohort = self.store.cohort(project_id)
        accessions = [a for a in cohort.values("accession_id") if a] if cohort else []
        owners: dict[str, int | None] = dict.fromkeys(accessions)
        project = self.store.project(project_id)
        if accessions and project is not None:
            images = (
                "SELECT DISTINCT a.accession_id, i.person_id FROM accessions AS a "
                "JOIN omop.image_occurrence AS i ON i.accession_id = a.accession_id"
            )
            try:
                found = self.engine.aggregate(self.engine.check(project.review.sql), {"owners": images})["owners"]
            except (SqlRefused, EngineFailed) as failure:  # its counts are then suppressed; images are prepared
                log.warning("whose the images of project %s are is not known now: %s", project_id, failure.code)
                found = []
            owners |= {accession: person for accession, person in found if accession in owners}
        return owners

    # --- life ---
    def serve(self) -> None:
        identity = self.store.identity()
        if "token" not in identity:
            raise NotEnrolled("This trust is not enrolled. Run `flip-trust enrol CODE --hub URL` first.")
        self.rules.current  # noqa: B018  raises: an agent does not start under a policy that nobody can read
        import uvicorn  # the command line needs no web server, and these take half of its start

        from flip_trust.data_api.app import create_data_api
        from flip_trust.page.serving import start_beside

        self.supervisor.clean_up_after_crash()
        self.supervisor.sandbox.probe()
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.settings.data_api_port))
        self.supervisor.data_api_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        api = create_data_api(self.store, self.approvals, self.images, self.outbox, self.rules, self.witness)
        server = uvicorn.Server(uvicorn.Config(api, log_level="warning", access_log=False, timeout_graceful_shutdown=1))
        threads = [
            threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="data-api", daemon=True),
            threading.Thread(target=self._claim_forever, args=(self._hub(),), name="claim", daemon=True),
            threading.Thread(target=self._heartbeat_forever, args=(self._hub(),), name="heartbeat", daemon=True),
            threading.Thread(
                target=self.outbox.run_forever, args=(self._hub(), self._stop), name="outbox", daemon=True
            ),
            threading.Thread(target=self._watch_decisions_forever, name="decisions", daemon=True),
            threading.Thread(target=self._keep_house_forever, name="house", daemon=True),
        ]
        for thread in threads:
            thread.start()
        page = start_beside(self)
        gc.collect()
        gc.freeze()  # what is loaded stays: to look through it again and again would cost 50 ms in the middle of a task
        log.info("the agent of %s is ready", identity["name"])
        while not self._stop.wait(0.5):
            pass
        self.supervisor.stop_all()
        server.should_exit = True
        if page is not None:
            page.should_exit = True
        time.sleep(0.2)

    def _hub(self) -> HubClient:
        return HubClient.of(self.settings, self.store)

    def stop(self) -> None:
        self._stop.set()
