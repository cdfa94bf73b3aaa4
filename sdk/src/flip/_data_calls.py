"""The calls of a ClientApp: cohort and images."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from flip import _cohort_places, _local, _transport, protocol
from flip._calls import parsed, project_id_of, refuse_server
from flip._environment import Environment, Mode, current_environment
from flip._frame import ACCESSION, frame_from_cohort
from flip.constants import ResourceType
from flip.errors import AccessionNotFound, InvalidArgument, ResourceMissing
from flip.prefetching import Prefetched, accessions_of, fetch_all

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

_COHORT_SECONDS: Final = 300.0
_IMAGES_SECONDS: Final = 1800.0  # the first call of an accession may fetch from the PACS and convert


class DataCalls:
    """Part of `FLIP`."""

    def get_dataframe(self, project_id: str | None = None, query: str | None = "*") -> pd.DataFrame:
        """Fetch the project's cohort at this trust. ClientApp only.

        Parameters
        ----------
        project_id : the run config's `flip-project-id`.
        query : the run config's `flip-cohort-query`, or `*`. Both mean the cohort that the trust approved.

        Returns
        -------
        One row per row of the cohort query, with its columns; `accession_id` (string) in an imaging project, not
        needed in a tabular one. Integers are Int64 and truth values boolean (both can be missing), numbers float64,
        text string, dates and timestamps datetime64 (UTC where the source has an offset).

        Raises
        ------
        CohortQueryMismatch : another query than the approved one.
        CohortTooSmall, NotApproved : the trust's own rules.
        NotAvailableHere : called in a ServerApp.
        LocalDataMissing : local development without `DEV_DATAFRAME`.
        """
        env = current_environment()
        refuse_server(env, "get_dataframe")
        project = project_id_of(project_id)
        if env.mode is Mode.LOCAL:
            frame = _local.dataframe()
        else:
            answer = _transport.request(
                env.platform(),
                "GET",
                protocol.COHORT_PATH,
                query={"project_id": project, "query": query or "*", "layout": protocol.LAYOUT_PACKED},
                read_seconds=_COHORT_SECONDS,
                safe=True,
            )
            frame = frame_from_cohort(parsed(protocol.cohort_from_json, answer))
        if ACCESSION in frame.columns:
            _cohort_places.remember(project, cast("Any", frame)[ACCESSION].tolist())
        return frame

    def get_by_accession_number(
        self,
        project_id: str | None,
        accession_id: str,
        resource_type: ResourceType | str | Iterable[ResourceType | str] = ResourceType.NIFTI,
    ) -> Path:
        """Fetch the images of one accession. ClientApp only. One HTTP call, whatever the number of types.

        Parameters
        ----------
        project_id : the run config's `flip-project-id`.
        accession_id : a value of the cohort's `accession_id` column.
        resource_type : one `ResourceType` or several.

        Returns
        -------
        A folder with `input_*.nii.gz`, and where `SEGMENTATION` was asked for `label_*.nii.gz` beside it, on the
        same grid: replacing `/input_` by `/label_` in a path finds the label. It is the trust's cache: read it, do
        not write into it.

        Raises
        ------
        AccessionNotFound, ResourceMissing : skip the accession and go on with the next. The message, and `details`,
            tell its `index` in the cohort (the row, from 0) and the `resource_types` asked for, never its number.
            The types that are there can still be asked for.
        NotApproved : the trust has not approved the project.
        NotAvailableHere : called in a ServerApp.
        LocalDataMissing : local development; names the folder that was expected.
        """
        types = resource_types_of(resource_type)
        env = current_environment()
        refuse_server(env, "get_by_accession_number")
        project, accession = project_id_of(project_id), str(accession_id)
        try:
            return _folder(env, project, accession, types)
        except (AccessionNotFound, ResourceMissing) as exc:
            raise _placed(exc, _cohort_places.place_of(project, accession), types) from None

    def prefetch(
        self,
        df_or_ids: pd.DataFrame | Iterable[str],
        project_id: str | None = None,
        resource_type: ResourceType | str | Iterable[ResourceType | str] = ResourceType.NIFTI,
        progress: bool = True,
        concurrency: int = 4,
    ) -> Prefetched:
        """Fetch the images of many accessions side by side. ClientApp only.

        Later calls of `get_by_accession_number` for the same accessions come from the trust's cache.

        Parameters
        ----------
        df_or_ids : the cohort, with its `accession_id` column, or accession numbers. Repeats are fetched once.
        project_id : the run config's `flip-project-id`.
        resource_type : one `ResourceType` or several.
        progress : show how far it is on stderr: a bar in a terminal with rich or tqdm, else a line now and then.
            Accession numbers are never shown.
        concurrency : how many are fetched at the same time, 1 to 32.

        Returns
        -------
        `Prefetched`: `folders` by accession, and `failures` with the row (from 0) and the code of each that failed.
        One bad accession raises nothing. A failure that every other one would share (token refused, project not
        approved) ends the asking; the rest is listed under the same code.

        Raises
        ------
        InvalidArgument : no `accession_id` column, or a concurrency out of range.
        NotAvailableHere : called in a ServerApp.
        LocalDataMissing : local development without `DEV_IMAGES_DIR`.

        Examples
        --------
        >>> ready = flip.prefetch(df, project_id=project_id, resource_type=["NIFTI", "SEGMENTATION"])
        >>> for accession, folder in ready.folders.items(): ...
        """
        types = resource_types_of(resource_type)
        env = current_environment()
        refuse_server(env, "prefetch")
        if env.mode is Mode.LOCAL:
            _local.images_root()
        project = project_id_of(project_id)
        return fetch_all(
            accessions_of(df_or_ids),
            lambda accession: _folder(env, project, accession, types),
            concurrency=concurrency,
            progress=progress,
        )

    def add_resource(
        self,
        project_id: str | None,
        accession_id: str,
        path: str | Path,
        resource_type: ResourceType | str = ResourceType.SEGMENTATION,
        name: str | None = None,
    ) -> Path:
        """Keep a derived file, such as a predicted segmentation, with its accession. ClientApp only.

        On the platform the file stays at the trust: `get_by_accession_number` of this project finds it from then on,
        with a version, the run and the time kept beside it. It is never put in place of what the hospital gave.

        Parameters
        ----------
        project_id : the run config's `flip-project-id`.
        accession_id : a value of the cohort's `accession_id` column.
        path : the file to keep. It is copied.
        resource_type : `SEGMENTATION` (whole numbers on the voxel grid of an input) or `NIFTI`; locally also `DICOM`.
        name : what to call it there: `label_*.nii.gz`, `input_*.nii.gz` or `*.dcm`. The file's own name where none
            is given, with `label_` or `input_` put before it if need be.

        Returns
        -------
        Where the file can be read now. Locally `DEV_IMAGES_DIR/<accession>`, beside `input_X` for a `label_X`.

        Raises
        ------
        InvalidArgument : no such file, a name that would not be found again, or (code `resource_exists`) another
            file of that name is there; nothing is overwritten.
        FlipError : on the platform, by code: `resource_exists`, `resource_off_grid`, `resource_not_a_label`,
            `resource_not_a_volume`, `resource_too_large`, `resources_not_taken` (this trust takes none from apps).
        AccessionNotFound : on the platform, an accession outside the cohort.
        NotAvailableHere : called in a ServerApp.
        LocalDataMissing : names the accession's folder that was expected.
        """
        (kind,) = resource_types_of(resource_type)
        env = current_environment()
        refuse_server(env, "add_resource")
        accession, source = str(accession_id), Path(path)
        if env.mode is Mode.LOCAL:
            return _local.add_resource(accession, source, kind, name)
        chosen = _local.resource_name(source, kind, name)
        answer = _transport.request(
            env.platform(),
            "POST",
            protocol.RESOURCES_PATH,
            query={
                "project_id": project_id_of(project_id),
                "accession_id": accession,
                "resource_type": str(kind),
                "name": chosen,
            },
            content=source.read_bytes(),
            read_seconds=_COHORT_SECONDS,
            safe=True,  # the same content again is the same version
        )
        return Path(parsed(protocol.ResourceReply.from_json, answer).path)


def resource_types_of(given: ResourceType | str | Iterable[ResourceType | str]) -> list[ResourceType]:
    many = [given] if isinstance(given, str) else list(given)
    try:
        types = list(dict.fromkeys(ResourceType(kind) for kind in many))
    except ValueError:
        types = []
    if not types:
        raise InvalidArgument(f"resource_type must be one or more of: {', '.join(ResourceType)}.")
    return types


def _folder(env: Environment, project: str, accession: str, types: list[ResourceType]) -> Path:
    if env.mode is Mode.LOCAL:
        return _local.accession_folder(accession, types)
    answer = _transport.request(
        env.platform(),
        "POST",
        protocol.IMAGES_PATH,
        body=protocol.ImagesRequest(project, accession, tuple(str(kind) for kind in types)).to_json(),
        read_seconds=_IMAGES_SECONDS,
        safe=True,  # it fetches into a cache: twice is the same as once
    )
    return Path(parsed(protocol.ImagesReply.from_json, answer).path)


def _placed(
    exc: AccessionNotFound | ResourceMissing, index: int | None, types: list[ResourceType]
) -> AccessionNotFound | ResourceMissing:
    """The same error, with where in the cohort and what was asked for."""
    where = "" if index is None else f"row {index} of the cohort, counted from 0; "
    details: dict[str, Any] = {**exc.details, "resource_types": [str(kind) for kind in types]}
    if index is not None:
        details["index"] = index
    return type(exc)(f"{exc} ({where}asked for {', '.join(types)})", code=exc.code, details=details)
