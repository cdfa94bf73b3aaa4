"""Who is at the page: login with a second factor, sessions, and the lock after wrong tries."""

import hashlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flip_contracts.codes import new_code
from flip_trust.staff import passwords, totp
from flip_trust.staff.book import Member, Role, StaffBook
from flip_trust.staff.errors import (
    StaffLocked,
    StaffLoginWrong,
    StaffNameInvalid,
    StaffNameTaken,
    StaffUnknown,
    TotpWrong,
)

log = logging.getLogger(__name__)
LOGIN_PATTERN: Final = re.compile(r"[a-z][a-z0-9._-]{0,63}")
IDLE_SECONDS: Final = 30 * 60
LONGEST_SECONDS: Final = 10 * 3600  # one working day
LOCK_SECONDS: Final = 15 * 60
TRIES_OF_LOGIN: Final = 5
TRIES_OF_ADDRESS: Final = 50  # a whole department may stand behind one address
NOTE_USE_SECONDS: Final = 30


@dataclass(frozen=True)
class Visit:
    """Somebody at the page. `setting_up`: only the page that finishes their account is open to them."""

    member: Member
    token: str
    secret: str

    @property
    def login(self) -> str:
        return self.member.login

    @property
    def setting_up(self) -> bool:
        return not self.member.is_set_up

    @property
    def csrf(self) -> str:
        """Derived, so that only who holds the session's token, or was shown this, knows it."""
        return hmac.new(self.token.encode(), b"csrf", hashlib.sha256).hexdigest()


class Staff:
    def __init__(self, book: StaffBook, clock: Callable[[], float] = time.time):
        self._book, self._clock = book, clock

    # --- accounts, by the command line ---
    def add(self, login: str, role: Role) -> str:
        """A first password, good for one login: then its owner chooses one and sets up an authenticator."""
        if not LOGIN_PATTERN.fullmatch(login):
            raise StaffNameInvalid("A login begins with a small letter and holds small letters, digits, '.', '-', '_'.")
        password = new_code()
        if not self._book.add(login, role, passwords.hasher.hash(password), self._clock()):
            raise StaffNameTaken(f"There is already '{login}'. `flip-trust staff reset {login}` gives a new password.")
        return password

    def reset(self, login: str) -> str:
        """For a lost password or phone: a new first password; sessions and the lock end."""
        password = new_code()
        changes = {"password_hash": passwords.hasher.hash(password), "must_change": 1, "totp_secret": ""}
        if not self._book.change(login, **changes):
            raise _unknown(login)
        self._book.end_sessions(login)
        self._book.forget_tries(f"login:{login}")
        return password

    def remove(self, login: str) -> None:
        if not self._book.remove(login):
            raise _unknown(login)

    def set_role(self, login: str, role: Role) -> None:
        if not self._book.change(login, role=role):
            raise _unknown(login)

    def members(self) -> list[Member]:
        return self._book.members()

    # --- the page ---
    def log_in(self, login: str, password: str, code: str, address: str) -> str:
        """The session's token. Raises `StaffLoginWrong` or `StaffLocked`, whether the account exists or not."""
        login = login.strip().lower()[:64]
        bounds = {f"login:{login}": TRIES_OF_LOGIN, f"address:{address}": TRIES_OF_ADDRESS}
        self._count(bounds)
        member = self._book.member(login)
        right = passwords.is_right(member.password_hash if member else None, password[:1000])
        if member is None or not right or (member.totp_secret and not self._use_code(member, code)):
            log.warning("a login at the page failed")
            raise StaffLoginWrong
        self._book.forget_tries(*bounds)
        self._book.forget_sessions(self._clock() - LONGEST_SECONDS, self._clock() - IDLE_SECONDS)
        log.info("%s (%s) logged in at the page", member.login, member.role)
        return self._open(member, "" if member.is_set_up else totp.new_secret())

    def finish(self, visit: Visit, password: str, code: str, address: str) -> str:
        """Own password and authenticator, in one step; a new session without bounds."""
        self._count({f"login:{visit.login}": TRIES_OF_LOGIN, f"address:{address}": TRIES_OF_ADDRESS})
        hashed = passwords.hashed(password, visit.login)
        step = totp.step_of(visit.secret, code, self._clock())
        if step is None:
            raise TotpWrong
        changes = {"password_hash": hashed, "must_change": 0, "totp_secret": visit.secret, "totp_last_step": step}
        self._book.change(visit.login, **changes)
        self._book.forget_tries(f"login:{visit.login}", f"address:{address}")
        self._book.end_sessions(visit.login)
        return self._open(visit.member, "")

    def visit(self, token: str) -> Visit | None:
        """Who holds this session, if it has not ended."""
        digest, now = _sha256(token), self._clock()
        row = self._book.session(digest) if token else None
        member = self._book.member(row.login) if row else None
        if row is None or member is None:
            return None
        if row.started_at < now - LONGEST_SECONDS or row.used_at < now - IDLE_SECONDS:
            self._book.end_session(digest)
            return None
        if row.used_at < now - NOTE_USE_SECONDS:
            self._book.note_use(digest, now)
        return Visit(member, token, row.secret)

    def log_out(self, visit: Visit) -> None:
        self._book.end_session(_sha256(visit.token))

    def _open(self, member: Member, secret: str) -> str:
        token = secrets.token_urlsafe(32)
        self._book.put_session(_sha256(token), member.login, secret, self._clock())
        return token

    def _use_code(self, member: Member, code: str) -> bool:
        """Each code works once."""
        with self._book.transaction():
            fresh = self._book.member(member.login)
            step = totp.step_of(fresh.totp_secret, code, self._clock()) if fresh else None
            if fresh is None or step is None or step <= fresh.totp_last_step:
                return False
            return self._book.change(member.login, totp_last_step=step)

    def _count(self, bounds: dict[str, int]) -> None:
        """Counted before the try, so that tries sent side by side cannot slip past."""
        now = self._clock()
        counted = [(self._book.count_try(key, now, LOCK_SECONDS), most) for key, most in bounds.items()]
        if over := [since for (wrong, since), most in counted if wrong > most]:
            minutes = max(1, -(-int(max(over) + LOCK_SECONDS - now) // 60))
            raise StaffLocked(f"Too many tries. Try again in {minutes} min, or ask for `flip-trust staff reset`.")


def _unknown(login: str) -> StaffUnknown:
    return StaffUnknown(f"There is no '{login}'. `flip-trust staff list` shows who there is.")


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
