"""Counts of the imaging ledger that may leave: of accessions of enough persons, rounded like every other count."""

from collections.abc import Iterable, Mapping
from uuid import UUID, uuid4

from flip_contracts.messages import ImagingMessage
from flip_contracts.statuses import ImagingStage
from flip_trust.disclosure.policy import Policy
from flip_trust.disclosure.rounding import rounded_number
from flip_trust.imaging.errors import Exclusion

Standing = tuple[str, str, str]  # an accession's key, its stage, and why it is excluded


def imaging_message(
    project_id: UUID,
    standings: Iterable[Standing],
    owners: Mapping[str, int],
    *,
    final: bool,
    policy: Policy,
    key: bytes,
) -> ImagingMessage:
    """`owners`: whose each accession is. One of nobody who is known counts for nobody.

    A stage or a reason of too few persons is named as suppressed, and so is one of none: they look the same.
    """
    accessions: dict[str, set[str]] = {}
    persons: dict[str, set[int]] = {}
    for accession, stage, reason in standings:
        for name in (stage, reason):
            accessions.setdefault(name, set()).add(accession)
            if accession in owners:
                persons.setdefault(name, set()).add(owners[accession])

    def told(names: Iterable[str]) -> dict[str, int]:
        counts = {str(n): len(accessions[n]) for n in names if len(persons.get(n, ())) >= policy.threshold}
        return {
            name: rounded_number(count, policy.round_to, key, f"{project_id} {name} {count}")
            for name, count in counts.items()
        }

    stages, reasons = told(ImagingStage), told(Exclusion)
    return ImagingMessage(
        id=uuid4(),
        project_id=project_id,
        stages=stages,
        excluded=reasons,
        suppressed=[str(n) for n in (*ImagingStage, *Exclusion) if n not in stages and n not in reasons],
        threshold=policy.threshold,
        rounded_to=policy.round_to,
        final=final,
    )
