"""What a trust lets out: the numbers of its policy that disclosure control works with."""

from dataclasses import dataclass
from typing import Self

from flip_trust.policy.schema import TrustPolicy


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
    def of(cls, policy: TrustPolicy) -> Self:
        return cls(**policy.disclosure.model_dump())
