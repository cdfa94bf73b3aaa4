"""One handler per kind of task. Each looks at the world, then acts, so that a repeat does no harm."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from flip_contracts.tasks import (
    CloseProject,
    CohortCount,
    CohortCountResult,
    DecideProject,
    Empty,
    JoinRun,
    JoinRunResult,
    LeaveRun,
    ReviewCode,
    ReviewProject,
    StartNode,
    TaskPayload,
)
from flip_trust.approvals.authority import Authority
from flip_trust.approvals.service import Approvals
from flip_trust.code_reviews.service import CodeReviews
from flip_trust.disclosure.control import Disclosure
from flip_trust.flower.files import StagedFiles
from flip_trust.flower.supervisor import Supervisor
from flip_trust.policy.file import PolicyFile
from flip_trust.settings import TrustSettings
from flip_trust.sql.engine import Engine
from flip_trust.store import Store


@dataclass(frozen=True)
class Tools:
    settings: TrustSettings
    store: Store
    engine: Engine
    approvals: Approvals
    supervisor: Supervisor
    disclosure: Disclosure
    files: StagedFiles
    policy: PolicyFile
    authority: Authority
    code: CodeReviews
    fetch_fab: Callable[[str], bytes]  # from the hub, by the hash


def handle(payload: TaskPayload, tools: Tools) -> CohortCountResult | JoinRunResult | Empty:
    from flip_trust.tasks import (
        close_project,
        cohort_count,
        decide_project,
        join_run,
        leave_run,
        review_code,
        review_project,
        start_node,
    )

    match payload:
        case CohortCount():
            return cohort_count.run(payload, tools)
        case ReviewProject():
            return review_project.run(payload, tools)
        case CloseProject():
            return close_project.run(payload, tools)
        case DecideProject():
            return decide_project.run(payload, tools)
        case ReviewCode():
            return review_code.run(payload, tools)
        case JoinRun():
            return join_run.run(payload, tools)
        case StartNode():
            return start_node.run(payload, tools)
        case LeaveRun():
            return leave_run.run(payload, tools)
        case never:
            assert_never(never)
