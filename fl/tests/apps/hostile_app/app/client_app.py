"""At a trust: tampers with its own unpacked code for the next message, looks around, or uses up what there is."""

import mmap
import os
import socket
import time
from pathlib import Path

from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()
TAMPERED = 0  # the next message must find this line as it is


@app.train()
def train(msg: Message, context: Context) -> Message:
    config = context.run_config
    match config["attack"]:
        case "fork bomb":
            for _ in range(400):
                try:
                    if os.fork() == 0:
                        time.sleep(60)
                        os._exit(0)
                except OSError:
                    break
            os._exit(9)
        case "memory":  # shared, which no limit of one process counts
            held = [mmap.mmap(-1, 2**22) for _ in range(150)]
            for block in held:
                block.write(b"x" * 2**22)
            time.sleep(60)
        case "disk":
            for number in range(40):
                Path(f"fill-{number}").write_bytes(b"x" * 2**22)
            time.sleep(60)
        case "endless loop":
            ends = time.monotonic() + 60
            while time.monotonic() < ends:
                pass
    own = Path(__file__)
    own.write_text(own.read_text().replace("TAMPERED = 0", "TAMPERED = 1"))
    found = {
        "num-examples": 1,
        "tampered": TAMPERED,
        "reached": sum(reachable(int(port)) for port in str(config["ports"]).split()),
        "read": sum(Path(path).exists() for path in str(config["paths"]).split()),
        "processes": len(list(Path("/proc").glob("[0-9]*"))),
        "root": int(os.geteuid() == 0),
    }
    arrays = ArrayRecord(msg.content["arrays"].to_numpy_ndarrays())
    return Message(RecordDict({"arrays": arrays, "metrics": MetricRecord(found)}), reply_to=msg)


def reachable(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(2)
        return sock.connect_ex(("127.0.0.1", port)) == 0
