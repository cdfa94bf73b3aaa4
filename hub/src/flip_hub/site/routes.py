"""The banner and the deployment mode for everyone; the settings for admins."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from flip_hub.auth import SiteManager
from flip_hub.db import ReadSession, WriteSession
from flip_hub.routing import Router
from flip_hub.settings import SettingRead, shown
from flip_hub.site import service
from flip_hub.site.tables import Site

router = Router(prefix="/site", tags=["site"])
Level = Literal["info", "warning", "danger"]


class BannerRead(BaseModel):
    message: str
    link: str
    level: Level


class SiteRead(BaseModel):
    """`banner` is null when there is none. In `deployment_mode` no new run starts; `deployment_reason` says why."""

    banner: BannerRead | None
    deployment_mode: bool
    deployment_reason: str
    changed_at: datetime | None


class BannerUpdate(BaseModel):
    """An empty message takes the banner away."""

    model_config = ConfigDict(extra="forbid")
    message: Annotated[str, Field(max_length=500)]
    link: Annotated[str, Field(max_length=500, pattern=r"^(https?://\S+|/\S*)?$")] = ""
    level: Level = "info"


class DeploymentModeUpdate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    on: bool
    reason: Annotated[str, Field(max_length=500)] = ""


def _read(site: Site) -> SiteRead:
    banner = BannerRead.model_validate(
        {"message": site.banner, "link": site.banner_link, "level": site.banner_level}, strict=False
    )
    return SiteRead(
        banner=banner if site.banner else None,
        deployment_mode=site.deployment_mode,
        deployment_reason=site.deployment_reason,
        changed_at=site.changed_at,
    )


@router.get("")
def get_site(session: ReadSession) -> SiteRead:
    """What everyone should know, before login too."""
    return _read(service.get_site(session))


@router.put("/banner")
def set_banner(body: BannerUpdate, admin: SiteManager, session: WriteSession) -> SiteRead:
    """Show a message on every page."""
    return _read(service.set_banner(session, admin.id, body.message, body.link, body.level))


@router.put("/deployment-mode")
def set_deployment_mode(body: DeploymentModeUpdate, admin: SiteManager, session: WriteSession) -> SiteRead:
    """Let running work end and start nothing new, so that the hub can be changed."""
    return _read(service.set_deployment_mode(session, admin.id, body.on, body.reason))


@router.get("/settings")
def list_settings(admin: SiteManager, request: Request) -> list[SettingRead]:
    """Every setting of this hub process, read-only. Of a secret only whether it is set."""
    return shown(request.app.state.settings)
