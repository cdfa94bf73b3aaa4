"""What a SuperNode of one run asks and tells its SuperLink beside its messages: is the run still on; I am going."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
from flwr.proto.fleet_pb2 import DeactivateNodeRequest
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor
from flwr.supercore.run import RunNotRunningException
from flwr.supernode.cli.flower_supernode import SuperNodeLifespanConfig
from flwr.supernode.fleet_http_client import FleetHttpClient
from flwr.supernode.node_auth_http_interceptor import NodeAuthHttpInterceptor

from flip_fl.executor.loop import Executor

RUN_WATCH_SECONDS = 2.0
RUN_IS_OVER = "the run has ended, or goes on elsewhere"


class RunWatch(threading.Thread):
    """Flower lets a ClientApp train to its natural end after its run was stopped, or went on as another run of Flower
    after a crash, and takes no other message until then. Here its SuperLink is asked while it works."""

    def __init__(self, executor: Executor):
        super().__init__(name="run-watch", daemon=True)
        self._executor = executor
        self._get_run: Callable[[int], Any] | None = None
        self.node_id = 0

    def connected(self, connection: Any) -> None:
        self.node_id, self._get_run = connection[0], connection[3]
        if not self.is_alive():
            self.start()

    def run(self) -> None:
        while True:
            time.sleep(RUN_WATCH_SECONDS)
            for flwr_run_id in self._executor.running():
                if self._is_over(flwr_run_id):
                    self._executor.kill_run(flwr_run_id, RUN_IS_OVER)

    def _is_over(self, flwr_run_id: int) -> bool:
        assert self._get_run is not None
        try:
            self._get_run(flwr_run_id)
        except RunNotRunningException:
            return True
        except httpx.HTTPStatusError as error:
            return error.response.status_code in (400, 404, 412)  # it is not known any more
        except Exception:  # noqa: BLE001  not to be asked now: the next look tells
            return False
        return False


def say_goodbye(node_id: int, config: SuperNodeLifespanConfig) -> None:
    """The SuperLink knows at once that this node is gone, and not after a minute without a heartbeat."""
    keys: Any = config.authentication_keys
    if not node_id:
        return
    with contextlib.suppress(Exception):  # whatever is wrong with the way there, it will notice by itself
        interceptors = [RuntimeVersionHttpInterceptor(component_name="SuperNode"), NodeAuthHttpInterceptor(*keys)]
        with FleetHttpClient.from_server_address(
            config.server_address, False, config.root_certificates, interceptors=interceptors
        ) as client:
            client.DeactivateNode(DeactivateNodeRequest(node_id=node_id))
