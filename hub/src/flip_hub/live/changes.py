"""Changes that a page looks at again when it hears of them."""

from uuid import UUID

from sqlalchemy.orm import Session

from flip_hub.live.service import emit


def project_changed(session: Session, project_id: UUID, what: str) -> None:
    emit(session, "project_changed", [f"project:{project_id}"], {"project_id": str(project_id), "what": what})


def files_changed(session: Session, model_id: UUID) -> None:
    emit(session, "files_changed", [f"model:{model_id}"], {"model_id": str(model_id)})


def cohort_changed(session: Session, query_id: UUID, project_id: UUID, trust: str, state: str) -> None:
    """`trust` is empty when all of them are meant."""
    facts = {"query_id": str(query_id), "trust": trust, "state": state}
    emit(session, "cohort_state", [f"query:{query_id}", f"project:{project_id}"], facts)
