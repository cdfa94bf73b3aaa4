"""Run a Flower app's server and clients in this process: no SuperLink. `python inproc.py APP TRUST [TRUST ...]`."""

import os
import random
import sys
from pathlib import Path

from flwr.app import Context, Message, RecordDict
from flwr.common.config import get_fused_config_from_dir, get_project_config
from flwr.common.constant import SUPERLINK_NODE_ID
from flwr.proto.node_pb2 import NodeInfo
from flwr.serverapp import Grid
from flwr.supercore.object_ref import load_app
from flwr.supercore.task_identity import TaskIdentity


class InProcessGrid(Grid):
    """Sends each message straight to the ClientApp; a ClientApp that raises ends the run."""

    def __init__(self, client_app, run_config, names):
        self.app, self.run_id, self.replies = client_app, random.getrandbits(63), {}
        TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = self.run_id, 1, SUPERLINK_NODE_ID
        self.names = dict(enumerate(names, 1000))
        self.contexts = {
            node: Context(self.run_id, node, node_config={}, state=RecordDict(), run_config=dict(run_config))
            for node in self.names
        }

    def set_run(self, run):
        pass

    @property
    def run(self):
        return None

    def create_message(self, content, message_type, dst_node_id, group_id, ttl=None):
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_nodes(self):
        return [NodeInfo(node_id=node, name=name, status="online") for node, name in self.names.items()]

    def get_node_ids(self):
        return list(self.names)

    def push_messages(self, messages):
        sent = []
        for message in messages:
            metadata = message.metadata
            metadata.__dict__["_message_id"] = message.object_id
            metadata.__dict__["_run_id"] = self.run_id
            metadata.__dict__["_src_node_id"] = SUPERLINK_NODE_ID
            os.environ["SUPERNODE_NAME"] = self.names[metadata.dst_node_id]
            reply = self.app(message=message, context=self.contexts[metadata.dst_node_id])
            reply.metadata.__dict__["_message_id"] = reply.object_id
            self.replies[metadata.message_id] = reply
            sent.append(metadata.message_id)
        return sent

    def pull_messages(self, message_ids):
        return [self.replies.pop(one) for one in list(message_ids) if one in self.replies]

    def send_and_receive(self, messages, *, timeout=None):
        return self.pull_messages(self.push_messages(messages))


def main(app: Path, names: list[str]) -> None:
    components = get_project_config(app)["tool"]["flwr"]["app"]["components"]
    run_config = get_fused_config_from_dir(app, {})
    client_app = load_app(components["clientapp"], Exception, app)
    server_app = load_app(components["serverapp"], Exception, app)
    grid = InProcessGrid(client_app, run_config, names)
    server_app(grid=grid, context=Context(grid.run_id, 1, node_config={}, state=RecordDict(), run_config=run_config))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
