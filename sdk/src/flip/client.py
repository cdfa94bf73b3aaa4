"""The `FLIP` class: the calls that turn a Flower app into a FLIP app."""

from __future__ import annotations

import logging
import math
import os
import shutil
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, SupportsFloat, TypeVar

from flip import _local, _metrics, _transport, protocol
from flip._environment import Environment, Mode, current_environment
from flip._frame import frame_from_cohort
from flip._labels import accepted_axis, accepted_label
from flip.constants import ModelStatus, ResourceType
from flip.errors import FlipError, InvalidArgument, LocalDataMissing, NotAvailableHere, PlatformUnavailable

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

log = logging.getLogger("flip")

_COHORT_SECONDS: Final = 300.0
_IMAGES_SECONDS: Final = 1800.0  # the first call of an accession may fetch from the PACS and convert
_FLUSH_SECONDS: Final = 10.0
_MAX_NAME: Final = 128
_MAX_ROUND: Final = 2**31 - 1  # the hub keeps rounds as 32-bit integers
_T = TypeVar("_T")


class FLIP:
    """The connection of a Flower app to FLIP.

    Constructing it does nothing: no network, no files, no required environment, so it can be a default
    argument (`flip: FLIP = FLIP()`). Each call finds out where it runs: in the ServerApp on the hub, in a
    ClientApp at a trust, or on your own machine, where data come from `DEV_DATAFRAME` and `DEV_IMAGES_DIR`
    and reports are kept in `flip-local/<time>/`.

    Parameters
    ----------
    job_type : accepted for apps written for other versions; changes nothing.
    """

    def __init__(self, job_type: str | None = None) -> None:
        self.job_type = job_type

    # --- lifecycle: ServerApp ---

    def update_status(self, model_id: str | None, new_model_status: ModelStatus | str) -> None:
        """Report where the model is in its lifecycle. ServerApp only.

        Parameters
        ----------
        model_id : the run config's `flip-model-id`.
        new_model_status : a `ModelStatus`. Repeats do no harm; the bar never goes back.

        Raises
        ------
        InvalidArgument : not a status.
        NotAvailableHere : called in a ClientApp.
        PlatformUnavailable : the platform did not answer, after some seconds of trying.
        """
        try:
            status = ModelStatus(new_model_status)
        except ValueError:
            raise InvalidArgument(
                f"There is no model status of that name. Use one of: {', '.join(ModelStatus)}."
            ) from None
        env = current_environment()
        if env.mode is Mode.CLIENT:
            raise NotAvailableHere("update_status belongs in the ServerApp; a ClientApp has no model status.")
        if env.mode is Mode.LOCAL:
            log.info("model status: %s", status)
            _local.report("status", {"at": _now(), "model_id": model_id, "status": str(status)})
            return
        _metrics.flush_all(_FLUSH_SECONDS)  # what was measured before the change is charted before it
        body = protocol.StatusBody(_model_id(model_id), str(status))
        _transport.request(env.platform(), "POST", protocol.RELAY_STATUS_PATH, body=body.to_json(), safe=True)

    def upload_results(self, results_folder: str | Path, model_id: str | None = None) -> Path:
        """Keep a file, or a folder's content, as results of the run. ServerApp only.

        Parameters
        ----------
        results_folder : what to keep. Symbolic links in it are left out.
        model_id : accepted for apps written for other versions; the run knows its model.

        Returns
        -------
        The folder the results are in now: collected when the run ends; locally `flip-local/<time>/results`.
        """
        del model_id
        env = current_environment()
        source = Path(results_folder)
        if not source.exists():
            raise InvalidArgument("The results to upload do not exist. Save them first.", code="no_results")
        target = _results_dir(env)
        target.mkdir(parents=True, exist_ok=True)
        if source.resolve() == target.resolve():
            return target
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=_links)
        else:
            shutil.copy2(source, target / source.name)
        return target

    upload_results_to_s3 = upload_results

    # --- data: ClientApp ---

    def get_dataframe(self, project_id: str | None = None, query: str = "*") -> pd.DataFrame:
        """Fetch the project's cohort at this trust. ClientApp only.

        Parameters
        ----------
        project_id : the run config's `flip-project-id`.
        query : the run config's `flip-cohort-query`, or `*`. Both mean the cohort that the trust approved.

        Returns
        -------
        One row per row of the cohort query, with its columns; `accession_id` (string) in an imaging project.
        Integers are Int64 and truth values boolean (both can be missing), numbers float64, text string, dates
        and timestamps datetime64.

        Raises
        ------
        CohortQueryMismatch : another query than the approved one.
        CohortTooSmall, NotApproved : the trust's own rules.
        NotAvailableHere : called in a ServerApp.
        LocalDataMissing : local development without `DEV_DATAFRAME`.
        """
        env = current_environment()
        _refuse_server(env, "get_dataframe")
        if env.mode is Mode.LOCAL:
            return _local.dataframe()
        answer = _transport.request(
            env.platform(),
            "GET",
            protocol.COHORT_PATH,
            query={"project_id": _project_id(project_id), "query": query},
            read_seconds=_COHORT_SECONDS,
            safe=True,
        )
        return frame_from_cohort(_parsed(protocol.Cohort.from_json, answer))

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
        A folder with `input_*.nii.gz`, and where `SEGMENTATION` was asked for `label_*.nii.gz` on the same
        grid. It is the trust's cache: read it, do not write into it.

        Raises
        ------
        AccessionNotFound, ResourceMissing : skip the accession and go on with the next.
        NotApproved : the trust has not approved the project.
        NotAvailableHere : called in a ServerApp.
        LocalDataMissing : local development; names the folder that was expected.
        """
        types = _resource_types(resource_type)
        env = current_environment()
        _refuse_server(env, "get_by_accession_number")
        if env.mode is Mode.LOCAL:
            return _local.accession_folder(str(accession_id), types)
        body = protocol.ImagesRequest(_project_id(project_id), str(accession_id), tuple(str(kind) for kind in types))
        answer = _transport.request(
            env.platform(),
            "POST",
            protocol.IMAGES_PATH,
            body=body.to_json(),
            read_seconds=_IMAGES_SECONDS,
            safe=True,  # it fetches into a cache: twice is the same as once
        )
        return Path(_parsed(protocol.ImagesReply.from_json, answer).path)

    # --- reports: both sides ---

    def send_metrics(
        self,
        client_name: str | None,
        model_id: str | None,
        label: str,
        value: SupportsFloat,
        round: int | None = None,
        *,
        global_round: int | None = None,
        x_value: float | None = None,
        x_label: str | None = None,
    ) -> None:
        """Show a value on the model's chart. Returns at once; a background thread sends it.

        Parameters
        ----------
        client_name : `os.getenv("SUPERNODE_NAME")`. A note only: the platform knows which trust is speaking.
        model_id : the run config's `flip-model-id`; the run knows its model.
        label : stable upper-case name, such as TRAIN_LOSS, VAL_LOSS, VAL_DICE.
        value : a finite number; NaN and infinities are refused with a warning and do not stop the training.
        round, global_round : where on the x axis; two names for the same thing.
        x_value, x_label : another x axis, such as an epoch or a learning rate.
        """
        at_round = _round(round if round is not None else global_round)
        number, x_number = _finite(value), None if x_value is None else _finite(x_value)
        if number is None or at_round is None or (x_value is not None and x_number is None):
            log.warning(
                "a metric was not sent: its value or x_value is not a finite number, "
                "or its round is not a whole number from 0"
            )
            return
        point = protocol.MetricPoint(
            id=str(uuid.uuid4()),
            label=_label(label),
            value=number,
            round=at_round,
            at=_now(),
            x_label=accepted_axis(x_label),
            x_value=x_number,
            client_name=str(client_name or "")[:_MAX_NAME],
        )
        _metrics.record(point.label, point.x_label, float(at_round) if x_number is None else x_number)
        env = current_environment()
        if env.mode is Mode.LOCAL:
            log.info("%s %s = %.6g (round %d)", point.client_name, point.label, point.value, point.round)
            _local.report("metrics", {**point.to_json(), "model_id": model_id})
            return
        _metrics.queue_for(env.platform(), _path(env, "metrics")).put(point)

    def send_handled_exception(
        self,
        exception: BaseException | str,
        client_name: str | None = None,
        model_id: str | None = None,
    ) -> None:
        """Report a failure that the app got over. Never raises because the platform is away.

        Parameters
        ----------
        exception : what was caught, or a text. A trust may shorten the text, or keep it to itself.
        client_name, model_id : accepted for apps written for other versions; the platform knows both.
        """
        del client_name, model_id
        name = "HandledException" if isinstance(exception, str) else type(exception).__name__
        body = protocol.ExceptionBody(name, str(exception)[: protocol.MAX_EXCEPTION_TEXT])
        env = current_environment()
        if env.mode is Mode.LOCAL:
            log.warning("handled exception: %s", name)
            _local.report("exceptions", {"at": _now(), **body.to_json()})
            return
        try:
            _transport.request(env.platform(), "POST", _path(env, "exceptions"), body=body.to_json(), pauses=(0.2,))
        except FlipError as exc:
            log.warning("a handled exception could not be reported: %s", exc.code)

    def flush(self, timeout: float = _FLUSH_SECONDS) -> bool:
        """Send the metrics that wait in the background, now. False if some still wait after `timeout` s."""
        return _metrics.flush_all(timeout)

    def cleanup(self, path: str | Path | None = None) -> None:
        """Finish: send what waits. Images need no cleaning up; they are the trust's cache."""
        del path
        self.flush()


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _model_id(given: str | None) -> str:
    return given or os.environ.get(protocol.ENV_MODEL_ID, "")


