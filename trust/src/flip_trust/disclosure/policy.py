"""What a trust lets out: the numbers of its settings that disclosure control works with."""

from dataclasses import dataclass
from typing import Self

from flip_trust.settings import TrustSettings


@dataclass(frozen=True)
class Policy:
    """`docs/disclosure-control.md` says for data owners what each does."""

    threshold: int = 10
    round_to: int = 10
    tell_zero: bool = False
    project_queries_per_day: int = 50
    user_queries_per_day: int = 100
    compare_all_projects: bool = False
    epsilon_per_column: float = 0.0  # 0: no differential privacy
    epsilon_per_project: float = 0.0

    @classmethod
    def of(cls, settings: TrustSettings) -> Self:
        return cls(
            threshold=settings.threshold,
            round_to=settings.round_to,
            tell_zero=settings.tell_zero,
            project_queries_per_day=settings.project_queries_per_day,
            user_queries_per_day=settings.user_queries_per_day,
            compare_all_projects=settings.compare_all_projects,
            epsilon_per_column=settings.epsilon_per_column,
            epsilon_per_project=settings.epsilon_per_project,
        )
