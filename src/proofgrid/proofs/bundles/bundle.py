"""The final output: one file with the partial proofs and everything needed to verify them offline.

`verify_bundle` is what `proofgrid verify` and the gateway run; it needs no network and no database, and believes
nothing but the proofs, the signature and what the caller insists on (program, network).
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.digests import Digest, digest_of, digest_of_file
from proofgrid.primitives.errors import BadBundle
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import Signer, is_spelled_once, signer_of
from proofgrid.proofs.base import JobOutput, PartialProof, Program, ProgramFiles
from proofgrid.proofs.bundles.container import (
    MANIFEST,
    SIGNATURE,
    Container,
    ContainerLimits,
    Content,
    open_container,
    write_container,
)
from proofgrid.proofs.bundles.manifest import (
    Manifest,
    check_manifest,
    json_from_canonical,
    manifest_from_bytes,
    manifest_to_json,
)
from proofgrid.proofs.bundles.sealed import Sealed, check_sealed, sealed_by
from proofgrid.proofs.bundles.stumbling import named
from proofgrid.proofs.kit.workdirs import EmptyFolders
from proofgrid.proofs.registry import proof_system
from proofgrid.rules.identity.key_list import BYTES_MAX, SignedKeyList
from proofgrid.rules.identity.network_keys import Voice

DEFAULT_LIMITS = ContainerLimits()
KEPT_BYTES_MAX = 1 << 20  #: of a program's files that a workbench keeps for bundles to come

SIGNATURE_BYTES_MAX = (1 << 10) + BYTES_MAX


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a file claims. Its signature is the network's; files and proofs were not looked at."""

    manifest: Manifest
    manifest_digest: Digest
    sealed: Sealed

    @property
    def signature(self) -> str:
        return self.sealed.signature


@dataclass(frozen=True, slots=True)
class BundleReport:
    """A bundle that verified, and one sentence per check."""

    manifest: Manifest
    checks: tuple[str, ...]


def write_bundle(path: Path, manifest: Manifest, *, contents: Mapping[Digest, Content], key: Signer | Voice) -> Digest:
    """Write and sign a bundle; return the digest of the file. The same arguments give the same bytes.

    `contents` holds the files of `manifest.files`, or says where they lie. Raises ValueError or BadBundle for what no
    verifier would accept, and writes nothing then.
    """
    documents = _signed(manifest, contents, key)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".bundle-", delete=False) as file:
        partial = Path(file.name)
        try:
            write_container(file, documents, {digest: contents[digest] for digest in manifest.files})
            file.flush()
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return digest_of_file(path)


def bundle_bytes(manifest: Manifest, *, contents: Mapping[Digest, Content], key: Signer | Voice) -> bytes:
    """Return the bytes of the file that `write_bundle` would write; raises what it raises."""
    documents = _signed(manifest, contents, key)
    file = io.BytesIO()
    write_container(file, documents, {digest: contents[digest] for digest in manifest.files})
    return file.getvalue()


def read_bundle(path: Path, *, limits: ContainerLimits = DEFAULT_LIMITS) -> Bundle:
    """Return what a bundle claims; raise BadBundle for a file that is none or whose signature is wrong."""
    with open_container(path, limits) as container:
        return _read(container)


class Workbench:
    """A folder in which bundles are verified, any number after each other; it was empty before the first.

    What one bundle has left there serves the next: the program's files, by what they hash to, and that they are the
    ones which the program's identity names. Each bundle's own bytes are read and hashed all the same.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self._files = folder / "files"
        self._files.mkdir(parents=True, exist_ok=True)
        self._at_hand: dict[Digest, Path] = {}
        self._checked: Program | None = None
        self.workdirs = EmptyFolders(folder / "scratch")

    @property
    def is_fit(self) -> bool:
        """May it serve bundles that come much later? Not with large files, nor where somebody removed them."""
        try:
            size_bytes = sum(path.stat().st_size for path in self._at_hand.values())
        except FileNotFoundError:
            return False
        return size_bytes <= KEPT_BYTES_MAX and self.workdirs.is_fit

    def extract(self, container: Container, program: Program) -> ProgramFiles:
        """Return the program's files out of a container; raise BadBundle for bytes that hash to something else."""
        for digest in sorted(set(program.files.values())):
            if digest in self._at_hand:
                container.check(digest)
            else:
                container.extract(digest, self._files / digest)
                self._at_hand[digest] = self._files / digest
        return ProgramFiles(program, {name: self._at_hand[digest] for name, digest in program.files.items()})

    def check_program(self, files: ProgramFiles) -> None:
        """See ProofSystem.check_program; asked once for bundles of one program that follow each other."""
        if files.program != self._checked:
            proof_system(files.program.proof_system).check_program(files)
            self._checked = files.program


