"""Files against the program that names them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest, digest_of_file
from proofgrid.primitives.errors import BadProof, InvalidField
from proofgrid.proofs.base import ProgramFiles

Settings = TypeVar("Settings")


def check_files(files: ProgramFiles, pinned: Mapping[str, Digest]) -> None:
    """Raise BadProof unless every file at hand has the digest that the identity (`pinned`) or the manifest gives it.

    `pinned` holds what the identity says, by the names in `Program.files`; the manifest may not say otherwise.
    """
    named = files.program.files
    for name, path in files.paths.items():
        expected = pinned.get(name, named.get(name))
        if expected is None or digest_of_file(path) != expected:
            raise BadProof(f"the file {name!r} is not the one that the program names", field=f"program.files.{name}")
    for name, digest in pinned.items():
        # A bundle names only what its verifier needs.
        if named.get(name, digest) != digest:
            raise BadProof(f"the manifest names another {name!r} than the identity", field=f"program.files.{name}")


def require(files: ProgramFiles, *names: str) -> None:
    """Raise BadProof when a file that verifying needs is not at hand."""
    for name in names:
        if name not in files.paths:
            raise BadProof(f"the file {name!r} is missing", field=f"program.files.{name}")


def pinned_settings(
    files: ProgramFiles, names: Collection[str], read: Callable[[Mapping[str, Json]], Settings]
) -> Settings:
    """Return the settings that a program's identity names, all of `names`, as `read` takes them; raise BadProof."""
    said = files.program.identity.get("settings")
    try:
        if isinstance(said, Mapping) and set(said) == set(names):
            return read(said)
    except InvalidField:
        pass
    raise BadProof("the program's identity is malformed", field="program.identity.settings")
