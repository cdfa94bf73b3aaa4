"""System calls that no training needs and that open the kernel, other processes, or the wall itself."""

import functools
import tempfile

# Each fails with EPERM. What is not known to this libseccomp is left out.
DENIED = (
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd"),
    *("mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick"),
    *("mount_setattr", "unshare", "setns", "open_by_handle_at", "name_to_handle_at", "quotactl", "acct", "swapon"),
    *("swapoff", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("keyctl", "add_key", "request_key", "init_module", "finit_module", "delete_module", "kexec_load"),
    *("kexec_file_load", "reboot", "syslog", "iopl", "ioperm", "settimeofday", "clock_settime", "adjtimex"),
    *("clock_adjtime", "vhangup", "lookup_dcookie", "modify_ldt", "personality"),
)
NEW_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
AF_INET6 = 10  # the highest socket family that is let through; netlink, packet, vsock and the like lie above
EPERM, ENOSYS = 1, 38


@functools.cache
def program() -> bytes | None:
    """The filter as BPF, for this machine's architecture; None where libseccomp is not installed."""
    try:
        import pyseccomp as seccomp
    except (ImportError, RuntimeError, OSError):
        return None
    made = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in DENIED:
        try:
            made.add_rule(seccomp.ERRNO(EPERM), name)
        except (OSError, ValueError):
            continue
    made.add_rule(seccomp.ERRNO(EPERM), "socket", seccomp.Arg(0, seccomp.GT, AF_INET6))
    for flag in NEW_NAMESPACES:
        made.add_rule(seccomp.ERRNO(EPERM), "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    made.add_rule(seccomp.ERRNO(ENOSYS), "clone3")  # its flags are out of sight; libc then uses clone
    with tempfile.TemporaryFile() as file:
        made.export_bpf(file)
        file.seek(0)
        return file.read()
