"""A signing process's desk without the process: nothing is shut in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from proofgrid.bootstrap.signing.frames import Ask, read_error, write_error
from proofgrid.bootstrap.signing.process import Desk
from proofgrid.bootstrap.signing.statements import OF_GATEWAYS, Said
from proofgrid.primitives.errors import ProofgridError

T = TypeVar("T")


class DeskHere:
    """Asks a desk of this process, errors as they come over the socket."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def ask(self, kind: Ask, content: bytes) -> bytes:
        try:
            return self.desk.answer(kind, content)
        except ProofgridError as error:
            raise read_error(write_error(error)) from None

    async def in_turn(self, call: Callable[[], T]) -> T:
        return call()


def a_desk(purposes: frozenset[Said] = OF_GATEWAYS) -> DeskHere:
    """Return a desk without keys."""
    return DeskHere(Desk(purposes, shut_in=lambda *_: None))
