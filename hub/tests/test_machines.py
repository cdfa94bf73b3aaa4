"""Projects, models and runs as machines, through the hub's services on PostgreSQL: in whatever order people, trusts and
net do things, only legal moves happen, repeats change nothing, an end is final, quotas hold, nothing is wedged."""

import itertools
from typing import Any
from uuid import UUID

from hub.tests.conftest import QUERY, FakeAgent, Hub
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from flip_contracts.fl_api import EventKind
from flip_contracts.statuses import (
    RUN_TRANSITIONS,
    TERMINAL_MODEL_STATUSES,
    TERMINAL_RUN_STATES,
    Decision,
    ModelStatus,
    ProjectStatus,
    RunState,
)
from flip_hub.models.tables import Model, ModelStatusEvent
from flip_hub.projects.tables import Project, ProjectTrust
from flip_hub.runs.tables import Run

TRUSTS = ("alpha", "beta")
QUICK = settings(
    max_examples=6,
    stateful_step_count=20,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
NUMBER = itertools.count()
REFUSED = {
    "project_not_unstaged",
    "project_not_staged",
    "project_frozen",
    "project_has_no_cohort_query",
    "trust_has_no_usable_answer",
    "project_not_approved",
    "no_trust_approved",
    "model_busy",
    "run_ended",
    "cohort_query_ended",
}


def reachable(start: RunState) -> set[RunState]:
    """In any number of legal steps, none included."""
    found, waiting = {start}, [start]
    while waiting:
        for after in RUN_TRANSITIONS[waiting.pop()] - found:
            found.add(after)
            waiting.append(after)
    return found


class Machine(RuleBasedStateMachine):
    """Each example begins with what the test's fixture made, and is undone."""

    hub: Hub
    agents: dict[str, FakeAgent]

    def __init__(self) -> None:
        super().__init__()
        self._undone = self.hub.database.undone()
        self._undone.__enter__()

    def teardown(self) -> None:
        self._undone.__exit__(None, None, None)

    def ask(self, method: str, path: str, **body: Any) -> dict[str, Any] | None:
        """None for a refusal, which must be one of those that a person could have foreseen."""
        answer = self.hub.admin.call(method, path, json=body)
        if answer.status_code >= 400:
            assert answer.json()["code"] in REFUSED, answer.text
            return None
        return answer.json() if answer.content else {}


class Projects(Machine):
    """One project from draft to approval and back, with two trusts that answer and decide when and as they like."""

    @initialize()
    def begin(self) -> None:
        made = self.ask("POST", "projects", name="P", purpose="x", kind="imaging")
        assert made is not None
        self.id = made["id"]
        self.decided: dict[str, Decision] = {}
        self.seen = self.read()

    def read(self) -> tuple[ProjectStatus, UUID | None, dict[str, str]]:
        with self.hub.database.session() as session:
            project = session.get_one(Project, UUID(self.id))
            asked = session.scalars(select(ProjectTrust).where(ProjectTrust.project_id == project.id)).all()
            return ProjectStatus(project.status), project.query_id, {str(a.trust_id): a.decision for a in asked}

    @rule()
    def query(self) -> None:
        self.ask("POST", f"projects/{self.id}/cohort-queries", sql=QUERY, trusts=list(TRUSTS))

    @rule(name=st.sampled_from(TRUSTS), persons=st.sampled_from([None, 40]))
    def answer(self, name: str, persons: int | None) -> None:
        agent = self.agents[name]
        counted = {"persons": persons, "accessions": persons, "suppressed": persons is None}
        for task in agent.claim():
            result = counted | {"threshold": 10, "rounded_to": 10} if task["payload"]["type"] == "cohort_count" else {}
            for _ in range(2):  # a repeat is taken and changes nothing
                agent.answer(task, result)

    @rule(names=st.sampled_from([["alpha"], ["beta"], ["alpha", "beta"]]))
    def stage(self, names: list[str]) -> None:
        before = self.read()
        done = self.ask("POST", f"projects/{self.id}/stage", trusts=names)
        assert (done is not None) <= (before[0] == ProjectStatus.UNSTAGED)

    @rule()
    def unstage(self) -> None:
        before = self.read()
        done = self.ask("POST", f"projects/{self.id}/unstage")
        assert (done is not None) == (before[0] == ProjectStatus.STAGED)

    @rule(
        name=st.sampled_from(TRUSTS),
        decision=st.sampled_from([Decision.APPROVED, Decision.DECLINED, Decision.WITHDRAWN]),
    )
    def decide(self, name: str, decision: Decision) -> None:
        status, query, asked = self.read()
        if query is None:
            return
        project = {"id": self.id, "query_id": str(query)}
        taken = self.agents[name].decide(project, QUERY, decision)["rejected"] == []
        assert taken == (status != ProjectStatus.UNSTAGED and len(asked) > 0 and self._is_asked(name))

    def _is_asked(self, name: str) -> bool:
        told = self.hub.admin.get(f"projects/{self.id}")
        return name in {trust["trust"] for trust in told["trusts"]}

    @rule()
    def edit(self) -> None:
        before = self.read()
        done = self.ask("PATCH", f"projects/{self.id}", purpose=f"purpose {next(NUMBER)}")
        assert (done is not None) == (before[0] == ProjectStatus.UNSTAGED)

    @rule()
    def make_a_model(self) -> None:
        done = self.ask("POST", f"projects/{self.id}/models", name=f"M{next(NUMBER)}")
        assert (done is not None) == (self.read()[0] == ProjectStatus.APPROVED)

    @invariant()
    def only_legal_moves(self) -> None:
        if not hasattr(self, "seen"):
            return
        status, query, asked = self.read()
        before, query_before, _ = self.seen
        legal = {
            ProjectStatus.UNSTAGED: {ProjectStatus.UNSTAGED, ProjectStatus.STAGED},
            ProjectStatus.STAGED: set(ProjectStatus),
            ProjectStatus.APPROVED: {ProjectStatus.APPROVED},
        }
        assert status in legal[before], f"{before} to {status}"
        if before != ProjectStatus.UNSTAGED and status != ProjectStatus.UNSTAGED:
            assert query == query_before, "what trusts are asked to approve never changes under them"
        if status == ProjectStatus.UNSTAGED:
            assert asked == {}
        if status == ProjectStatus.STAGED:
            assert Decision.APPROVED not in asked.values()
        self.seen = (status, query, asked)


class Runs(Machine):
    """Three models of two approved projects; trusts, net and people act in any order. At most two runs at work, and one
    of a project."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[UUID, RunState] = {}

    models: list[dict[str, Any]]

    def teardown(self) -> None:
        try:
            self.everything_ends()
        finally:
            super().teardown()

    # --- people ---
    @rule(number=st.integers(0, 2), trusts=st.sampled_from([None, ["alpha"], ["alpha", "beta"]]))
    def initiate(self, number: int, trusts: list[str] | None) -> None:
        model = self.models[number]["id"]
        busy = any(run.model_id == UUID(model) and run.state not in TERMINAL_RUN_STATES for run in self.runs())
        made = self.ask("POST", f"models/{model}/runs", trusts=trusts)
        assert (made is None) == busy

    @rule(data=st.data(), how=st.sampled_from(["stop", "abort"]))
    @precondition(lambda self: self.states)
    def end(self, data: st.DataObject, how: str) -> None:
        run = data.draw(st.sampled_from(list(self.states)))
        over = self.states[run] in TERMINAL_RUN_STATES
        for _ in range(2):
            assert (self.ask("POST", f"runs/{run}/{how}") is None) == over

    @rule(on=st.booleans())
    def drain(self, on: bool) -> None:
        self.ask("PUT", "site/deployment-mode", on=on)

    # --- trusts and net ---
    @rule(name=st.sampled_from(TRUSTS), refuses=st.booleans())
    def answer(self, name: str, refuses: bool) -> None:
        for task in self.agents[name].claim():
            error = {"code": "no_gpu", "message": "No."} if refuses else None
            result = {"public_key": f"ecdsa {name}"} if task["payload"]["type"] == "join_run" else {}
            for _ in range(2):
                self.agents[name].answer(task, None if error else result, error)

    @rule()
    def nodes_come_online(self) -> None:
        for run in self.hub.fl.runs.values():
            run.nodes.update(dict.fromkeys(run.nodes, True))

    @rule(data=st.data(), status=st.sampled_from(list(ModelStatus)))
    @precondition(lambda self: self.states)
    def app_says(self, data: st.DataObject, status: ModelStatus) -> None:
        run = data.draw(st.sampled_from(list(self.states)))
        self.hub.fl.emit(run, EventKind.APP_STATUS, status=status)

    @rule(data=st.data())
    @precondition(lambda self: self.states)
    def a_round_is_sent(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(list(self.states)))
        self.hub.fl.emit(run, EventKind.TRAIN_SENT, round=1, nodes=1)

    @rule(data=st.data(), outcome=st.sampled_from(["succeeded", "failed"]))
    @precondition(lambda self: not self.hub.fl.down and self.hub.fl.runs)
    def net_finishes(self, data: st.DataObject, outcome: str) -> None:
        run = data.draw(st.sampled_from(list(self.hub.fl.runs)))
        reason = "completed" if outcome == "succeeded" else "server_app_raised"
        if self.states.get(run) == RunState.RUNNING:
            for _ in range(2):
                self.hub.fl.finish(run, results={"model.safetensors": b"x"}, outcome=outcome, reason=reason)

    @rule(down=st.booleans())
    def net_goes_and_comes(self, down: bool) -> None:
        self.hub.fl.down = down

    @rule()
    def tick(self) -> None:
        self.hub.settle()

    # --- what must hold ---
    def runs(self) -> list[Run]:
        with self.hub.database.session() as session:
            return list(session.scalars(select(Run).order_by(Run.created_at)))

    @invariant()
    def runs_move_only_forward(self) -> None:
        runs = self.runs()
        for run in runs:
            state = RunState(run.state)
            assert state in reachable(self.states.get(run.id, RunState.QUEUED)), f"{self.states[run.id]} to {state}"
            self.states[run.id] = state
            assert (state in TERMINAL_RUN_STATES) == (run.finished_at is not None)
            assert not run.closed or state in TERMINAL_RUN_STATES
        at_work = [run for run in runs if run.state in (RunState.STARTING, RunState.RUNNING)]
        assert len(at_work) <= self.hub.settings.max_active_runs
        assert len({run.project_id for run in at_work}) == len(at_work), "one of a project at a time"
        open_models = [run.model_id for run in runs if run.state not in TERMINAL_RUN_STATES]
        assert len(open_models) == len(set(open_models)), "a model has one run at a time"

    @invariant()
    def the_bar_never_goes_back(self) -> None:
        with self.hub.database.session() as session:
            models = session.scalars(select(Model)).all()
            events = session.scalars(select(ModelStatusEvent).order_by(ModelStatusEvent.id)).all()
        open_models = {run.model_id for run in self.runs() if run.state not in TERMINAL_RUN_STATES}
        for model in models:
            at_rest = model.status in TERMINAL_MODEL_STATUSES | {ModelStatus.PENDING}
            assert at_rest or model.id in open_models, "no model stays in training without a run"
            by_run: dict[UUID | None, list[ModelStatus]] = {}
            for event in (event for event in events if event.model_id == model.id):
                by_run.setdefault(event.run_id, []).append(ModelStatus(event.status))
            bar = list(ModelStatus)
            for said in by_run.values():
                ends = [status for status in said if status in TERMINAL_MODEL_STATUSES]
                assert said[0] == ModelStatus.INITIATED
                assert len(ends) <= 1
                assert not ends or said[-1] == ends[0], "nothing after the end"
                assert [bar.index(s) for s in said] == sorted({bar.index(s) for s in said})

    def everything_ends(self) -> None:
        """Neither wedge nor starvation: when trusts answer and the net is there, each run has its turn and ends."""
        self.hub.fl.down = False
        self.drain(False)
        for _ in range(3 * len(self.states) + 3):
            for name in TRUSTS:
                self.answer(name, refuses=False)
            self.nodes_come_online()
            self.hub.settle()
            for run in list(self.hub.fl.runs):
                if self.states.get(run) == RunState.RUNNING or any(
                    r.id == run and r.state == RunState.RUNNING for r in self.runs()
                ):
                    self.hub.fl.finish(run, results={"model.safetensors": b"x"})
            self.hub.settle()
            self.runs_move_only_forward()
            if all(run.closed for run in self.runs()):
                break
        assert {run.state for run in self.runs()} <= TERMINAL_RUN_STATES
        assert all(run.closed for run in self.runs())
        self.the_bar_never_goes_back()


def test_a_project_moves_only_as_it_may(hub: Hub):
    agents = {name: hub.trust(name) for name in TRUSTS}
    run_state_machine_as_test(type("P", (Projects,), {"hub": hub, "agents": agents}), settings=QUICK)


def test_runs_and_models_move_only_as_they_may(hub: Hub):
    hub.settings = hub.settings.model_copy(update={"max_active_runs": 2, "max_active_runs_per_project": 1})
    agents = {name: hub.trust(name) for name in TRUSTS}
    one, other = (hub.approved_project(*agents.values(), name=name) for name in ("one", "other"))
    models = [hub.model(one), hub.model(one), hub.model(other)]
    fresh = {"hub": hub, "agents": agents, "models": models}
    run_state_machine_as_test(_with_a_new_net(type("R", (Runs,), fresh), hub), settings=QUICK)


def _with_a_new_net(machine: type[Runs], hub: Hub) -> type[Runs]:
    class Fresh(machine):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            hub.fl.__init__()  # type: ignore[misc]
            super().__init__()

    return Fresh
