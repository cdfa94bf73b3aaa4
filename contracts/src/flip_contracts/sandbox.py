"""How well app code is walled in at a place: measured by trying to get out, told to the hub, demanded by policy."""

from enum import StrEnum

from flip_contracts.wire import Wire


class SandboxLevel(StrEnum):
    """Each level holds what the ones before it hold."""

    NONE = "none"  # a private folder, an allow-listed environment, limits of memory, files and time
    PROCESS = "process"  # and: no new privileges, a system-call filter, an own user where we may change it
    FULL = "full"  # and: own files, processes and network, in namespaces; every attack of the probe was stopped

    @property
    def rank(self) -> int:
        return list(SandboxLevel).index(self)


class SandboxReport(Wire):
    """`stopped` and `open`: the probe's attacks by outcome. `why`: what kept this place from a higher level."""

    level: SandboxLevel
    stopped: list[str]
    open: list[str] = []
    why: str = ""
