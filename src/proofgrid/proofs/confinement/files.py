"""Which files a confined process may reach, by Landlock: a list of what it may, and nothing besides.

Where the kernel knows more than files it is also kept from listening and connecting, and from signals to processes
that are not confined with it. In any case it can neither read the memory of such a process nor trace it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from proofgrid.proofs.confinement.kernel import IS_LINUX, last_error, libc

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every machine
_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_ALL_OF_VERSION_1 = (1 << 13) - 1
_MAKES_DEVICES = (1 << 6) | (1 << 11)
_LISTEN_AND_CONNECT = 3
_SIGNALS_AND_ABSTRACT_SOCKETS = 3

_READING = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE


def version() -> int:
    """Return which version of Landlock the kernel has; 0: none, or it is switched off."""
    if not IS_LINUX:
        return 0
    return max(0, int(libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))))


def confine_files(reads: Iterable[Path], writes: Iterable[Path], *, has_network: bool = False) -> bool:
    """Let this thread, and what it starts, reach what lies below these paths only; False: not on this machine.

    What is not there is left out. The process must have given up new privileges before. Raises OSError.
    """
    known = version()
    if not known:
        return False
    handled = _ALL_OF_VERSION_1 | (_REFER if known >= 2 else 0) | (_TRUNCATE if known >= 3 else 0)
    attributes = struct.pack(
        "QQQ",
        handled,
        _LISTEN_AND_CONNECT if known >= 4 and not has_network else 0,
        _SIGNALS_AND_ABSTRACT_SOCKETS if known >= 6 else 0,
    )
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    rules = int(libc.syscall(_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0)))
    if rules < 0:
        raise last_error("landlock_create_ruleset")
    try:
        for path in reads:
            _allow(rules, path, handled & _READING)
        for path in writes:
            _allow(rules, path, handled & ~_MAKES_DEVICES)
        if libc.syscall(_RESTRICT, rules, ctypes.c_uint32(0)) != 0:
            raise last_error("landlock_restrict_self")
    finally:
        os.close(rules)
    return True


def _allow(rules: int, path: Path, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EACCES):
            return
        raise
    try:
        if not path.is_dir():
            access &= _OF_FILES
        rule = struct.pack("=Qi", access, place)
        if libc.syscall(_ADD, rules, _PATH_BENEATH, rule, ctypes.c_uint32(0)) != 0:
            raise last_error(f"landlock_add_rule {path}")
    finally:
        os.close(place)
