"""What calls are made of goes to a worker once: a program's files are held there, and later calls name them."""

from __future__ import annotations

import copyreg
import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from proofgrid.proofs.base import Program, ProgramFiles
from proofgrid.proofs.pool.child import held, keep_recent

KNOWN_MAX = 256  #: values that we keep written out for workers that do not hold them yet

_Key = tuple[int, tuple[object, ...]]


class Written:
    """A call as bytes, and the values that a worker must hold for it, by key."""

    __slots__ = ("call", "values")

    def __init__(self, call: bytes, values: dict[int, bytes]) -> None:
        self.call = call
        self.values = values

    def for_holder(self, holds: OrderedDict[int, None]) -> bytes:
        """Return what a worker needs besides the call, and note that it holds it now."""
        if not self.values:
            return b""
        fresh = {key: value for key, value in self.values.items() if key not in holds}
        holds.update(dict.fromkeys(fresh))
        keys = list(self.values)
        keep_recent(holds, keys)
        return pickle.dumps((keys, fresh), pickle.HIGHEST_PROTOCOL)


class Writer:
    """Writes calls. The same program with the same files is written out once."""

    def __init__(self) -> None:
        # A program's identity is its object: the library has one of each. Whoever holds it here keeps it that one.
        self._known: OrderedDict[_Key, tuple[int, bytes, Program]] = OrderedDict()
        self._count = 0
        self._used: dict[int, bytes] = {}
        self._table: dict[type, Callable[[Any], Any]] = {**copyreg.dispatch_table, ProgramFiles: self._name_of}

    def written(self, function: Callable[..., object], args: tuple[object, ...]) -> Written:
        """Return the call as a worker takes it. Raises what pickling raises."""
        self._used = {}
        out = io.BytesIO()
        pickler = pickle.Pickler(out, pickle.HIGHEST_PROTOCOL)
        pickler.dispatch_table = self._table
        pickler.dump((function, args))
        return Written(out.getvalue(), self._used)

    def _name_of(self, files: ProgramFiles) -> tuple[Callable[[int], object], tuple[int]]:
        identity = id(files.program), tuple(files.paths.items())
        known = self._known.get(identity)
        if known is None:
            self._count += 1
            known = self._count, pickle.dumps(files, pickle.HIGHEST_PROTOCOL), files.program
            self._known[identity] = known
            if len(self._known) > KNOWN_MAX:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(identity)
        self._used[known[0]] = known[1]
        return held, (known[0],)
