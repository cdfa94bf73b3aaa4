"""Why somebody is not let in. None of these says whether an account exists."""

from flip_trust.errors import TrustError


class StaffLoginWrong(TrustError):
    code, status = "staff_login_wrong", 401
    public = "Login, password or code is wrong. Each code works once: if yours was used, wait for the next one."

    def __init__(self):
        super().__init__(self.public)


class StaffLocked(TrustError):
    """Too many wrong tries: of one login, or from one address. It ends by itself."""

    code, status = "staff_locked", 429


class StaffNameInvalid(TrustError):
    """A login is 1 to 64 small letters, digits, dots, hyphens and underscores, beginning with a letter."""

    code, status = "staff_name_invalid", 422


class StaffNameTaken(TrustError):
    """There is already a member of staff of this login; `flip-trust staff reset` gives a new password."""

    code, status = "staff_name_taken", 409


class StaffUnknown(TrustError):
    """No member of staff has this login; `flip-trust staff list` shows all."""

    code, status = "staff_unknown", 404


class PasswordTooWeak(TrustError):
    """A password has 12 characters or more and is not a common pattern; four random words make a good one."""

    code, status = "password_too_weak", 422


class TotpWrong(TrustError):
    code, status = "totp_wrong", 401
    public = "This code is wrong. Wait for the next one, and check that the phone's clock is right."

    def __init__(self):
        super().__init__(self.public)
