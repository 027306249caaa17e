"""Evidence in one file: what an operator signed, and everything that shows that it is a lie.

    manifest.json    what was signed, the facts, the program; canonical
    signature.json   the network's signature over the manifest: these were the facts of the job
    files/<digest>   the proof, and the files that verify the program's proofs

`verify_evidence` needs no network. It believes the network's key for the facts of the job (what the right proof would
prove) and nobody for the rest: the operator's signature, the digests and the verifier speak for themselves.

Format 1 is an invalid proof, or an equivocation of the time when another proof was enough for one. Format 2 is an
equivocation as it is now: two results that contradict each other, whatever the bytes of their proofs.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict, TypeGuard

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import BadBundle, BadProof, InvalidField, ProofgridError
from proofgrid.primitives.reading import read_json, read_mapping, read_text
from proofgrid.primitives.signatures import Signer, is_spelled_once, signer_of
from proofgrid.proofs.base import JobOutput, Program, ProgramFiles
from proofgrid.proofs.bundles.container import (
    MANIFEST,
    SIGNATURE,
    Container,
    ContainerLimits,
    Content,
    open_container,
    write_container,
)
from proofgrid.proofs.bundles.sealed import check_sealed, sealed_by
from proofgrid.proofs.bundles.stumbling import named
from proofgrid.proofs.manifest import program_from_json
from proofgrid.proofs.registry import proof_system
from proofgrid.rules.identity.key_list import SignedKeyList, read_signed_list
from proofgrid.rules.identity.network_keys import Voice
from proofgrid.rules.staking.results import ResultClaim, claim_from_text, contradict, differ, is_signed
from proofgrid.rules.staking.slashing import SlashReason

FORMAT = "proofgrid evidence 1"
FORMAT_OF_CONTRADICTIONS = "proofgrid evidence 2"
#: is it an equivocation? -> the formats that it may have
_FORMATS = {False: (FORMAT,), True: (FORMAT, FORMAT_OF_CONTRADICTIONS)}


class _Record(TypedDict):
    """What the network signs; every text of it but `kind` is nobody's word yet."""

    format: str
    kind: str
    network: str
    operator: str
    claim: str
    signature: str
    other_claim: str
    other_signature: str
    public: str
    facts: str
    program: Json


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """Evidence that holds, and one sentence per check."""

    kind: SlashReason
    operator: str
    network: str
    claim: ResultClaim
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLie:
    """What an operator signed and what shows that it is a lie; texts are JSON as it was."""

    kind: SlashReason
    network: str
    operator: str
    claim: str
    signature: str
    other_claim: str  #: of an equivocation
    other_signature: str
    public: str
    facts: str
    manifest: Mapping[str, Json] | None  #: of the program; None when it is not known


def evidence_record(lie: SignedLie) -> bytes:
    """Return the record that the network signs."""
    invalid = lie.kind == SlashReason.INVALID_PROOF
    return canonical_json(
        {
            "format": _format_of(lie),
            "kind": lie.kind,
            "network": lie.network,
            "operator": lie.operator,
            "claim": lie.claim,
            "signature": lie.signature,
            "other_claim": lie.other_claim,
            "other_signature": lie.other_signature,
            "public": lie.public,
            "facts": lie.facts if invalid else "",
            "program": lie.manifest if invalid else None,
        }
    )


def _format_of(lie: SignedLie) -> str:
    if lie.kind != SlashReason.EQUIVOCATION:
        return FORMAT
    contradicts = contradict(claim_from_text(lie.claim), claim_from_text(lie.other_claim))
    return FORMAT_OF_CONTRADICTIONS if contradicts else FORMAT


def seal_record(record: bytes, key: Signer | Voice) -> str:
    """Return the network's signature over a record; where an online key made it the list belongs beside it."""
    return key.sign(_message(record))


