"""The one place that decides what text about a ClientApp may leave the trust."""

from flip_trust.store import CohortRow

LONGEST = 300
WITHHELD = "[withheld: the cohort is gone]"
SHORTEST_VALUE = 4  # shorter values are too common to mean a person


def scrub(text: str, cohort: CohortRow | None) -> str:
    """Replace every value of the frozen cohort by [value]; cut to 300 characters.

    Without the cohort (it was forgotten a moment ago) nobody can tell what the text quotes, so nothing of it leaves.
    """
    if cohort is None:
        return WITHHELD if text else ""
    values = {str(v) for row in cohort.rows for v in row if v is not None and len(str(v)) >= SHORTEST_VALUE}
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "[value]")
    return text[:LONGEST]
