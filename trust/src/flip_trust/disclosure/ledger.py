"""Counts of the imaging ledger that may leave: of accessions, at least `threshold`, rounded like every other count."""

from collections.abc import Iterable
from uuid import UUID, uuid4

from flip_contracts.messages import ImagingMessage
from flip_contracts.statuses import ImagingStage
from flip_trust.disclosure.policy import Policy
from flip_trust.disclosure.rounding import rounded_number
from flip_trust.imaging.errors import Exclusion


def imaging_message(
    project_id: UUID, stages: dict[str, int], excluded: dict[str, int], *, final: bool, policy: Policy, key: bytes
) -> ImagingMessage:
    """A stage or a reason of too few accessions is named as suppressed, and so is one of none: they look the same."""

    def told(names: Iterable[str], counts: dict[str, int]) -> dict[str, int]:
        return {
            str(name): rounded_number(counts[name], policy.round_to, key, f"{project_id} {name} {counts[name]}")
            for name in names
            if counts.get(name, 0) >= policy.threshold
        }

    told_stages, told_reasons = told(ImagingStage, stages), told(Exclusion, excluded)
    return ImagingMessage(
        id=uuid4(),
        project_id=project_id,
        stages=told_stages,
        excluded=told_reasons,
        suppressed=[str(n) for n in (*ImagingStage, *Exclusion) if n not in told_stages and n not in told_reasons],
        threshold=policy.threshold,
        rounded_to=policy.round_to,
        final=final,
    )
