"""Files that somebody hands on: bundles, programs, evidence, exported audit logs.

What a signature guards is signed anew here, by the keys that a stranger has as well: whoever makes a network of their
own may sign what they like. So fuzzing reaches what stands behind the signature.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import ProofgridError
from proofgrid.proofs import registry
from proofgrid.proofs.bundles import bundle, evidence
from proofgrid.proofs.bundles.bundle import Workbench, verify_bundle
from proofgrid.proofs.bundles.container import MANIFEST, SIGNATURE, ContainerLimits, open_container, write_container
from proofgrid.proofs.bundles.evidence import evidence_record, seal_record, verify_evidence
from proofgrid.proofs.bundles.manifest import manifest_from_bytes, manifest_to_json
from proofgrid.proofs.manifest import part_for_verifiers, program_from_json, program_to_json
from proofgrid.rules.audit.checkpoint import Checkpoint, audit_key, origin_of, read_checkpoint, verifier_statement
from proofgrid.rules.audit.entries import Entry
from proofgrid.rules.audit.merkle import leaf_hash, root_of
from proofgrid.rules.audit.tiles import ENTRIES, Tile, bundle_of, hashes_of, read_path, tiles_of
from proofgrid.rules.staking.slashing import SlashReason
from proofgrid.sdk.audit_folder import check_beginning, verify_folder
from tests.fuzz.mutating import mutated_bytes, mutated_json
from tests.proofs.bundles.lies import OPERATOR, Files, a_lie, a_proven_job
from tests.proofs.bundles.makers import NETWORK, Made, a_bundle, one_proof_of
from tests.toy_system import ToySystem

SMALL = ContainerLimits(entries_max=64, total_bytes_max=1 << 20, json_bytes_max=1 << 18)


@cache
def scratch() -> Path:
    """A folder of this process; what lies in it is overwritten by the next input."""
    made = tempfile.TemporaryDirectory(prefix="proofgrid-fuzz-")
    _KEPT.append(made)
    return Path(made.name)


_KEPT: list[Any] = []  #: until the process ends


class _ToyHere:
    """Lets the toy proof system be found without an installation, for as long as it is entered."""

    def __enter__(self) -> None:
        self._before = registry.proof_system
        for module in (registry, bundle, evidence):
            setattr(module, "proof_system", self._find)  # noqa: B010 - mypy would have a module keep what it has

    def __exit__(self, *_: object) -> None:
        for module in (registry, bundle, evidence):
            setattr(module, "proof_system", self._before)  # noqa: B010

    def _find(self, name: str) -> Any:
        return ToySystem() if name == "toy" else self._before(name)


# --- containers and bundles -----------------------------------------------------------------------


def take_container(data: bytes) -> None:
    """Open a container, and read all that is in it."""
    with open_container(data, SMALL) as container:
        for name in (MANIFEST, SIGNATURE):
            container.read_json_bytes(name)
        for digest in container.digests:
            container.read(digest)


@cache
def _bundles() -> list[Made]:
    folder = scratch() / "bundles"
    for name in ("two", "one"):
        (folder / name).mkdir(parents=True)
    return [a_bundle(folder / "two", "seven"), one_proof_of(folder / "one", "seven", "eight", wraps=4)]


def containers() -> list[bytes]:
    """Whole bundles, and the smallest container."""
    file = io.BytesIO()
    write_container(file, {MANIFEST: b"{}", SIGNATURE: b"{}"}, {digest_of(b""): b""})
    return [*(made.path.read_bytes() for made in _bundles()), file.getvalue()]


def take_bundle(data: bytes) -> None:
    """Read a manifest; sign it as the network of the tests, and verify the bundle."""
    with _swallowed():
        manifest_from_bytes(data)
    try:
        value = json.loads(data)
        content = canonical_json(value)
    except (ValueError, TypeError, RecursionError):
        return
    with _swallowed():
        manifest_from_bytes(content)
    contents = {digest: path.read_bytes() for made in _bundles() for digest, path in made.contents.items()}
    wanted = _wanted_files(value)
    signature = NETWORK.sign(f"proofgrid bundle 1 {digest_of(content)}".encode())
    file = io.BytesIO()
    documents = {MANIFEST: content, SIGNATURE: canonical_json({"signature": signature, "signer": NETWORK.address})}
    write_container(file, documents, {digest: contents[digest] for digest in wanted if digest in contents})
    with _ToyHere(), tempfile.TemporaryDirectory(dir=scratch()) as folder:
        verify_bundle(file.getvalue(), workdir=Workbench(Path(folder)), limits=SMALL)


def _wanted_files(value: Any) -> list[Digest]:
    """Which files a manifest would have, whatever is wrong with it."""
    text = json.dumps(value)
    every = sorted({digest for made in _bundles() for digest in made.contents})
    return [digest for digest in every if digest in text]


def manifests() -> list[bytes]:
    """Manifests of whole bundles."""
    return [canonical_json(manifest_to_json(made.manifest)) for made in _bundles()]


def take_program(data: bytes) -> None:
    """Read a program's manifest, and what of it is everybody's."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    with _swallowed():
        part_for_verifiers(value)
    program = program_from_json(value)
    try:
        _ = program.digest
    except TypeError:
        if not _has_floats(value):
            raise


def _has_floats(value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, float) or any(_has_floats(one) for one in inner)


