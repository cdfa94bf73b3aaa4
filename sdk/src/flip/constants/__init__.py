"""Constants of the SDK."""

from flip.constants.flip_constants import ModelStatus, ResourceType

__all__ = ["ModelStatus", "ResourceType"]