def program_of_record(record: bytes) -> Program | None:
    """Return the program whose verifying files belong to the evidence; None when no proof has to be verified."""
    manifest = json.loads(record)["program"]
    return None if manifest is None else _program(manifest)


def write_evidence(
    path: Path,
    record: bytes,
    signature: str,
    contents: Mapping[Digest, Content],
    *,
    keys: SignedKeyList | None = None,
) -> None:
    """Write a file of evidence; `contents`: the proof and the program's verifying files.

    `keys`: the list that names the key of the signature; None: the root key made it.
    """
    seal: dict[str, Json] = {"signature": signature}
    if keys is not None:
        seal["keys"] = keys.to_json()
    documents = {MANIFEST: record, SIGNATURE: canonical_json(seal)}
    with path.open("wb") as file:
        write_container(file, documents, contents)


async def gather_evidence(
    path: Path,
    record: bytes,
    signature: str,
    *,
    proof: bytes,
    keys: str,
    folder: Path,
    fetch: Callable[[Digest, Path], Awaitable[None]],
) -> None:
    """Write a file of evidence with all that verifies it; `fetch` brings a program's file to a path in `folder`."""
    program = program_of_record(record)
    contents: dict[Digest, Content] = {}
    if program is not None:
        contents[digest_of(proof)] = proof
        for digest in sorted({program.files[name] for name in program.verifying_files}):
            contents[digest] = folder / digest
            await fetch(digest, folder / digest)
    listed = read_signed_list(keys) if keys else None
    await asyncio.to_thread(write_evidence, path, record, signature, contents, keys=listed)


def verify_evidence(
    path: Path, *, expect_network: str | None = None, known: SignedKeyList | None = None, workdir: Path
) -> EvidenceReport:
    """Check that a file shows an operator's lie; blocks. Raises BadBundle naming the check that failed in `field`.

    `known`: the newest list of the network's keys that the caller has.
    """
    with open_container(path, ContainerLimits()) as container:
        record = _read_record(container, known)
        checks = [
            f"network: signed by {record['network']}{'' if expect_network else ' (none was insisted on)'}",
        ]
        if expect_network is not None and expect_network.lower() != record["network"].lower():
            raise BadBundle(f"it is of the network {record['network']}, not {expect_network}", field="network")
        claim = _signed_claim(record, "claim", "signature")
        checks.append(f"signature: {record['operator']} signed the result of lease {claim.lease_id}")
        kind = SlashReason(record["kind"])
        checks.append(
            _check_equivocation(record, claim, container)
            if kind is SlashReason.EQUIVOCATION
            else _check_invalid(record, claim, container, workdir)
        )
    return EvidenceReport(kind, record["operator"], record["network"], claim, tuple(checks))


def _read_record(container: Container, known: SignedKeyList | None) -> _Record:
    content = container.read_json_bytes(MANIFEST)
    seal_bytes = container.read_json_bytes(SIGNATURE)
    try:
        record = read_json(content, field=MANIFEST)
        seal = read_mapping(read_json(seal_bytes, field=SIGNATURE), SIGNATURE)
        spelled_once = canonical_json(record) == content and canonical_json(seal) == seal_bytes
        if not spelled_once or not _is_record(record) or set(seal) - {"keys"} != {"signature"}:
            raise ValueError
        signature = read_text(seal["signature"], SIGNATURE)
        if record["format"] not in _FORMATS[record["kind"] == SlashReason.EQUIVOCATION]:
            raise ValueError
    except (ValueError, TypeError, InvalidField):
        raise BadBundle("this is no evidence of this format", field="container") from None
    if record["kind"] not in (SlashReason.INVALID_PROOF, SlashReason.EQUIVOCATION):
        raise BadBundle(f"a {record['kind']} cannot be shown to others", field="kind")
    _check_seal(record, content, signature, seal.get("keys"), known)
    return record


