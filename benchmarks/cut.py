"""Cut the network between a net and its trusts in the middle of a run, mend it, and look whether the run goes on.

    .venv-fl/bin/python -m benchmarks.cut --seconds 300      # as root: the net stands on a machine of its own

That machine is a network namespace; the cable to it is taken down, so that packets are lost and nobody is told.
"""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

from fl.tests.conftest import APP, app_files, running_net, zipped
from fl.tests.test_nets import SUBNET, second_machine
from fl.tests.test_survival import Followed, begin

ARCHIVE = zipped(app_files(APP.parent / "apps" / "durable_app"))
CONFIG = {"num-server-rounds": 6, "seconds": 1.0}


def cable(state: str) -> None:
    subprocess.run(["ip", "link", "set", f"fa{os.getpid()}", state], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="flip-cut-", ignore_cleanup_errors=True) as folder,
        second_machine() as inside,
    ):
        os.chmod(folder, 0o755)
        with running_net(Path(folder), host=f"{SUBNET}.2", inside=inside) as net:
            options = {"round_policy": {"kind": "wait", "rejoin_seconds": asked.seconds + 600}}
            whole, _, _ = begin(net, ARCHIVE, options=options, **CONFIG)
            whole.finished()
            expected = whole.results().read("model.safetensors")
            run, _, _ = begin(net, ARCHIVE, options=options, **CONFIG)
            run.done(2)
            cable("down")
            time.sleep(asked.seconds)
            cable("up")
            mended = time.monotonic()
            recovery = until_round(run, 3) - mended
            finished = run.finished()
            same = run.results().read("model.safetensors") == expected
            told = (
                f"cut for {asked.seconds:.0f} s; next round {recovery:.1f} s after the end of it; {finished['outcome']}"
            )
            print(f"{told}; {'the same' if same else 'ANOTHER'} model. What the run said:\n{run.notices()}")


def until_round(run: Followed, number: int) -> float:
    run.done(number)
    return time.monotonic()


if __name__ == "__main__":
    main()
