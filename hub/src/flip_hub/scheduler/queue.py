"""Whose run is next, on which net, and when about. Pure: no clock, no database."""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID


@dataclass(frozen=True)
class Waiting:
    run: UUID
    project: UUID
    since: datetime


def fair_order(
    waiting: Sequence[Waiting], active: Mapping[UUID, int], served: Mapping[UUID, datetime]
) -> list[Waiting]:
    """The project with the fewest runs at work comes first; among equals the one that has waited longest for a turn.

    Within a project the oldest run is first. A project's wait counts from its last turn (`served`) or from when its
    oldest waiting run was queued, whichever is later: neither many runs of one project nor many new projects can hold
    up another for ever.
    """
    lines: dict[UUID, list[Waiting]] = {}
    for item in sorted(waiting, key=lambda w: (w.since, w.run), reverse=True):
        lines.setdefault(item.project, []).append(item)  # the oldest is at the end
    turns: Counter[UUID] = Counter(dict(active))

    def rank(project: UUID) -> tuple[int, datetime, datetime, UUID]:
        head = lines[project][-1]
        return turns[project], max(head.since, served.get(project, head.since)), head.since, head.run

    order = []
    while lines:
        project = min(lines, key=rank)
        order.append(lines[project].pop())
        turns[project] += 1
        if not lines[project]:
            del lines[project]
    return order


def give_slots(
    order: Sequence[Waiting], free: Mapping[UUID, int], active: Mapping[UUID, int], most_per_project: int
) -> dict[UUID, UUID]:
    """Run → net for those that may start now: the emptiest net first; `most_per_project` 0 sets no quota."""
    left, busy, given = dict(free), Counter(dict(active)), {}
    for item in order:
        if most_per_project and busy[item.project] >= most_per_project:
            continue
        net = max(left, key=lambda n: (left[n], str(n)), default=None)
        if net is None or left[net] <= 0:
            break
        left[net] -= 1
        busy[item.project] += 1
        given[item.run] = net
    return given


def starts(
    order: Sequence[Waiting], ends: Sequence[datetime], free: int, typical: timedelta, now: datetime
) -> dict[UUID, datetime]:
    """When each waiting run starts about, if each takes the `typical` time; `ends` are those of the active ones."""
    slots = [now] * max(free, 0) + [max(end, now) for end in ends]
    if not slots:
        return {}
    heapq.heapify(slots)
    found = {}
    for item in order:
        found[item.run] = heapq.heappop(slots)
        heapq.heappush(slots, found[item.run] + typical)
    return found