def _check_seal(record: _Record, content: bytes, signature: str, keys: Json, known: SignedKeyList | None) -> None:
    signer = signer_of(_message(content), signature)
    if signer is None or (keys is None and signer != record["network"]):
        raise BadBundle(f"it was not signed by {record['network']}, or changed since", field="network")
    if not is_spelled_once(signature):
        raise BadBundle("the network's signature is not in its one spelling", field="network")
    sealed = sealed_by(signer, signature, keys)
    if sealed.network != record["network"]:
        raise BadBundle(f"its list of keys is of network {sealed.network}", field="network")
    check_sealed(sealed, known)


def _is_record(value: Json) -> TypeGuard[_Record]:
    """Return whether a value has exactly the members of a record, texts all of them but the program."""
    if not isinstance(value, dict) or set(value) != set(_Record.__annotations__):
        return False
    return all(isinstance(member, str) for name, member in value.items() if name != "program")


def _signed_claim(
    record: _Record, member: Literal["claim", "other_claim"], signature: Literal["signature", "other_signature"]
) -> ResultClaim:
    try:
        claim = claim_from_text(record[member])
    except ProofgridError as error:
        raise BadBundle(error.detail, field=member) from None
    if claim.network != record["network"] or not is_signed(claim, record[signature], record["operator"]):
        raise BadBundle(f"{record['operator']} did not sign this result", field=signature)
    return claim


def _check_equivocation(record: _Record, claim: ResultClaim, container: Container) -> str:
    other = _signed_claim(record, "other_claim", "other_signature")
    first_rule = record["format"] == FORMAT
    lies = differ(claim, other) if first_rule else contradict(claim, other)
    if not lies or container.digests:
        raise BadBundle("the two signed results do not contradict each other about one lease", field="other_claim")
    if first_rule:
        return f"equivocation by its first rule: the same lease, another result: proof {other.proof}"
    return f"equivocation: the same lease, other public values: {other.public}"


def _check_invalid(record: _Record, claim: ResultClaim, container: Container, workdir: Path) -> str:
    program = _program(record["program"])
    if program.digest != claim.program:
        raise BadBundle("the signed result is for another program", field="program")
    public, facts = _json_of(record, "public"), _json_of(record, "facts")
    if digest_of(record["public"].encode()) != claim.public:
        raise BadBundle("the public values are not the signed ones", field="public")
    files = {name: program.files[name] for name in program.verifying_files}
    expected = {*files.values(), Digest(claim.proof)}
    if container.digests != expected:
        raise BadBundle("a file is missing, or nobody refers to it", field="container")
    workdir.mkdir(parents=True, exist_ok=True)
    for digest in sorted(set(files.values())):
        container.extract(digest, workdir / digest)
    proof = container.read(Digest(claim.proof))
    system = proof_system(program.proof_system)
    at_hand = ProgramFiles(program, {name: workdir / digest for name, digest in files.items()})
    with named("program"):
        system.check_program(at_hand)
    output = JobOutput(proof=proof, public=public)
    with tempfile.TemporaryDirectory(dir=workdir) as scratch:
        try:
            with named("proof"):
                system.verify_partial(at_hand, claim.slice, facts, output, workdir=Path(scratch))
        except BadProof as error:
            return f"proof: it does not prove what the job asked for: {error.detail}"
    raise BadBundle("the proof is right: nothing is wrong with what was signed", field="proof")


def _json_of(record: _Record, member: Literal["public", "facts"]) -> Mapping[str, Json]:
    try:
        return read_mapping(read_json(record[member].encode(), field=member), member)
    except (InvalidField, UnicodeEncodeError) as error:
        raise BadBundle(f"it cannot be read: {error}", field=member) from None


def _program(manifest: Json) -> Program:
    try:
        return program_from_json(manifest)
    except ProofgridError as error:
        raise BadBundle(f"its program cannot be read: {error}", field="program") from None


def _message(record: bytes) -> bytes:
    return f"{json.loads(record)['format']} {digest_of(record)}".encode()
