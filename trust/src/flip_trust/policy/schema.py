"""The rules of a trust: what it tells, who may decide, which code and runs it takes. One YAML file, one schema.

`docs/trust-authority.md` explains each for the people who set them; a test fails where one is missing there.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from flip_trust.settings import TrustSettings


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"it is no regular expression ({error})") from None
    return text


class DisclosureRules(Section):
    """What aggregates tell."""

    threshold: int = Field(default=10, ge=1, le=256, description="Fewer distinct persons than this are never told.")
    round_to: int = Field(default=10, ge=1, description="Counts that leave are rounded to this.")
    tell_zero: bool = Field(default=False, description="Tell nobody (0) from fewer than the threshold.")
    project_queries_per_day: int = Field(default=50, ge=1, description="Cohort queries of one project a day.")
    user_queries_per_day: int = Field(default=100, ge=1, description="Cohort queries of one user a day, all projects.")
    compare_all_projects: bool = Field(
        default=False, description="Compare a query with those of every project, against people who work together."
    )
    epsilon_per_column: float = Field(
        default=0.0, ge=0, description="Differential privacy of one histogram of numbers or dates; 0 is without."
    )
    epsilon_per_project: float = Field(default=10.0, ge=0, description="Epsilon that one project may spend, ever.")


class DecisionRules(Section):
    """Who decides on projects, and for how long."""

    at_hub: Literal["refused", "allowed"] = Field(
        default="refused", description="Whether the trust's admin may decide in the hub's page, too."
    )
    longest_days: int | None = Field(
        default=None, ge=1, le=3650, description="An approval holds at most so many days; without an end it gets this."
    )


class CodeRules(Section):
    """Which apps run here."""

    review: Literal["auto", "manual"] = Field(
        default="auto", description="manual: the staff approve each app, by the hash of its bundle, before it runs."
    )
    reviewers: int = Field(default=1, ge=1, le=2, description="How many different people have to approve an app.")


class RunRules(Section):
    """What a run may do here, whatever it asks."""

    allowed: bool = Field(default=True, description="false: this trust takes part in no run.")
    manifest_hours: int = Field(default=24, ge=1, le=720, description="A run that was signed longer ago is refused.")
    wall_seconds: int = Field(default=6 * 3600, ge=1, description="Time of one ClientApp.")
    memory_bytes: int = Field(default=8 * 2**30, ge=1, description="Memory of one ClientApp.")
    processes: int = Field(default=256, ge=1, description="Processes and threads of one run.")
    metric_labels: Annotated[str, AfterValidator(_pattern)] = Field(
        default=r"[A-Za-z][A-Za-z0-9_.@/-]{0,63}", description="Metric labels that may leave: a regular expression."
    )


class TrustPolicy(Section):
    disclosure: DisclosureRules = DisclosureRules()
    decisions: DecisionRules = DecisionRules()
    code: CodeRules = CodeRules()
    runs: RunRules = RunRules()


def rules() -> dict[tuple[str, str], str]:
    """Every rule with what it means."""
    found: dict[tuple[str, str], str] = {}
    for name, section in TrustPolicy.model_fields.items():
        kind = section.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, BaseModel)
        found |= {(name, rule): field.description or "" for rule, field in kind.model_fields.items()}
    return found


def of_settings(settings: TrustSettings) -> dict[str, dict[str, Any]]:
    """What the FLIP_TRUST_* variables of earlier versions say; the file goes before them."""
    return {
        "disclosure": {rule: getattr(settings, rule) for rule in DisclosureRules.model_fields},
        "runs": {
            "wall_seconds": settings.run_wall_seconds,
            "memory_bytes": settings.run_memory_bytes,
            "processes": settings.run_processes,
            "metric_labels": settings.metric_label_pattern,
        },
    }
