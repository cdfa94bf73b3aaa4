"""Whether new runs may start now."""

from sqlalchemy.orm import Session

from flip_hub.settings import HubSettings
from flip_hub.site.service import deployment_mode


def draining(session: Session, settings: HubSettings) -> bool:
    """By an admin on the page, or by whoever runs this process."""
    return settings.deployment_mode or deployment_mode(session)
