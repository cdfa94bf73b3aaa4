"""`flip-trust mock`: a folder that works as DEV_DATAFRAME and DEV_IMAGES_DIR, made of aggregates alone."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

import numpy as np

from flip_contracts.tasks import CohortCount, CohortCountResult
from flip_trust.errors import TrustError
from flip_trust.mock.cohort import accession, rows
from flip_trust.mock.images import GENERIC, Geometry, write_study

MAX_STUDIES: Final = 200


class FolderNotEmpty(TrustError):
    code, status = "folder_not_empty", 409


class CohortNotTold(TrustError):
    code, status = "cohort_not_told", 403


@dataclass(frozen=True)
class Made:
    studies: int
    geometries: int  # 0: none may be told, a generic one was taken
    constant: list[str]  # columns of which nothing may be told


def question(project_id: UUID, sql: str) -> CohortCount:
    """The same each time, so that it costs the project's budget once."""
    return CohortCount(query_id=uuid5(NAMESPACE_URL, f"flip-mock:{project_id}:{sql}"), project_id=project_id, sql=sql)


def write_mock(
    out: Path,
    columns: list[tuple[str, str]],
    told: CohortCountResult,
    geometries: list[tuple[Geometry, int]],
    *,
    studies: int,
    seed: int,
) -> Made:
    """Write dataframe.csv, accession-resources/<accession>/ (if the cohort has accession_id) and README.md into `out`.

    Nothing of the trust's data goes in but `columns`, `told` and `geometries`. The same arguments give the same bytes.
    """
    if out.exists() and any(out.iterdir()):
        raise FolderNotEmpty("The folder for mock data is not empty. Name a new one.")
    if told.suppressed:
        raise CohortNotTold("Too few persons: nothing may be told of this cohort, and so nothing be made of it.")
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    made, constant = rows(columns, told.columns, studies, rng)
    with (out / "dataframe.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([name for name, _ in columns])
        writer.writerows(made)
    imaging = "accession_id" in [name for name, _ in columns]
    if imaging:
        choices = geometries or [(GENERIC, 1)]
        weights = np.array([float(count) for _, count in choices])
        for number in range(1, studies + 1):
            geometry = choices[int(rng.choice(len(choices), p=weights / weights.sum()))][0]
            write_study(out / "accession-resources" / accession(number), geometry, seed * 100_003 + number)
    result = Made(studies, len(geometries), constant)
    (out / "README.md").write_text(_readme(told, result, imaging), encoding="utf-8")
    return result


def _readme(told: CohortCountResult, made: Made, imaging: bool) -> str:
    lines = [
        "# Mock data",
        "",
        "Nobody is in here. Every row was drawn at random, column by column, from counts that the trust lets out of "
        f"its cohort: of at least {told.threshold} persons, rounded to {told.rounded_to}. How columns hang together is "
        "not in it. Do not draw conclusions from it; use it to see that an app runs.",
        "",
    ]
    if made.constant:
        lines += [
            f"Nothing may be told of these columns, so each holds one made-up value: {', '.join(made.constant)}.",
            "",
        ]
    lines += ["```sh", "export DEV_DATAFRAME=$PWD/dataframe.csv"]
    if imaging:
        lines += ["export DEV_IMAGES_DIR=$PWD/accession-resources"]
    lines += ["flip app run PATH/OF/YOUR/APP", "```"]
    if imaging:
        shared = (
            "sizes and spacings that enough persons' images share"
            if made.geometries
            else ("a generic size and spacing, since too few images share any")
        )
        lines += [
            "",
            "Each image is a phantom of an abdomen with its spleen as label, whatever the project is about, with "
            f"{shared}.",
        ]
    return "\n".join(lines) + "\n"
