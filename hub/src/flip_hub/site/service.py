"""The banner and the deployment mode: in it running work ends as usual, and no new run starts."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from flip_hub.audit.service import record
from flip_hub.db import now
from flip_hub.events import notify
from flip_hub.site.tables import Site


def deployment_mode(session: Session) -> bool:
    return session.scalar(select(Site.deployment_mode)) or False


def get_site(session: Session) -> Site:
    return session.get(Site, 1) or Site(
        id=1, banner="", banner_link="", banner_level="info", deployment_mode=False, deployment_reason=""
    )


def set_banner(session: Session, admin_id: UUID, message: str, link: str, level: str) -> Site:
    """An empty message takes the banner away."""
    site = _changing(session, admin_id)
    site.banner, site.banner_link, site.banner_level = message, link, level
    record(session, str(admin_id), "site.banner_changed", "site", message=message, level=level)
    return site


def set_deployment_mode(session: Session, admin_id: UUID, on: bool, reason: str) -> Site:
    site = _changing(session, admin_id)
    if site.deployment_mode != on:
        record(session, str(admin_id), f"site.deployment_mode_{'on' if on else 'off'}", "site", reason=reason)
    site.deployment_mode, site.deployment_reason = on, reason if on else ""
    notify(session, "runs")  # what waits in the queue goes on at once when the mode ends
    return site


def _changing(session: Session, admin_id: UUID) -> Site:
    # Two admins may make the first change at the same moment; the second waits here for the first.
    first = insert(Site).values(id=1, deployment_mode=False, changed_at=now(), changed_by=admin_id)
    session.execute(first.on_conflict_do_nothing(index_elements=["id"]))
    site = session.get_one(Site, 1, with_for_update=True)
    site.changed_at, site.changed_by = now(), admin_id
    return site
