"""Many accessions side by side: what `FLIP.prefetch` does and gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flip._frame import ACCESSION
from flip.errors import FlipError, InvalidArgument, NotApproved, TokenRefused

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

MAX_CONCURRENCY: Final = 32
CODE_ACCESSION_EMPTY: Final = "accession_empty"


@dataclass(frozen=True, slots=True)
class PrefetchFailure:
    """`index`: the row, from 0, of what was given; `code`: of the error, or `accession_empty`."""

    index: int
    code: str


@dataclass(frozen=True, slots=True, repr=False)
class Prefetched:
    """What is there now. Its text tells counts only, so that it can be logged.

    Attributes
    ----------
    folders : the folder of each accession that is ready, in the order given.
    failures : one for each that is not, in the order given.
    """

    folders: dict[str, Path]
    failures: tuple[PrefetchFailure, ...]

    def __repr__(self) -> str:
        return f"Prefetched({len(self.folders)} ready, {len(self.failures)} failed)"


def accessions_of(df_or_ids: pd.DataFrame | Iterable[Any]) -> list[str | None]:
    """Accession numbers row by row; None where the row has none."""
    if isinstance(df_or_ids, str):
        raise InvalidArgument("Give prefetch the cohort or a list of accession numbers, not a single text.")
    given: Any = df_or_ids
    values: Iterable[Any] = given
    if hasattr(given, "columns"):
        if ACCESSION not in given.columns:
            raise InvalidArgument(
                f"The data frame has no {ACCESSION} column, so there are no images to fetch.",
                code="no_accession_column",
            )
        values = given[ACCESSION].tolist()
    return [None if _empty(value) else str(value) for value in values]


def fetch_all(
    accessions: list[str | None],
    fetch: Callable[[str], Path],
    *,
    concurrency: int,
    progress: bool,
) -> Prefetched:
    """Call `fetch` for each different accession, `concurrency` at a time."""
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise InvalidArgument(f"concurrency must be from 1 to {MAX_CONCURRENCY}.")
    from concurrent.futures import ThreadPoolExecutor  # only who prefetches pays for it

    from flip._progress import Progress

    different = list(dict.fromkeys(accession for accession in accessions if accession is not None))
    outcomes: dict[str, Path | str] = {}
    given_up: list[str] = []  # the code that every further call would end in

    def one(accession: str) -> Path | str:
        if given_up:
            return given_up[0]
        try:
            return fetch(accession)
        except (NotApproved, TokenRefused) as exc:
            given_up.append(exc.code)
            return exc.code
        except FlipError as exc:
            return exc.code

    executor = ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="flip-prefetch")
    try:
        with Progress(len(different), "images", shown=progress) as bar:
            for accession, outcome in zip(different, executor.map(one, different), strict=True):
                outcomes[accession] = outcome
                bar.advance(failed=isinstance(outcome, str))
    finally:
        executor.shutdown(wait=True, cancel_futures=True)  # after Ctrl-C nothing new is asked for

    folders = {accession: outcome for accession, outcome in outcomes.items() if isinstance(outcome, Path)}
    failures: list[PrefetchFailure] = []
    for index, accession in enumerate(accessions):
        outcome = CODE_ACCESSION_EMPTY if accession is None else outcomes[accession]
        if isinstance(outcome, str):
            failures.append(PrefetchFailure(index, outcome))
    return Prefetched(folders, tuple(failures))


def _empty(value: Any) -> bool:
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    try:
        return bool(value != value)  # NaN
    except TypeError:  # pandas.NA has no truth value
        return True
