"""The agent's version, as the hub is told it."""

from typing import Final

AGENT_VERSION: Final = "0.1.0"
