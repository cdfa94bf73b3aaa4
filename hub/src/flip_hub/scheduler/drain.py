"""Whether new runs may start now."""

from flip_hub.settings import HubSettings


def draining(settings: HubSettings) -> bool:
    return settings.deployment_mode
