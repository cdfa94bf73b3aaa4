"""Expected failures of the Flower side. `code` is stable; `public` says what to do next."""

from typing import Any, ClassVar


class FlError(Exception):
    code: ClassVar[str] = "fl_error"
    status: ClassVar[int] = 500

    def __init__(self, public: str, **details: Any):
        self.public = public
        self.details = details
        super().__init__(public)


class RunUnknown(FlError):
    code, status = "run_unknown", 404


class AppInvalid(FlError):
    """The uploaded app cannot become a FAB."""

    code, status = "app_invalid", 422


class FabTooLarge(AppInvalid):
    code = "fab_too_large"


class RunConfigKeyUndeclared(AppInvalid):
    code = "run_config_key_undeclared"


class StagedFilesTooLarge(AppInvalid):
    code = "staged_files_too_large"


class StagedFileWrong(AppInvalid):
    """What arrived is not what the run's specification announced."""

    code = "staged_file_wrong"


class StagedFileMissing(AppInvalid):
    code = "staged_file_missing"


class ResultsNotReady(FlError):
    code, status = "results_not_ready", 404


class TokenInvalid(FlError):
    code, status = "token_invalid", 401


class SandboxTooLow(FlError):
    """This machine cannot wall app code in as well as its owner demands."""

    code, status = "sandbox_below_policy", 503


class SuperLinkRefused(FlError):
    code, status = "superlink_refused", 502


class SuperLinkUnreachable(FlError):
    code, status = "superlink_unreachable", 503
