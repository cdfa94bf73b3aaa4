"""The policy file while the agent runs: looked at again at every use, so that a change counts at once."""

import hashlib
import logging
import threading
from pathlib import Path
from typing import Any

from flip_trust.errors import PolicyInvalid
from flip_trust.policy.reading import Problem, read_policy
from flip_trust.policy.schema import TrustPolicy, of_settings
from flip_trust.settings import TrustSettings

log = logging.getLogger(__name__)
LARGEST_BYTES = 2**20


class PolicyFile:
    """A file that cannot be read allows nothing new; what was allowed under the last good one goes on under it."""

    def __init__(self, settings: TrustSettings):
        self.path = settings.policy or settings.data_dir / "policy.yaml"
        self._must_exist = settings.policy is not None
        self._base = of_settings(settings)
        self._lock = threading.Lock()
        self._stamp: Any = "not looked yet"
        self._was_there = False
        self._sha256 = ""
        self._good: TrustPolicy | None = None
        self._problems: list[Problem] = []

    @property
    def current(self) -> TrustPolicy:
        """For whatever is asked now. Raises `PolicyInvalid`."""
        problems = self.problems()
        if problems or self._good is None:
            raise PolicyInvalid(
                "This trust's policy file cannot be read, so it takes on nothing new. "
                "Its staff find the place with `flip-trust policy check`."
            )
        return self._good

    @property
    def last_good(self) -> TrustPolicy:
        """For what is going on already. Raises `PolicyInvalid` where none was good since the start."""
        self.problems()
        return self._good or self.current

    def problems(self) -> list[Problem]:
        """What is wrong with the file now."""
        with self._lock:
            stamp = _stamp(self.path)
            if stamp != self._stamp:
                self._stamp = stamp
                self._read()
            return list(self._problems)

    def components(self) -> dict[str, str]:
        """For the heartbeat: what the hub has to know to ask in the right way."""
        if self.problems() or self._good is None:
            return {"policy": "unreadable"}
        return {"policy": "ok", "hub_decisions": self._good.decisions.at_hub, "code_review": self._good.code.review}

    def sha256(self) -> str:
        """Of the file as it was read last; of nothing where there is none."""
        self.problems()
        return self._sha256

    def _read(self) -> None:
        text, problems = _text(self.path)
        self._sha256 = hashlib.sha256((text or "").encode()).hexdigest()
        if text is None and not problems and (self._must_exist or self._was_there):
            problems = [_GONE]  # taking the file away must not loosen what it said
        policy = None
        if not problems:
            policy, problems = read_policy(text or "", self._base)
        self._was_there |= text is not None
        self._problems = problems
        if policy is not None:
            if self._good is not None and policy != self._good:
                log.info("the policy has changed")
            self._good = policy
        for problem in problems:
            log.error("the policy file is not taken: line %d, column %d", problem.line, problem.column)


_GONE = Problem(1, 1, "The policy file is gone.", "Put it back; an empty file means the default of every rule.")


def _text(path: Path) -> tuple[str | None, list[Problem]]:
    """The file's text; None where there is no file."""
    try:
        with path.open("rb") as source:
            return source.read(LARGEST_BYTES).decode("utf-8"), []
    except FileNotFoundError:
        return None, []
    except UnicodeDecodeError:
        return None, [Problem(1, 1, "The file is not UTF-8 text.", "Save it as UTF-8.")]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return None, [Problem(1, 1, f"The file cannot be opened: {reason}.", "Let the agent's account read it.")]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
