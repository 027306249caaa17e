"""Runs the commands of documents as a reader does: one shell for what is typed, a terminal for each that goes on.

What a block prints is compared loosely with what the document says that it prints: line after line, where `…` stands
for anything, numbers and names made by chance are not compared, and more lines may come between.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tools.blocks.reading import Block, Mark

SECONDS_MAX = 600.0  #: of one block, on a machine that is ten times slower
_LOOK_SECONDS = 0.1
_DONE = "block done"
_BY_CHANCE = re.compile(r"0x[0-9a-fA-F]{6,}|\b[0-9a-f]{8}[0-9a-f-]{4,}\b|\d[\d.,:]*")


class Differs(Exception):
    """A document's command does not do what the document says."""


@dataclass(slots=True)
class Terminal:
    """A command that goes on, beside the shell."""

    command: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass(slots=True)
class Shell:
    """The reader's shell, and the terminals beside it."""

    folder: Path  #: where the reader types
    notes: Path  #: where output is kept
    environment: Mapping[str, str]
    ports: Mapping[str, str] = field(default_factory=dict)  #: written instead of those in the documents
    tell: Callable[[str], object] = print
    terminals: list[Terminal] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None
    _count: int = 0

    def run(self, name: str, blocks: list[Block]) -> None:
        """Run the blocks of one document. Raises Differs at the first that does not do what it says."""
        for block in blocks:
            if block.mark is Mark.CTRL_C:
                self._end(block)
            elif block.is_run:
                self._run(f"{name}:{block.line}", block)

    def _run(self, where: str, block: Block) -> None:
        text = block.text
        for there, here in self.ports.items():
            text = re.sub(rf"(?<!\d){there}(?!\d)", here, text)
        self._count += 1
        script = self.notes / f"{self._count}.sh"
        script.write_text(text + "\n", encoding="utf-8")
        log = script.with_suffix(".log")
        self.tell(f"{where}  {text.splitlines()[0] if text else ''}")
        if block.mark is Mark.RUNS_UNTIL:
            self._start(where, text, script, log, block.words)
        else:
            status = self._type(where, script, log, fails=block.mark is Mark.FAILS)
            said = _said(log)
            if block.mark is Mark.FAILS and (status == 0 or block.words not in said):
                raise Differs(
                    f"{where}: it should fail and say {block.words}; it said, with exit status {status}:\n{said}"
                )
        if block.prints:
            missing = first_missing(block.prints, _said(log))
            if missing is not None:
                raise Differs(f"{where}: the document says that it prints\n  {missing}\nit printed\n{_said(log)}")

    def _start(self, where: str, text: str, script: Path, log: Path, words: str) -> None:
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {text}" if "\n" not in text and "|" not in text else text],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_hear_ctrl_c,
            )
        self.terminals.append(Terminal(text, process, log))
        give_up = time.monotonic() + SECONDS_MAX
        while words not in _said(log):
            if process.poll() is not None or time.monotonic() > give_up:
                raise Differs(f"{where}: it never said {words!r}:\n{_said(log)}")
            time.sleep(_LOOK_SECONDS)

    def _type(self, where: str, script: Path, log: Path, *, fails: bool) -> int:
        """Type a block into the shell, which ends at a command that fails; return the exit status."""
        shell = self._shell()
        words = f". {script} < /dev/null > {log} 2>&1"
        # A shell of its own for what fails, or ours would end with it.
        line = f"({words}) && s=0 || s=$?; echo {_DONE} $s\n" if fails else f"{words}; echo {_DONE} 0\n"
        assert shell.stdin is not None and shell.stdout is not None  # noqa: S101 - they are pipes
        shell.stdin.write(line.encode())
        shell.stdin.flush()
        answer = shell.stdout.readline().decode()
        if not answer.startswith(_DONE):
            raise Differs(f"{where}: a command of it failed, with exit status {shell.wait()}:\n{_said(log)}")
        return int(answer.removeprefix(_DONE))

    def _shell(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                ["bash", "--noprofile", "--norc", "-e"],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        return self._process

    def _end(self, block: Block) -> None:
        for one in reversed(self.terminals):
            if one.command.startswith(block.words):
                self.tell(f"Ctrl-C  {one.command.splitlines()[0]}")
                _interrupt(one)
                self.terminals.remove(one)
                return
        raise Differs(f"no terminal runs {block.words}")

    def close(self) -> None:
        """End everything, the last terminal first."""
        for one in reversed(self.terminals):
            _interrupt(one)
        self.terminals.clear()
        if self._process is not None:
            _close(self._process.stdin)
            self._process.wait(timeout=SECONDS_MAX)
            _close(self._process.stdout)


def _hear_ctrl_c() -> None:
    """In a terminal Ctrl-C is heard, also where we were started in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _interrupt(one: Terminal) -> None:
    if one.process.poll() is None:
        os.killpg(one.process.pid, signal.SIGINT)  # as a terminal does: to it and what it started
    try:
        one.process.wait(timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        one.process.kill()
        raise Differs(f"Ctrl-C does not end it: {one.command}\n{_said(one.log)}") from None


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        stream.close()


def _said(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""


def first_missing(expected: str, said: str) -> str | None:
    """Return the first line that a document says is printed and that is not there, after those before it; or None."""
    lines = [_without_chance(line) for line in said.splitlines()]
    at = 0
    for line in expected.splitlines():
        if line.strip() in ("", "…"):
            continue
        parts = [re.escape(_without_chance(part)) for part in line.split("…")]
        pattern = re.compile(".*".join(parts) if "…" in line else parts[0])
        found = next((i for i in range(at, len(lines)) if pattern.search(lines[i])), None)
        if found is None:
            return line
        at = found + 1
    return None


def _without_chance(line: str) -> str:
    """Return a line without what differs from run to run, and with single spaces."""
    return re.sub(r"\s+", " ", _BY_CHANCE.sub("#", line)).strip()
