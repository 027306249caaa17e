"""What a worker answers, read by who believes it nothing: values and errors of ours, and no call of anything else.

A worker that a stranger's model has taken over may write any pickle. Only what stands here can come out of one.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import is_dataclass
from enum import Enum

from proofgrid.primitives.errors import JobCrashed, ProofgridError, rebuild_error
from proofgrid.proofs.base import job_output

_OURS = ("proofgrid.primitives.", "proofgrid.proofs.", "proofgrid.rules.")
_PLAIN: dict[tuple[str, str], object] = {
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("builtins", "bytearray"): bytearray,
    ("builtins", "complex"): complex,
}
#: What values of ours are pickled as calls of.
_MAKERS = (rebuild_error, job_output)
_PATHS = ("PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath")


def read_answer(content: bytes) -> object:
    """Return the value, or the error of ours. Raises JobCrashed for what no worker of ours writes."""
    try:
        return _Reader(io.BytesIO(content)).load()
    except ProofgridError:
        raise
    except Exception as reason:  # whatever a forged one leads to
        raise JobCrashed(f"a worker's answer cannot be read: {type(reason).__name__}") from None


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (plain := _PLAIN.get((module, name))) is not None:
            return plain
        is_path = module in ("pathlib", "pathlib._local") and name in _PATHS
        if is_path or (module.startswith(_OURS) and "." not in name):
            found = super().find_class(module, name)
            if is_path or found in _MAKERS or (isinstance(found, type) and _is_value(found)):
                return found
        raise JobCrashed(f"a worker's answer holds a {module[:64]}.{name[:64]}, which is no value")


def _is_value(found: type) -> bool:
    return is_dataclass(found) or issubclass(found, (ProofgridError, Enum))
