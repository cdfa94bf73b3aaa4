"""Inside a ServerApp's process: what stands around Flower's own runner, strategy and grid.

Everything here observes or corrects `Strategy.start`, which every strategy of `flwr.serverapp.strategy` inherits.
"""

import importlib
import inspect
from typing import Any

import flwr.serverapp.strategy.fedavg as flwr_fedavg  # noqa: F401  loads the stock strategies
import flwr.serverapp.strategy.strategy_utils as flwr_strategy_utils
import flwr.supercore.inflatable.inflatable_utils as flwr_inflatable
import flwr.superlink.grid.http_grid as flwr_grid
import httpx
from flwr.app import ArrayRecord
from flwr.serverapp.strategy import Strategy
from flwr.supercore.inflatable.inflatable_utils import ObjectPullError, ObjectPushError

from flip_fl.bundles import ask_in_bundles
from flip_fl.executor.exchanges import EXCHANGES
from flip_fl.executor.report import place_in_app, post, root_of
from flip_fl.executor.rounds import ROUNDS
from flip_fl.executor.waits import AdaptiveTime, retry_soon
from flip_fl.executor.watch import NoClientResults, Watch

flwr_run: Any = importlib.import_module("flwr.superlink.runtime.run_serverapp")


def install() -> None:
    adaptive = AdaptiveTime()
    flwr_grid.time = adaptive
    ask_in_bundles(flwr_grid, flwr_inflatable)
    flwr_strategy_utils.sleep = adaptive.sleep
    retry_soon()
    start = Strategy.start
    signature = inspect.signature(start)

    def watched_start(self: Strategy, grid: Any, initial_arrays: ArrayRecord, *args: Any, **kwargs: Any) -> Any:
        call = signature.bind(self, grid, initial_arrays, *args, **kwargs)
        return Watch(self, initial_arrays).around(start, call)

    Strategy.start = watched_start  # type: ignore[method-assign]
    run = flwr_run.run_
    EXCHANGES.install()
    ROUNDS.install()

    def told_run(*args: Any, **kwargs: Any) -> Any:
        try:
            context = run(*args, **kwargs)
            if not Watch.made:
                EXCHANGES.tell_unwatched()
            EXCHANGES.tell()
            return context
        except Exception as error:
            _tell_failure(error)
            raise

    flwr_run.run_ = told_run


def _tell_failure(error: BaseException) -> None:
    root = root_of(error)
    place = place_in_app(root)
    if isinstance(root, NoClientResults):
        reason, text = "no_client_results", str(root)
    elif lost := _lost_superlink(error):
        reason, text = "superlink_lost", type(lost).__name__
    else:
        reason, text = "server_app_raised", f"{type(root).__name__}: {root}"
    post("/relay/v1/failure", {"reason": reason, "text": f"{text} ({place})" if place else text})


def _lost_superlink(error: BaseException | None) -> BaseException | None:
    """Nothing but the SuperLink can be reached from here by HTTP: when that went, or began again in the middle of a
    message's arrays, the app is not to blame."""
    while error is not None:
        if isinstance(error, (httpx.HTTPError, ObjectPushError, ObjectPullError)):
            return error
        error = error.__cause__
    return None
