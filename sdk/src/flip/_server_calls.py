"""The calls of a ServerApp: status and results."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from flip import _local, _metrics, _transport, protocol
from flip._calls import model_id_of, now
from flip._environment import Environment, Mode, current_environment
from flip.constants import ModelStatus
from flip.errors import InvalidArgument, LocalDataMissing, NotAvailableHere

log = logging.getLogger("flip")

_FLUSH_SECONDS: Final = 10.0


class ServerCalls:
    """Part of `FLIP`."""

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
        TokenRefused : the run has ended or was stopped.
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
            _local.report("status", {"at": now(), "model_id": model_id, "status": str(status)})
            return
        _metrics.flush_all(_FLUSH_SECONDS)  # what was measured before the change is charted before it
        body = protocol.StatusBody(model_id_of(model_id), str(status))
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

        Raises
        ------
        InvalidArgument : nothing is there to upload.
        NotAvailableHere : called in a ClientApp.
        """
        import shutil

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
        elif source.resolve().parent != target.resolve():
            shutil.copy2(source, target / source.name)
        return target

    upload_results_to_s3 = upload_results


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