def programs() -> list[bytes]:
    """A toy program, with and without wraps."""
    return [json.dumps(program_to_json(made.manifest.program)).encode() for made in _bundles()]


# --- evidence -------------------------------------------------------------------------------------


def take_evidence(data: bytes) -> None:
    """Seal a record with the network's key, the claims in it with the operator's, and verify it."""
    try:
        record = json.loads(data)
        _sign_claims(record)
        content = canonical_json(record)
    except (ValueError, TypeError, RecursionError):
        return
    try:
        seal = seal_record(content, NETWORK)
    except (KeyError, TypeError, ValueError):  # our own sealing takes records of ours only
        return
    named = json.dumps(record) if record.get("kind") != SlashReason.EQUIVOCATION else ""
    files = {digest_of(one): one for one in _evidence_files() if digest_of(one) in named}
    path = scratch() / "lie.evidence"
    with path.open("wb") as file:
        write_container(file, {MANIFEST: content, SIGNATURE: canonical_json({"signature": seal})}, files)
    with _ToyHere():
        verify_evidence(path, workdir=scratch() / "evidence")


def _sign_claims(record: Any) -> None:
    for member, signature in (("claim", "signature"), ("other_claim", "other_signature")):
        claim = json.loads(record[member]) if isinstance(record, dict) and record.get(member) else None
        if isinstance(claim, dict):
            record[signature] = OPERATOR.sign(b"proofgrid result 1 " + canonical_json(claim))


@cache
def _proven() -> Files:
    folder = scratch() / "proven"
    folder.mkdir()
    return a_proven_job(folder)


def _evidence_files() -> list[bytes]:
    files, _, output = _proven()
    return [b"no proof", output.proof, *(path.read_bytes() for path in files.paths.values())]


def evidence_records() -> list[bytes]:
    """An invalid proof, and an equivocation."""
    return [evidence_record(a_lie(_proven(), kind=kind)) for kind in ("invalid_proof", "equivocation")]


# --- audit logs -----------------------------------------------------------------------------------


def take_audit(data: bytes) -> None:
    """Lay a folder out as its JSON says, confirm its key as its network would, and verify it.

    Names are paths in it, contents are Latin-1; `checkpoint` and `key.json` may be spelled as objects.
    """
    try:
        files = json.loads(data)
    except (ValueError, RecursionError):
        return
    folder = Path(tempfile.mkdtemp(dir=scratch()))
    _lay_out(folder, files if isinstance(files, dict) else {})
    checkpoint = verify_folder(folder, NETWORK.address)
    check_beginning(folder, checkpoint)


def _lay_out(folder: Path, files: Mapping[str, Any]) -> None:
    for name, content in files.items():
        is_path = name in ("key.json", "checkpoint") or read_path(name) is not None
        if not is_path:
            continue
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            place.write_bytes(content.encode("latin-1", errors="replace"))
            if name == "checkpoint":
                read_checkpoint(content)
                is_text = content.endswith("\n") and content.isascii()
                note = audit_key(NETWORK).sign(content) if is_text else content
                place.write_text(note, encoding="utf-8", errors="replace")
        elif name == "key.json" and isinstance(content, dict):
            # The network confirms whatever key is named: it may be the stranger's own.
            said = verifier_statement(NETWORK.address, str(content.get("verifier"))[:500]) if _spelled(content) else b""
            place.write_text(json.dumps({**content, "statement": NETWORK.sign(said)}))


def _spelled(content: Mapping[str, Any]) -> bool:
    try:
        str(content.get("verifier")).encode()
    except UnicodeEncodeError:
        return False
    return True


def audit_folders() -> list[bytes]:
    """A log of three entries, and an empty one."""
    made = []
    for count in (3, 0):
        entries = [
            Entry(act="Grant", by="0xa", peer="", what={}, outcome="done", count=1, at_ms=n).spelled
            for n in range(count)
        ]
        leaves = [leaf_hash(entry) for entry in entries]
        origin = origin_of(NETWORK.address)
        files: dict[str, Any] = {
            "key.json": {"network": NETWORK.address, "verifier": audit_key(NETWORK).verifier, "statement": ""},
            "checkpoint": Checkpoint(origin, count, root_of(leaves)).text,
        }
        files |= {tile.path: _content_of(tile, entries, leaves).decode("latin-1") for tile in tiles_of(count)}
        made.append(json.dumps(files).encode())
    return made


def _content_of(tile: Tile, entries: list[bytes], leaves: list[bytes]) -> bytes:
    span = slice(tile.entries.start, tile.entries.stop)
    return bundle_of(entries[span]) if tile.level == ENTRIES else hashes_of(tile, leaves[span])


def mutated_folder(data: bytes, chance: Random) -> bytes:
    """Change the folder's description, or the bytes of one of its files."""
    try:
        files = json.loads(data)
        name = chance.choice(sorted(files))
        content = files[name].encode("latin-1")
    except (ValueError, RecursionError, AttributeError, TypeError, IndexError, KeyError):
        return mutated_json(data, chance)
    if chance.randrange(2):
        return mutated_json(data, chance)
    return json.dumps({**files, name: mutated_bytes(content, chance).decode("latin-1")}).encode()


class _swallowed:  # noqa: N801 - reads like suppress()
    """Our own errors are what is expected here; what comes next is tried all the same."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: object, _where: object) -> bool:
        return isinstance(error, ProofgridError)
