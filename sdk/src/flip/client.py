"""The `FLIP` class: the calls that turn a Flower app into a FLIP app."""

from __future__ import annotations

from flip._data_calls import DataCalls
from flip._file_calls import FileCalls
from flip._report_calls import ReportCalls
from flip._server_calls import ServerCalls


class FLIP(ServerCalls, DataCalls, FileCalls, ReportCalls):
    """The connection of a Flower app to FLIP.

    Constructing it does nothing: no network, no files, no required environment, so it can be a default
    argument (`flip: FLIP = FLIP()`). Each call finds out where it runs: in the ServerApp on the hub, in a
    ClientApp at a trust, or on your own machine, where data come from `DEV_DATAFRAME` and `DEV_IMAGES_DIR`
    and reports are kept in `flip-local/<time>/`.

    Parameters
    ----------
    job_type : accepted for apps written for other versions; changes nothing.

    Notes
    -----
    ServerApp: `update_status`, `upload_results`. ClientApp: `get_dataframe`, `get_by_accession_number`, `prefetch`,
    `add_resource`. Both: `get_file`, `send_metrics`, `send_handled_exception`, `flush`, `cleanup`. A call on the
    wrong side raises `flip.errors.NotAvailableHere`; every error is a `flip.errors.FlipError` with a stable `code`.
    """

    def __init__(self, job_type: str | None = None) -> None:
        self.job_type = job_type
