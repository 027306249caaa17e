"""What a proof system needs beside proofgrid: where it is missing, the system is not installed, and says what helps."""

from __future__ import annotations

from importlib.util import find_spec

from proofgrid.primitives.errors import UnknownProofSystem


def needs_modules(system: str, *modules: str, hint: str) -> None:
    """Raise UnknownProofSystem unless Python finds these modules; none of them is imported.

    For a plug-in to call where it is loaded. It is then listed as not installed here, with `hint` as the way out.
    """
    missing = [name for name in modules if not _is_found(name)]
    if missing:
        raise UnknownProofSystem(
            f"{system} is not installed here: Python finds no {' and no '.join(missing)}",
            field="proof_system",
            hint=hint,
        )


def _is_found(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
