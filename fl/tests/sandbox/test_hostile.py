"""Hostile tasks in the real sandbox, forked from a real zygote. Run as root here, and again as an ordinary user."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flip_contracts.sandbox import SandboxLevel
from flip_fl.executor import zygotes
from flip_fl.executor.launcher import AppLaunch, Limits, RunPlace
from flip_fl.executor.zygotes import ForkedProcess, ZygoteLauncher
from flip_fl.sandbox.probe import probe

HERE = Path(__file__).parent
LIMITS = Limits(memory_bytes=400 * 2**20, processes=40, disk_bytes=24 * 2**20, wall_seconds=60)
REPORT = probe()
pytestmark = pytest.mark.skipif(
    REPORT.level is not SandboxLevel.FULL and not os.environ.get("CI"),
    reason=f"no full sandbox on this machine: {REPORT.why}",  # in CI its absence is a failure, not a skip
)


@contextmanager
def answering() -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(16)

        def answer() -> None:
            while True:
                try:
                    connection, _ = sock.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"flip")

        threading.Thread(target=answer, daemon=True).start()
        yield sock.getsockname()[1]
        sock.shutdown(socket.SHUT_RDWR)


@dataclass
class Run:
    launcher: ZygoteLauncher
    place: RunPlace
    number: int = 0

    def start(self, attack: str, **facts: Any) -> ForkedProcess:
        self.number += 1
        folder = self.place.writable[0] / str(self.number)
        token = json.dumps({"attack": attack, **facts})
        return self.launcher.launch(AppLaunch(self.place, "", None, token, folder))

    def result(self, attack: str, **facts: Any) -> Any:
        process = self.start(attack, **facts)
        text = process.output.read().decode()
        code = process.wait()
        process.clean()
        assert code == 0, text or process.why
        return json.loads(text.splitlines()[-1])

    def ended(self, process: ForkedProcess, within: float) -> str:
        """Why it was ended."""
        started = time.monotonic()
        code = process.wait()
        process.clean()
        assert code != 0
        assert time.monotonic() - started < within
        return process.why


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Its zygote has the file beside this one in the place of Flower's task runner; one that was ended is made anew."""
    code = (
        f"import sys; sys.path.append({str(HERE)!r}); from flip_fl.executor import zygote; "
        "zygote.RUNNERS['probe'] = 'hostile'; zygote.main()"
    )
    root = tmp_path_factory.mktemp("run")
    place = RunPlace(
        run=root.name,
        kind="probe",
        folder=root / "zygote",
        env={},
        limits=LIMITS,
        writable=(root / "apps",),
        readable=(HERE,),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zygotes, "ZYGOTE", ("-c", code))
        patch.setenv("HUB_SECRET", "of the node")
        launcher = ZygoteLauncher(SandboxLevel.FULL)
        yield Run(launcher, place)
        launcher.close()


def test_files_of_the_node_of_other_runs_and_of_the_machine_are_out_of_sight(run, tmp_path):
    (tmp_path / "node.key").write_text("secret")
    (tmp_path.parent / f"{tmp_path.name}-other").mkdir()
    (tmp_path.parent / f"{tmp_path.name}-other" / "spec.json").write_text("{}")
    paths = [
        *(str(tmp_path / "node.key"), str(tmp_path.parent / f"{tmp_path.name}-other" / "spec.json")),
        *(str(run.place.folder / "zygote.log"), "/etc/passwd", "/etc/shadow", "/etc/hostname", "/root/.ssh"),
        *("/var/lib", "/home", "/run", "/proc/kcore", "/dev/vda", "/sys/fs/cgroup"),
    ]
    assert run.result("read_files", paths=paths) == []


def test_only_its_own_processes_and_an_allow_listed_environment_are_seen(run):
    seen = run.result("look_around", secret="of the node")
    assert seen["found"] == []
    assert len(seen["processes"]) <= 3  # bubblewrap, the zygote, the task
    assert not {"HUB_SECRET", "FLIP_CI_MARKER", "PYTEST_CURRENT_TEST", "SSH_AUTH_SOCK"} & set(seen["environment"])


