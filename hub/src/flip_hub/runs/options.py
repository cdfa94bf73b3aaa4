"""What a researcher may choose at *Initiate Training*, beside the app's own run config."""

import math
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from flip_contracts.fl_api import OnCrash, RoundPolicy
from flip_contracts.manifest import Limits
from flip_hub.errors import HubError

FLIP_KEYS: Final = frozenset({"flip-model-id", "flip-project-id", "flip-cohort-query", "flip-min-clients"})
ROUNDS_KEY: Final = "num-server-rounds"
DAY: Final = 24 * 3600


class RunConfigKeyUndeclared(HubError):
    code, status = "run_config_key_undeclared", 422
    public = "The app does not declare these keys. Declare them in [tool.flwr.app.config], or leave them out."


class RunConfigKeyReserved(HubError):
    code, status = "run_config_key_reserved", 422
    public = "The platform sets these keys itself."


class RunConfigTypeWrong(HubError):
    code, status = "run_config_type_wrong", 422
    public = "These values have another type than the app declares."


class RoundsUndeclared(HubError):
    code, status = "rounds_undeclared", 422
    public = f"The app does not declare `{ROUNDS_KEY}`, so its rounds cannot be set from outside. Leave `rounds` out."


class MinTrustsTooHigh(HubError):
    code, status = "min_trusts_too_high", 422
    public = "More trusts are required than are asked. Lower `min_trusts`, or ask more trusts."


class Resources(BaseModel):
    """What the app may use at each trust. A trust's own policy can only lower these."""

    model_config = ConfigDict(extra="forbid")
    wall_seconds: Annotated[int, Field(ge=60, le=30 * DAY)] = 6 * 3600
    memory_bytes: Annotated[int, Field(ge=2**28, le=2**41)] = 8 * 2**30
    processes: Annotated[int, Field(ge=1, le=4096)] = 256

    def limits(self) -> Limits:
        return Limits(**self.model_dump())


class RunOptions(BaseModel):
    """`rounds` sets the app's `num-server-rounds`. The run starts with `min_trusts` online, and ends with fewer.

    Times in seconds; null leaves the hub's own. `join_seconds`: how long asked trusts are waited for. `run_seconds`:
    the longest that the run may take. `no_progress_seconds`: the longest without any sign of life.

    `on_crash`: what becomes of it when its ServerApp, its net or a machine dies (`resume` from the last finished round,
    `restart`, `fail`). `on_slow_trust`: a round goes on without a lost trust, which joins the next one (`drop`); or
    waits up to `rejoin_seconds` for it and sends it its message again (`wait`); or as `drop`, and ends after
    `round_seconds` if `min_trusts` have answered (`minimum`). `empty_rounds` in a row without a result fail the run.
    """

    model_config = ConfigDict(extra="forbid")
    rounds: Annotated[int, Field(ge=1, le=100_000)] | None = None
    min_trusts: Annotated[int, Field(ge=1, le=1000)] = 1
    join_seconds: Annotated[float, Field(ge=5, le=7 * DAY)] | None = None
    run_seconds: Annotated[float, Field(ge=60, le=90 * DAY)] | None = None
    no_progress_seconds: Annotated[float, Field(ge=60, le=30 * DAY)] | None = None
    on_crash: OnCrash = OnCrash.RESUME
    on_slow_trust: Literal["drop", "wait", "minimum"] = "drop"
    round_seconds: Annotated[float, Field(ge=1, le=30 * DAY)] | None = None
    rejoin_seconds: Annotated[float, Field(ge=1, le=7 * DAY)] = 600
    empty_rounds: Annotated[int, Field(ge=1, le=100_000)] = 1
    resources: Resources = Resources()

    @model_validator(mode="after")
    def _minimum_has_a_time(self) -> "RunOptions":
        if (self.on_slow_trust == "minimum") != (self.round_seconds is not None):
            raise ValueError("`round_seconds` belongs to `on_slow_trust: minimum`: set both or neither.")
        return self

    def round_policy(self) -> RoundPolicy:
        return RoundPolicy(
            kind=self.on_slow_trust,
            seconds=self.round_seconds,
            minimum=self.min_trusts,
            rejoin_seconds=self.rejoin_seconds,
            empty_rounds=self.empty_rounds,
        )


def with_rounds(run_config: dict[str, Any], options: RunOptions, declared: dict[str, Any]) -> dict[str, Any]:
    if options.rounds is None:
        return run_config
    if ROUNDS_KEY not in declared:
        raise RoundsUndeclared
    return {**run_config, ROUNDS_KEY: options.rounds}


def check_run_config(declared: dict[str, Any], run_config: dict[str, Any]) -> None:
    if reserved := sorted(set(run_config) & FLIP_KEYS):
        raise RunConfigKeyReserved(keys=reserved)
    if undeclared := sorted(set(run_config) - set(declared)):
        raise RunConfigKeyUndeclared(keys=undeclared)
    wrong = sorted(k for k, v in run_config.items() if not _fits(v, declared[k]))
    if wrong:
        raise RunConfigTypeWrong(expected={k: type(declared[k]).__name__ for k in wrong})


def _fits(value: Any, declared: Any) -> bool:
    """An int is fine where a float is declared; a bool is not an int."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if isinstance(value, str) and "\x00" in value:
        return False
    if type(declared) is float:
        return type(value) in (int, float)
    return type(value) is type(declared)
