"""The processes that prepare studies end with the agent, however it ends."""

import subprocess
import sys
import time
from pathlib import Path

AGENT = """
import time
from pathlib import Path
from uuid import uuid4
from flip_trust.imaging.plan import StudyPlan
from flip_trust.imaging.workers import Order, Workers

if __name__ == "__main__":
    workers, nowhere = Workers(1), Path({folder!r})
    workers.prepare(Order(uuid4(), "k", "A", b"key", StudyPlan(), nowhere / "raw", nowhere / "out", nowhere / "l.db"))
    slot = workers._free.get()  # held: a pool that nobody holds ends its process
    print(*slot._pool._processes, flush=True)
    time.sleep(300)
"""


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_a_killed_agent_leaves_no_process(tmp_path: Path):
    script = tmp_path / "agent.py"
    script.write_text(AGENT.format(folder=str(tmp_path)))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as agent:
        try:
            assert agent.stdout
            worker = int(agent.stdout.readline())
            server = int(Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[1])
            assert not ended(worker)
        finally:
            agent.kill()
    deadline = time.monotonic() + 30
    while not (ended(worker) and ended(server)):
        assert time.monotonic() < deadline, "a process outlived its agent"
        time.sleep(0.05)
