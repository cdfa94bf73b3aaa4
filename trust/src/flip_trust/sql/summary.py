"""Fixed aggregates of a cohort out of what an engine counted."""

from typing import Any

from flip_trust.sql.engine import CohortSummary


def summarised(counted: dict[str, list[list[Any]]]) -> CohortSummary:
    histograms = {
        name: {str(value): count for value, count in counted[name]} for name in ("sex", "age_band", "modality")
    }
    return CohortSummary(counted["persons"][0][0], counted["accessions"][0][0], histograms)
