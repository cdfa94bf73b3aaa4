"""How well this trust can wall app code in, found by trying, and the trust's demand on it."""

import logging
import subprocess

from pydantic import ValidationError

from flip_contracts.messages import LONGEST_COMPONENT
from flip_contracts.sandbox import SandboxLevel, SandboxReport
from flip_trust.errors import SandboxTooLow
from flip_trust.settings import TrustSettings

log = logging.getLogger(__name__)
LONGEST_SECONDS = 60.0


class Sandbox:
    def __init__(self, settings: TrustSettings):
        self._settings = settings
        self.report = SandboxReport(level=SandboxLevel.NONE, stopped=[], why="not probed yet")

    @property
    def level(self) -> SandboxLevel:
        return self.report.level

    def probe(self) -> None:
        """Let the Flower environment attack its own wall; about a second."""
        try:
            done = subprocess.run(
                [str(self._settings.fl_command), "sandbox"], capture_output=True, timeout=LONGEST_SECONDS, check=True
            )
            self.report = SandboxReport.model_validate_json(done.stdout.strip().splitlines()[-1])
        except (OSError, subprocess.SubprocessError, ValidationError, IndexError) as error:
            why = f"the probe failed ({type(error).__name__})"
            self.report = SandboxReport(level=SandboxLevel.NONE, stopped=[], why=why)
        if self.level is SandboxLevel.FULL:
            log.info("sandbox: full; each of %d attacks was stopped", len(self.report.stopped))
        else:
            log.warning(
                "sandbox: %s only (%s); an app can %s", self.level, self.report.why, ", ".join(self.report.open)
            )

    def demand(self) -> None:
        """Raises `SandboxTooLow` where less holds than this trust's policy wants."""
        minimum = self._settings.sandbox_minimum
        if self.level.rank < minimum.rank:
            raise SandboxTooLow(
                f"This trust runs apps at sandbox level '{minimum}' or higher, and '{self.level}' holds here now. "
                "Its staff can read why with `flip-trust doctor`."
            )

    def components(self) -> dict[str, str]:
        """The probe's report for the heartbeat: the hub and its page say how a trust runs strangers' code."""
        report = self.report
        tried = len(report.stopped) + len(report.open)
        told = {
            "sandbox": str(self.level),
            "sandbox_minimum": str(self._settings.sandbox_minimum),
            "sandbox_stopped": f"{len(report.stopped)} of {tried} attacks" if tried else "",
            "sandbox_open": ", ".join(report.open),
            "sandbox_why": report.why,
        }
        return {name: value[:LONGEST_COMPONENT] for name, value in told.items() if value}
