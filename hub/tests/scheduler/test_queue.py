"""The queue as a machine: whatever is queued, started and ended, nobody starves, no slot idles, no quota is broken."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flip_hub.scheduler.queue import Waiting, fair_order, give_slots, starts

START = datetime(2026, 1, 1, tzinfo=UTC)
PROJECTS = [UUID(int=n) for n in range(1, 5)]


def waiting(run: int, project: int, minute: int) -> Waiting:
    return Waiting(UUID(int=100 + run), UUID(int=project), START + timedelta(minutes=minute))


def test_projects_take_turns_however_many_runs_one_of_them_has():
    many = [waiting(n, 1, n) for n in range(5)]
    order = fair_order([*many, waiting(9, 2, 50)], {}, {})
    assert [item.project.int for item in order] == [1, 2, 1, 1, 1, 1]


def test_a_project_at_work_waits_behind_one_that_is_not():
    order = fair_order([waiting(1, 1, 0), waiting(2, 2, 5)], {UUID(int=1): 1}, {})
    assert [item.project.int for item in order] == [2, 1]


def test_the_emptiest_net_is_next_and_a_quota_lets_others_pass():
    nets = {UUID(int=7): 1, UUID(int=8): 2}
    order = [waiting(1, 1, 0), waiting(2, 1, 1), waiting(3, 2, 2)]
    given = give_slots(order, nets, {}, most_per_project=1)
    assert given == {order[0].run: UUID(int=8), order[2].run: UUID(int=8)}


def test_expected_starts_follow_the_order():
    order = [waiting(1, 1, 0), waiting(2, 2, 0), waiting(3, 3, 0)]
    hour = timedelta(hours=1)
    found = starts(order, [START + hour / 2], 0, hour, START)
    assert [found[item.run] - START for item in order] == [hour / 2, hour * 3 / 2, hour * 5 / 2]
    assert starts(order, [], 0, hour, START) == {}


class Queueing(RuleBasedStateMachine):
    """Time passes with every step; a run that has started ends some time, which is all that may be relied on."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.runs = START, 0
        self.nets = {UUID(int=900): 2, UUID(int=901): 1}
        self.quota = 2
        self.queued: list[Waiting] = []
        self.active: dict[UUID, tuple[UUID, UUID]] = {}  # run: project, net
        self.served: dict[UUID, datetime] = {}
        self.passed: Counter[UUID] = Counter()  # starts of others since a run was queued

    @rule(project=st.sampled_from(PROJECTS), count=st.integers(1, 4))
    def initiate(self, project, count):
        for _ in range(count):
            self.runs += 1
            self.now += timedelta(seconds=1)
            self.queued.append(Waiting(UUID(int=1000 + self.runs), project, self.now))

    @rule(data=st.data())
    @precondition(lambda self: self.active)
    def end(self, data):
        del self.active[data.draw(st.sampled_from(sorted(self.active)))]

    @rule(data=st.data())
    @precondition(lambda self: self.queued)
    def stop_before_it_starts(self, data):
        self.queued.remove(data.draw(st.sampled_from(self.queued)))

    @rule()
    def tick(self):
        self.now += timedelta(seconds=1)
        busy = Counter(project for project, _ in self.active.values())
        free = {net: size - sum(n == net for _, n in self.active.values()) for net, size in self.nets.items()}
        order = fair_order(self.queued, busy, self.served)
        assert sorted(w.run for w in order) == sorted(w.run for w in self.queued)
        given = give_slots(order, free, busy, self.quota)
        for item in [w for w in order if w.run in given]:
            self.queued.remove(item)
            self.active[item.run] = (item.project, given[item.run])
            self.served[item.project] = self.now
            for other in {w.project for w in self.queued} - {item.project}:
                self.passed[other] += 1
            self.passed[item.project] = 0
        self.idle_for_nobody()

    def idle_for_nobody(self):
        """A slot is free after a tick only if all that wait have used up their quota."""
        if len(self.active) < sum(self.nets.values()):
            busy = Counter(project for project, _ in self.active.values())
            assert all(busy[item.project] >= self.quota for item in self.queued)

    @invariant()
    def quotas_are_kept(self):
        for net, size in self.nets.items():
            assert sum(n == net for _, n in self.active.values()) <= size
        assert all(n <= self.quota for n in Counter(project for project, _ in self.active.values()).values())

    @invariant()
    def nobody_starves(self):
        """While a project waits without any run at work, each other project gets few turns before it."""
        busy = {project for project, _ in self.active.values()}
        for item in self.queued:
            if item.project not in busy:
                assert self.passed[item.project] <= len(PROJECTS) * sum(self.nets.values())

    def teardown(self):
        """No wedge: when no more is initiated and what runs ends, everything gets its turn."""
        for _ in range(len(self.queued) + 1):
            self.active.clear()
            self.tick()
        assert not self.queued


TestQueueing = Queueing.TestCase
TestQueueing.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