def test_nothing_on_the_network_answers_but_the_doors_it_was_given(run, tmp_path):
    with answering() as door, answering() as hub:
        assert run.result("connect", ports=[hub, door]) == []
        own = {"run": "with-a-door", "folder": tmp_path / "zygote", "writable": (tmp_path / "apps",)}
        other = Run(run.launcher, RunPlace(**{**vars(run.place), **own, "ports": (door,)}))
        assert other.result("connect", ports=[hub, door]) == [door]


def test_there_is_no_way_to_a_network_and_no_other_kind_of_socket(run):
    found = run.result("networks")
    assert not any(found[name] for name in ("raw", "packet", "netlink", "route"))
    assert set(found["interfaces"]) <= {"lo"}


def test_calls_that_open_the_kernel_or_other_processes_fail(run):
    outcome = run.result("kernel_doors")
    assert "ok" not in outcome.values(), outcome


def test_the_platforms_code_the_system_and_the_cache_of_another_message_cannot_be_changed(run, tmp_path):
    import flip_fl

    places = ["/usr/bin/evil", "/etc/evil", "/evil", str(Path(flip_fl.__file__)), str(Path(sys.prefix) / "evil")]
    assert run.result("tamper", places=[*places, str(HERE / "hostile.py")]) == []
    run.result("tamper", places=[str(tmp_path / "evil"), "/tmp/evil-of-a-test"])  # at most in a /tmp of its own
    assert not (tmp_path / "evil").exists()
    assert not Path("/tmp/evil-of-a-test").exists()


def test_what_one_task_leaves_in_its_folder_is_deleted_with_it(run):
    process = run.start("fine")
    process.output.read()
    process.wait()
    assert process.launch.folder.exists()
    process.clean()
    assert not process.launch.folder.exists()


def test_a_fork_bomb_meets_its_limit_and_none_of_it_is_left(run):
    made = run.result("fork_bomb")
    assert 0 < made < LIMITS.processes
    assert run.result("count_processes") <= 3
    assert run.result("fine") == "3"


def test_a_process_that_left_its_session_ends_with_its_task(run):
    run.result("daemon")
    assert run.result("count_processes") <= 3


def test_private_memory_beyond_the_limit_is_refused_by_the_process_own_limit(run):
    assert 0 < run.result("data_bomb") * 2**20 < LIMITS.memory_bytes
    assert run.result("fine") == "3"


@pytest.mark.parametrize("children", [0, 4])
def test_shared_memory_ends_the_task_whether_of_one_process_or_of_several_together(run, children):
    assert "of memory" in run.ended(run.start("memory_bomb", children=children), 15)
    assert run.result("fine") == "3"


def test_files_in_shared_memory_meet_a_limit(run):
    assert run.result("shared_files") * 2**20 <= LIMITS.memory_bytes // 2


def test_a_full_disk_is_prevented_and_told(run):
    assert "of disk" in run.ended(run.start("disk_fill", megabytes=48), 15)


def test_an_endless_loop_ends_when_it_is_told_to(run):
    process = run.start("endless_loop")
    time.sleep(0.3)
    process.kill()
    run.ended(process, 5)
    assert run.result("fine") == "3"


def test_a_task_that_stops_its_parent_is_ended_all_the_same(run):
    process = run.start("stop_the_parent")
    time.sleep(0.3)
    process.kill()
    run.ended(process, zygotes.KILL_SECONDS + 5)
    assert run.result("fine") == "3"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user")
def test_all_of_this_holds_for_an_ordinary_user_too():
    """In a mount namespace of its own, where `nobody` can reach this Python; no file of the machine is changed."""
    script = """
        set -e
        case "$2" in /root/*) mkdir -p /mnt && mount --bind /root /mnt && mount -t tmpfs -o mode=755 none /root &&
            mkdir -p "$2" && mount --bind "/mnt/${2#/root/}" "$2" && umount -l /mnt ;; esac
        mount -t tmpfs -o mode=1777 none /mnt
        cd "$3" && exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
            env HOME=/mnt TMPDIR=/mnt "$1" -B -m pytest -q -p no:cacheprovider --rootdir "$3" "$4" \
            -k "not ordinary_user"
    """
    repo = HERE.parents[2]
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", sys.executable]
    done = subprocess.run(
        [*command, sys.base_prefix, str(repo), str(HERE / "test_hostile.py")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout.splitlines()[-1], done.stdout[-1000:]
