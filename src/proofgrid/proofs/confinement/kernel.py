"""Calls of the kernel that Python lacks: privileges that are given up, and secrets that leave a process's memory."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable

from proofgrid.primitives.secret_names import is_secret_variable

IS_LINUX = sys.platform == "linux"

_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITIES_MAX = 64
_CAPABILITY_VERSION_3 = 0x20080522

#: Variables that may say where a secret lies, or hold one: nobody else's business either, though no secret in a log.
_WHERE_SECRETS_LIE = ("_KEY", "_DSN")

libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, first: int = 0) -> None:
    """Call prctl with one argument; raise OSError."""
    none = ctypes.c_ulong(0)
    if libc.prctl(option, ctypes.c_ulong(first), none, none, none) != 0:
        raise last_error("prctl")


def last_error(call: str) -> OSError:
    """Return what the last call of `libc` failed with."""
    number = ctypes.get_errno()
    return OSError(number, f"{call}: {os.strerror(number)}")


def hide_memory() -> None:
    """Let no other process of this user read this one's memory and environment; no core is dumped either.

    Whoever may trace everything, such as root, still can. Programs that this one starts are not hidden by it.
    """
    if IS_LINUX:
        prctl(_PR_SET_DUMPABLE, 0)


def adopt_orphans() -> None:
    """Become the parent of what this process's children leave behind."""
    if IS_LINUX:
        prctl(_PR_SET_CHILD_SUBREAPER, 1)


def give_up_privileges() -> None:
    """Let this process, and what it starts, never have more rights than a user who owns the same files."""
    if not IS_LINUX:
        return
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    for number in range(_CAPABILITIES_MAX):
        try:
            prctl(_PR_CAPBSET_DROP, number)
        except OSError:
            break  # no such capability, or none to give up
    head = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    if libc.capset(head, (ctypes.c_uint32 * 6)()) != 0:
        raise last_error("capset")


def forget_secrets() -> None:
    """Take the variables that hold secrets out of this process's environment; whoever needs them has read them."""
    forget_variables(
        name
        for name in os.environ
        if is_secret_variable(name) or any(words in name.upper() for words in _WHERE_SECRETS_LIE)
    )


def forget_variables(names: Iterable[str]) -> None:
    """Take variables out of the environment, and out of the memory in which the kernel shows it to others."""
    gone = {os.fsencode(name) for name in names}
    block = ctypes.POINTER(ctypes.c_void_p).in_dll(libc, "environ") if IS_LINUX else None
    place = 0
    while block and (address := block[place]):
        entry = ctypes.string_at(address)
        if entry.partition(b"=")[0] in gone:
            ctypes.memset(address, 0, len(entry))
        place += 1
    for name in gone:
        os.environ.pop(os.fsdecode(name), None)
