"""Rows made directly, for tests that do not tell how they came to be."""

from uuid import UUID

from sqlalchemy import select

from flip_contracts.statuses import Decision, ModelStatus, ProjectStatus, RunState, RunTrustState
from flip_hub.cohorts.tables import CohortQuery
from flip_hub.db import now
from flip_hub.models.tables import Model
from flip_hub.projects.tables import Project, ProjectTrust
from flip_hub.runs.tables import Run, RunTrust
from flip_hub.trusts.tables import Trust
from flip_hub.users.tables import User


def make_project(hub, *trusts: str, name: str = "P", sql: str = "SELECT 1") -> UUID:
    """An approved project of the researcher."""
    with hub.database.session() as session:
        owner = session.scalars(select(User).where(User.role == "researcher")).first()
        assert owner is not None
        project = Project(
            owner_id=owner.id, name=name, purpose="x", kind="imaging", status=ProjectStatus.APPROVED, approved_at=now()
        )
        session.add(project)
        session.flush()
        query = CohortQuery(project_id=project.id, created_by=owner.id, sql=sql)
        session.add(query)
        session.flush()
        project.query_id = query.id
        for trust in session.scalars(select(Trust).where(Trust.name.in_(trusts))):
            session.add(
                ProjectTrust(
                    project_id=project.id,
                    trust_id=trust.id,
                    decision=Decision.APPROVED,
                    decided_at=now(),
                    signed={"of": trust.name},
                )
            )
        return project.id


def make_run(hub, project_id: UUID, *trusts: str, state: RunState = RunState.RUNNING, **changes) -> UUID:
    """A run of a model of its own, with these trusts."""
    with hub.database.session() as session:
        project = session.get_one(Project, project_id)
        model = Model(
            project_id=project_id, created_by=project.owner_id, name="M", description="", status=ModelStatus.INITIATED
        )
        session.add(model)
        session.flush()
        run = Run(
            model_id=model.id,
            project_id=project_id,
            created_by=project.owner_id,
            state=state,
            run_config={},
            **{"starting_at": now(), "running_at": now(), "progress_at": now(), **changes},
        )
        session.add(run)
        session.flush()
        for trust in session.scalars(select(Trust).where(Trust.name.in_(trusts))):
            session.add(RunTrust(run_id=run.id, trust_id=trust.id, state=RunTrustState.ONLINE))
        return run.id
