"""A client of the SuperLink's Control API, in process. Flower's errors become ours."""

import hashlib
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from flwr.common.serde import fab_to_proto, user_config_to_proto
from flwr.proto.control_pb2 import (
    ListNodesRequest,
    ListRunsRequest,
    RegisterNodeRequest,
    StartRunRequest,
    StopRunRequest,
    UnregisterNodeRequest,
)
from flwr.supercore.control import ControlHttpClient
from flwr.supercore.error import FlowerError
from flwr.supercore.fab import Fab
from flwr.supercore.primitives.asymmetric import public_key_to_bytes

from flip_fl.errors import SuperLinkRefused, SuperLinkUnreachable

ALREADY_FINISHED = 18  # flwr ApiErrorCode: "Run is already finished."


class _Bearer:
    """The Control guard of our SuperLink launcher wants this."""

    def __init__(self, token: str):
        self._header = f"Bearer {token}"

    def intercept(self, context: Any, call_next: Any) -> Any:
        context.request.headers["authorization"] = self._header
        return call_next(context)


@dataclass(frozen=True)
class FlowerStatus:
    status: str
    sub_status: str
    details: str


class Control:
    def __init__(self, address: str, ca_pem: bytes, token: str):
        self._client = ControlHttpClient.from_server_address(
            address, insecure=False, root_certificates=ca_pem, interceptors=[_Bearer(token)]
        )

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._client, method)(request)
        except httpx.HTTPStatusError as error:
            try:
                flower: Any = FlowerError.from_json(error.response.text)
                code, text = int(flower.code), flower.message
            except Exception:  # noqa: BLE001  the body of a foreign server may be anything
                code, text = error.response.status_code, "no details"
            raise SuperLinkRefused(f"The SuperLink refused {method}: {text}", flower_code=code) from error
        except httpx.HTTPError as error:
            raise SuperLinkUnreachable(f"The SuperLink does not answer {method}. Is it running?") from error

    def start_run(self, fab: bytes, overrides: dict[str, Any], federation: str) -> int:
        response = self._call(
            "StartRun",
            StartRunRequest(
                fab=fab_to_proto(Fab(hashlib.sha256(fab).hexdigest(), fab, {})),
                override_config=user_config_to_proto(overrides),
                federation=federation,
            ),
        )
        if not response.HasField("run_id"):
            raise SuperLinkRefused("The SuperLink took the FAB but started no run: the FAB is too large.")
        return response.run_id

    def status(self, flwr_run_id: int) -> FlowerStatus:
        run = self._call("ListRuns", ListRunsRequest(run_id=flwr_run_id)).run_dict[flwr_run_id]
        return FlowerStatus(run.status.status, run.status.sub_status, run.status.details)

    def stop_run(self, flwr_run_id: int) -> None:
        try:
            self._call("StopRun", StopRunRequest(run_id=flwr_run_id))
        except SuperLinkRefused as refusal:
            if refusal.details.get("flower_code") != ALREADY_FINISHED:
                raise

    def register_node(self, public_key: str, name: str) -> int:
        key: Any = serialization.load_ssh_public_key(public_key.encode())
        request = RegisterNodeRequest(public_key=public_key_to_bytes(key), name=name)
        return self._call("RegisterNode", request).node_id

    def unregister_node(self, node_id: int) -> None:
        self._call("UnregisterNode", UnregisterNodeRequest(node_id=node_id))

    def online_nodes(self) -> set[int]:
        return {node for node, status in self.nodes().items() if status == "online"}

    def nodes(self) -> dict[int, str]:
        """Every node that the SuperLink knows, with its status."""
        return {n.node_id: n.status for n in self._call("ListNodes", ListNodesRequest()).nodes_info}

    def close(self) -> None:
        self._client.close()
