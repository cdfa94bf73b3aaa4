"""One thing that was looked at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`told`: what was found. `remedy`: what to do, where it is not fine. Neither holds patient data or a secret."""

    name: str
    fine: bool
    told: str = ""
    remedy: str = ""

    @property
    def line(self) -> str:
        said = ". ".join(part for part in (self.told, "" if self.fine else self.remedy) if part)
        return f"{'ok  ' if self.fine else 'FAIL'}  {self.name}{f': {said}' if said else ''}"


def fine(name: str, told: str = "") -> Finding:
    return Finding(name, True, told)


def wrong(name: str, told: str, remedy: str) -> Finding:
    return Finding(name, False, told, remedy)