def _project_id(given: str | None) -> str:
    return given or os.environ.get(protocol.ENV_PROJECT_ID, "")


def _path(env: Environment, what: str) -> str:
    prefix = protocol.RELAY_PREFIX if env.mode is Mode.SERVER else protocol.DATA_PREFIX
    return f"{prefix}/{what}"


def _refuse_server(env: Environment, call: str) -> None:
    if env.mode is Mode.SERVER:
        raise NotAvailableHere(
            f"{call} belongs in the ClientApp: the ServerApp runs at the hub, which has no patient data."
        )


def _results_dir(env: Environment) -> Path:
    if env.mode is Mode.CLIENT:
        raise NotAvailableHere("upload_results belongs in the ServerApp; return arrays and metrics instead.")
    if env.mode is Mode.LOCAL:
        return _local.report_dir() / "results"
    if env.results_dir is None:
        raise LocalDataMissing(f"{protocol.ENV_RESULTS_DIR} is not set.", code="invalid_environment")
    return env.results_dir


def _links(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if Path(folder, name).is_symlink()}


def _resource_types(given: ResourceType | str | Iterable[ResourceType | str]) -> list[ResourceType]:
    many = [given] if isinstance(given, str) else list(given)
    try:
        types = list(dict.fromkeys(ResourceType(kind) for kind in many))
    except ValueError:
        types = []
    if not types:
        raise InvalidArgument(f"resource_type must be one or more of: {', '.join(ResourceType)}.")
    return types


def _finite(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # RuntimeError: a torch tensor of several elements
        return None
    return number if math.isfinite(number) else None


def _round(given: Any) -> int | None:
    number = 0.0 if given is None else _finite(given)
    return int(number) if number is not None and number.is_integer() and 0 <= number <= _MAX_ROUND else None


def _label(given: str) -> str:
    """A label the platform accepts. Repaired with a warning: a chart's name must not end a training."""
    label = accepted_label(given)
    if label != given:
        log.warning("a metric label was changed to %s: use letters, digits and _ . @ / -", label)
    return label


def _parsed(reader: Callable[[Any], _T], answer: Any) -> _T:
    try:
        return reader(answer)
    except (KeyError, TypeError, ValueError):  # nothing of the body is repeated: it may hold patient values
        raise PlatformUnavailable(
            "The platform's local service answered in a form that this SDK does not know. Update flip-utils.",
            code="unexpected_answer",
        ) from None
