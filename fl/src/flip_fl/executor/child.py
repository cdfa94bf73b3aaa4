"""Runs inside the app's own process: reads its order, puts the hooks in place, hands over to Flower."""

import json
import os
import sys
from pathlib import Path
from queue import Queue
from typing import Any


def main() -> None:
    order_file = Path(sys.argv[1])
    order = json.loads(order_file.read_text())
    order_file.unlink()  # it holds the task's token
    sys.argv = [f"flwr-{order['kind']}"]
    certificates = Path(order["root_certificates"]).read_bytes() if order["root_certificates"] else None
    common: dict[str, Any] = {
        "runtime_api_address": order["runtime_api"],
        "token": order["token"],
        "insecure": certificates is None,
        "certificates": certificates,
        "parent_pid": os.getppid(),
        "runtime_dependency_install": False,
    }
    if order["kind"] == "serverapp":
        from flwr.superlink.runtime import run_serverapp

        from flip_fl.executor.server_hooks import install

        install()
        run_serverapp(log_queue=Queue(), **common)
    else:
        from flwr.supernode.runtime.run_clientapp import run_clientapp

        from flip_fl.executor.client_hooks import install

        install()
        run_clientapp(**common)


if __name__ == "__main__":
    main()
