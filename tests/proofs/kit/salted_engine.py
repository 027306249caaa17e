"""The engine of the salted toy: a program of its own, which derives keys and proves. Nothing but the standard library.

salted_engine.py key TARGET MILLISECONDS   the salt on stdin; the key, byte by byte as the time passes
salted_engine.py prove ROUNDS              key, then the start of the chain, on stdin; end and proof on stdout
"""

import hashlib
import sys
import time
from pathlib import Path


def main() -> None:
    """Do one of the two."""
    command, *arguments = sys.argv[1:]
    given = sys.stdin.buffer.read()
    if command == "key":
        write_key(Path(arguments[0]), key_of(given), int(arguments[1]))
    else:
        key, start = given[:32], given[32:]
        sys.stderr.write("progress prove 500\n")
        end = walk(start, int(arguments[0]))
        sys.stdout.buffer.write(end + seal(key, start, end))


def key_of(salt: bytes) -> bytes:
    """Return the key, 32 bytes."""
    return hashlib.sha256(b"key" + salt).digest()


def walk(start: bytes, rounds: int) -> bytes:
    """Return the end of the chain."""
    for _ in range(rounds):
        start = hashlib.sha256(start).digest()
    return start


def seal(key: bytes, start: bytes, end: bytes) -> bytes:
    """Return the proof, 32 bytes."""
    return hashlib.sha256(key + start + end).digest()


def write_key(target: Path, key: bytes, milliseconds: int) -> None:
    """Write the key as slowly as a real engine."""
    with target.open("wb", buffering=0) as file:
        for byte in key:
            file.write(bytes([byte]))
            time.sleep(milliseconds / 1000 / len(key))


if __name__ == "__main__":
    main()
