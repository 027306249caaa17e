"""Which calls of the kernel a confined process may make: all but those below, by a seccomp filter of our own.

What is refused: sockets of any family (a pair of connected ones is no way out), the memory and descriptors of other
processes, mounts and namespaces, keys of the kernel, memory that belongs to no process, and calls that only
administrators make. Most are refused with EPERM; those that programs try first, with another way at hand, are "not
there".
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from dataclasses import dataclass

from proofgrid.proofs.confinement.kernel import IS_LINUX, last_error, libc

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000

_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_AT_NUMBER, _AT_ARCH, _AT_FIRST, _AT_SECOND = 0, 4, 16, 24  # in struct seccomp_data; low halves of the arguments
_X32 = 0x40000000

#: Of `clone`: whatever would make a namespace.
_NEW_NAMESPACES = 0x7E020000
_TYPE_INTO_TERMINAL = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX


@dataclass(frozen=True, slots=True)
class _Machine:
    arch: int  #: AUDIT_ARCH_…
    column: int  #: of the tables below


_MACHINES = {"x86_64": _Machine(0xC000003E, 0), "aarch64": _Machine(0xC00000B7, 1)}

#: Numbers of calls on x86_64 and on aarch64; None: not there. Newer calls have one number everywhere.
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "quotactl": (179, 60),
    "acct": (163, 89),
    "syslog": (103, 116),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, None),
    "ioperm": (173, None),
}
#: Libraries try these and go another way where the kernel has none of them.
_NOT_THERE: dict[str, tuple[int, int]] = {
    "io_uring_setup": (425, 425),
    "clone3": (435, 435),  # its flags stand in memory, where a filter cannot look
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
}
_CLONE, _IOCTL, _PRLIMIT, _SOCKET = (56, 220), (16, 29), (302, 261), (41, 198)
_OF_THE_INTERNET = (2, 10)  # AF_INET, AF_INET6: the families of a room with a network


def refuse_calls(*, has_network: bool = False) -> bool:
    """Refuse the calls from here on, for this thread and what it starts; False: not on this machine.

    The process must have given up new privileges before. Raises OSError.
    """
    machine = _MACHINES.get(platform.machine())
    if not IS_LINUX or machine is None:
        return False
    code = filter_for(machine.arch, machine.column, has_network=has_network)
    instructions = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(instructions))
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.create_string_buffer(program), 0, 0) != 0:
        if ctypes.get_errno() in (errno.EINVAL, errno.ENOSYS):
            return False  # a kernel without it
        raise last_error("seccomp")
    return True


def filter_for(arch: int, column: int, *, has_network: bool = False) -> bytes:
    """Return the filter as the kernel reads it: instructions of 8 bytes."""
    refuse, absent = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    code = [
        (_LOAD, 0, 0, _AT_ARCH),
        (_IF_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _KILL),  # calls of another machine: their numbers mean something else
        (_LOAD, 0, 0, _AT_NUMBER),
    ]
    if column == 0:
        code += [(_IF_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, absent)]
    for numbers, answer in ((_REFUSED, refuse), (_NOT_THERE, absent)):
        for both in numbers.values():
            if (number := both[column]) is not None:
                code += [(_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, answer)]
    code += _with_argument(_CLONE[column], _AT_FIRST, [(_IF_ANY_BIT, 0, 1, _NEW_NAMESPACES), (_RETURN, 0, 0, refuse)])
    families = _OF_THE_INTERNET if has_network else ()
    allowed = [step for one in families for step in ((_IF_EQUAL, 0, 1, one), (_RETURN, 0, 0, _ALLOW))]
    code += _with_argument(_SOCKET[column], _AT_FIRST, [*allowed, (_RETURN, 0, 0, refuse)])
    terminal = [step for one in _TYPE_INTO_TERMINAL for step in ((_IF_EQUAL, 0, 1, one), (_RETURN, 0, 0, refuse))]
    code += _with_argument(_IOCTL[column], _AT_SECOND, terminal)
    # Limits of other processes of the same user; one's own are those of process 0.
    code += _with_argument(_PRLIMIT[column], _AT_FIRST, [(_IF_EQUAL, 1, 0, 0), (_RETURN, 0, 0, refuse)])
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *step) for step in code)


def _with_argument(number: int, place: int, steps: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Look at an argument of one call; what the steps let through is allowed."""
    inner = [(_LOAD, 0, 0, place), *steps, (_RETURN, 0, 0, _ALLOW)]
    return [(_IF_EQUAL, 0, len(inner), number), *inner]