def verify_bundle(
    source: Content,
    *,
    expect_program: str | None = None,
    expect_network: str | None = None,
    known: SignedKeyList | None = None,
    workdir: Path | Workbench,
    limits: ContainerLimits = DEFAULT_LIMITS,
) -> BundleReport:
    """Check a bundle, a file or its bytes, from end to end; blocks. Raises BadBundle, BadProof or BrokenLink.

    `field` of what is raised names the check. Without `expect_network` the signature only says that nobody but the
    signer changed the bundle; without `expect_program` the proofs are proofs of *some* program. `known`: the newest
    list of the network's keys that the caller has; a key that it revokes counts for nothing. UnknownProofSystem means
    that a plug-in is missing here.
    """
    bench = workdir if isinstance(workdir, Workbench) else Workbench(workdir)
    with open_container(source, limits) as container:
        bundle = _read(container, expect_network, known)
        manifest = bundle.manifest
        checks = [
            f"container: {len(container.digests)} files, nothing else",
            f"signature: {bundle.sealed}",
            _network_text(expect_network),
            _check_program_digest(manifest, expect_program),
            _jobs_text(manifest),
        ]
        files, parts = bench.extract(container, manifest.program), parts_of(container, manifest)
    checks.append(f"files: {len(manifest.files)} hash to their names")
    checks += _check_proofs(manifest, files, parts, bench)
    return BundleReport(manifest, tuple(checks))


def _signed(manifest: Manifest, contents: Mapping[Digest, Content], key: Signer | Voice) -> dict[str, bytes]:
    voice = key if isinstance(key, Voice) else Voice(key.address, key, None)
    if voice.network != manifest.network:
        raise ValueError(f"the key of {voice.network} does not speak for the network {manifest.network}")
    if missing := manifest.files - set(contents):
        raise ValueError(f"the content of {min(missing)} is missing")
    check_manifest(manifest)
    content = canonical_json(manifest_to_json(manifest))
    signature: dict[str, Json] = {"signature": voice.sign(_message(digest_of(content))), "signer": voice.signer.address}
    if voice.beside is not None:
        signature["keys"] = voice.beside.to_json()
    return {MANIFEST: content, SIGNATURE: canonical_json(signature)}


def _message(manifest_digest: Digest) -> bytes:
    return f"proofgrid bundle 1 {manifest_digest}".encode()


def _read(container: Container, expect_network: str | None = None, known: SignedKeyList | None = None) -> Bundle:
    # Who signed it is known before a byte of the manifest is read as JSON: what nobody signed costs its hash.
    content = container.read_json_bytes(MANIFEST)
    digest = digest_of(content)
    sealed = _check_signature(container.read_json_bytes(SIGNATURE), digest)
    _check_expected(sealed.network, expect_network)
    check_sealed(sealed, known)
    manifest = manifest_from_bytes(content)
    if sealed.network != manifest.network:
        raise BadBundle("the signer is not the network that the manifest names", field="signature")
    if container.digests != manifest.files:
        strays = sorted(container.digests ^ manifest.files)
        raise BadBundle(f"the file {strays[0]} is missing, or nobody refers to it", field="container")
    return Bundle(manifest, digest, sealed)


def _check_signature(content: bytes, manifest_digest: Digest) -> Sealed:
    """Return who signed a manifest, for which network, and the signature. Raises BadBundle."""
    if len(content) > SIGNATURE_BYTES_MAX:
        raise BadBundle(f"signature.json is larger than {SIGNATURE_BYTES_MAX} bytes", field="signature")
    value = json_from_canonical(content, what=SIGNATURE)
    if not isinstance(value, dict) or set(value) - {"keys"} != {"signature", "signer"}:
        raise BadBundle("signature.json has the members signature and signer, and perhaps keys", field="signature")
    signature, signer = value["signature"], value["signer"]
    # One spelling only: other cases of hex digits and high s would be other bytes with the same meaning.
    if not isinstance(signature, str) or not is_spelled_once(signature):
        raise BadBundle("a signature is 0x and 130 lower-case hex digits", field="signature")
    if signer_of(_message(manifest_digest), signature) != signer:
        raise BadBundle(f"the manifest was not signed by {signer}, or changed since", field="signature")
    return sealed_by(Address(str(signer)), signature, value.get("keys"))


def _check_expected(network: str, expected: str | None) -> None:
    if expected is not None and network.lower() != expected.lower():
        raise BadBundle(f"the bundle is of the network {network}, not {expected}", field="network")


def _network_text(expected: str | None) -> str:
    return "network: any (none was insisted on)" if expected is None else "network: the expected one"


def _check_program_digest(manifest: Manifest, expected: str | None) -> str:
    # That the digest is the identity's was checked when the manifest was read.
    digest = manifest.program.digest
    if expected is None:
        return f"program: {digest} (none was insisted on)"
    if digest != expected:
        raise BadBundle(f"the bundle proves the program {digest}, not {expected}", field="program")
    return f"program: {digest}, the expected one"


def _jobs_text(manifest: Manifest) -> str:
    if manifest.wrapped is not None:
        return f"jobs: one proof, of {manifest.wrapped.jobs} others; prices and payments add up"
    return f"jobs: {len(manifest.jobs)} proofs, each once; prices and payments add up"


def parts_of(container: Container, manifest: Manifest) -> list[PartialProof]:
    """Return the proofs in a container, in the order of the manifest's jobs."""
    return [
        PartialProof(
            slice_index=job.slice_index,
            input_index=job.input_index,
            output=JobOutput(proof=container.read(job.proof), public=job.public),
        )
        for job in manifest.jobs
    ]


def _check_proofs(manifest: Manifest, files: ProgramFiles, parts: list[PartialProof], bench: Workbench) -> list[str]:
    system = proof_system(manifest.program.proof_system)
    with named("program"):
        bench.check_program(files)
    with named("proofs"):
        said = system.verify_whole(files, manifest.statement, manifest.result, parts, workdir=bench.workdirs.next())
    return ["program: the files are the ones that the identity names", *(f"proofs: {sentence}" for sentence in said)]
