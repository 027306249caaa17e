"""Bundles, deliveries and signatures by which clients in other languages are held equal to the code here.

`python -m tests.clients.vectors` writes clients/typescript/test/vectors/vectors.json.gz anew; a test holds it equal.
Each case of a bundle says what `proofgrid verify` refuses it with, and what a client refuses it with that has no
verifier of proofs: nothing, where only the proofs tell.
"""

from __future__ import annotations

import copy
import gzip
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import ProofgridError, UnknownProofSystem
from proofgrid.primitives.signatures import SigningKey
from proofgrid.proofs.bundles.bundle import read_bundle, verify_bundle
from proofgrid.proofs.bundles.container import MANIFEST, SIGNATURE, write_container
from proofgrid.proofs.bundles.manifest import manifest_to_json
from proofgrid.proofs.manifest import program_to_json
from proofgrid.rules.identity.key_list import (
    KeyState,
    Purpose,
    SignedKeyList,
    first_list,
    read_signed_list,
    sign_list,
    with_end,
    with_key,
)
from proofgrid.rules.webhooks.signing import headers_of, public_key_of, spell_secret
from tests.packages import toy_system_installed
from tests.proofs.bundles.makers import NETWORK, STRANGER, Made, a_bundle, forge, one_proof_of, set_at
from tests.proofs.bundles.test_bundle import EDITS, LIES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "clients" / "typescript" / "test" / "vectors"
VECTORS = FOLDER / "vectors.json.gz"
ONLINE = SigningKey(b"\x05" * 32)
NEXT = SigningKey(b"\x06" * 32)
#: What only proofs tell, by the field of the error.
OF_PROOFS = ("proofs", "statement", "result", "links")
BEFORE_STEP_4 = ROOT / "tests" / "acceptance" / "before_step_4" / "answer.bundle"

VALUES: list[Any] = [
    "",
    'a"\\\n\x7f\u00e9\U0001f600',
    [],
    {"b": [1, -2, True, None], "a": {}},
    {"\ue000": 1, "\U0001f600": 2},
]


@dataclass(frozen=True)
class Case:
    """A bundle, and what its verifier insists on."""

    name: str
    content: bytes
    insists: dict[str, str] = field(default_factory=dict)  #: program, network, keys


def spelled_vectors(root: Path) -> dict[str, Any]:
    """Return every vector as JSON; `root`: an empty folder."""
    return {
        "canonical": [{"value": value, "text": canonical_json(value).decode()} for value in VALUES],
        "signatures": [
            {
                "secret": "0x" + key.secret.hex(),
                "address": key.address,
                "text": text,
                "signature": key.sign(text.encode()),
            }
            for key, text in ((NETWORK, "hello"), (STRANGER, ""), (ONLINE, "x" * 1_000))
        ],
        "deliveries": [_delivery(b"\x07" * 32), _delivery(bytes(range(32)))],
        "bundles": [_told(case, root) for case in _cases(root)],
    }


def vectors_text(root: Path) -> str:
    """Return the file as it is checked in, before it is packed."""
    return json.dumps(spelled_vectors(root), indent=1) + "\n"


def _delivery(secret: bytes) -> dict[str, Any]:
    body = b'{"type":"task.accepted","timestamp_ms":1,"data":{"task_id":"t","cursor":1,"event":{"units":3}}}'
    headers = headers_of(secret, "msg_1_1", body, now_seconds=1_700_000_000)
    keys = {"secret": spell_secret(secret), "public_key": public_key_of(secret)}
    return {**keys, "headers": headers, "body": body.decode(), "now_ms": 1_700_000_000_000}


def _told(case: Case, root: Path) -> dict[str, Any]:
    refusal = _refusal(case, root)
    if refusal is not None and refusal["code"] == UnknownProofSystem.code and "real proofs" in case.name:
        refusal = None  # its engine is not on this machine: it was when the bundle was made
    needs_proofs = refusal is not None and (refusal["field"] in OF_PROOFS or refusal["code"] == "PG-131")
    return {
        "name": case.name,
        "content": case.content.hex(),
        "insists": case.insists,
        "refused": refusal,
        "needs_proofs": needs_proofs,
    }


def _refusal(case: Case, root: Path) -> dict[str, str] | None:
    known = read_signed_list(case.insists["keys"]) if "keys" in case.insists else None
    with tempfile.TemporaryDirectory(dir=root) as workdir:
        try:
            verify_bundle(
                case.content,
                expect_program=case.insists.get("program"),
                expect_network=case.insists.get("network"),
                known=known,
                workdir=Path(workdir),
            )
        except ProofgridError as error:
            return {"code": error.code, "field": error.field}
    return None


def _cases(root: Path) -> Iterator[Case]:
    (root / "toy").mkdir()
    made = a_bundle(root / "toy")
    whole = made.path.read_bytes()
    expected = {"program": made.manifest.program.digest, "network": NETWORK.address}
    yield Case("toy: two inputs of two slices", whole, expected)
    yield Case("toy: insisting on nothing", whole)
    yield Case("toy: another program", whole, {"program": "0" * 64})
    yield Case("toy: another network", whole, {"network": STRANGER.address})
    yield Case("toy: one proof of all", one_proof_of(root / "one", "seven", "eight", wraps=2).path.read_bytes())
    for path in sorted(FOLDER.glob("*.bundle")):
        yield Case(f"{path.stem}: real proofs", path.read_bytes())
    yield Case("ezkl: real proofs, of an early release", BEFORE_STEP_4.read_bytes())
    yield from _edited(made)
    yield from _spelled_otherwise(made)
    yield from _of_online_keys(made)
    yield from _damaged(whole)


def _edited(made: Made) -> Iterator[Case]:
    old = read_bundle(made.path).signature
    for name, edit in EDITS.items():
        content = canonical_json(_with(made, edit))
        yield Case(f"edited, not signed: {name}", forge(made, content, sign=lambda message: old).read_bytes())
    edits = {name: lie[0] for name, lie in LIES.items()} | {
        "a price of twenty digits": set_at("jobs", 0, "price_buy", to=10**19 + 1),
        "a price of 400 digits": set_at("jobs", 0, "price_buy", to=10**399),
        "a payment beyond 2^53 that is wrong by one": set_at("jobs", 0, "paid", to=2**53 + 1),
        "a name of two halves behind one of one": set_at("statement", to={"starts": [], "\ue000": 1, "\U0001f600": 2}),
        "a name that objects have": set_at("statement", "__proto__", to=1),
        "a member too many": set_at("more", to=1),
        "no slices": set_at("program", "slices", to=[]),
        "a slice that depends on itself": set_at("program", "slices", 0, "depends_on", to=[0]),
        "an identity of another system": set_at("program", "identity", "proof_system", to="other"),
        "a digest in capitals": set_at("jobs", 0, "proof", to="A" * 64),
        "an id in capitals": set_at("jobs", 0, "job_id", to="00000000-0000-0000-0000-00000000FFFF"),
        "an address in small letters": set_at("task", "client", to=made.manifest.task.client.lower()),
        "an address with a typing error": set_at("task", "client", to=made.manifest.task.client.swapcase()),
        "an empty lane": set_at("jobs", 0, "round", "lane", to=""),
        "another proof system under the old digest": set_at("program", "proof_system", to="tomorrow"),
        "an unknown proof system": _of_tomorrow(made),
        "a job named twice": set_at("jobs", 1, "job_id", to=str(made.manifest.jobs[0].job_id)),
        "no jobs": set_at("jobs", to=[]),
        "a proof that is not there": set_at("jobs", 0, "proof", to="0" * 64),
    }
    for name, edit in edits.items():
        yield Case(f"signed by the network: {name}", forge(made, _with(made, edit)).read_bytes())
    exchanged = _with(made, set_at("program", "files", "circuit", to=made.manifest.jobs[0].proof))
    proofs = {job.proof: made.contents[job.proof] for job in made.manifest.jobs}
    forged = forge(made, exchanged, contents=proofs)
    yield Case("signed by the network: a file that the identity does not name", forged.read_bytes())


def _of_tomorrow(made: Made) -> Any:
    program = replace(
        made.manifest.program, proof_system="tomorrow", identity={"circuit": made.manifest.program.identity["circuit"]}
    )

    def edit(manifest: dict[str, Any]) -> None:
        manifest["program"] = {"digest": program.digest, **program_to_json(program)}

    return edit


def _spelled_otherwise(made: Made) -> Iterator[Case]:
    content = canonical_json(manifest_to_json(made.manifest))
    spellings = {
        "an end of line": content + b"\n",
        "a space": content.replace(b'{"format"', b'{ "format"'),
        "a name twice": b'{"format":"x",' + content[1:],
        "a float": content.replace(b'"version":1', b'"version":1.0'),
        "an escape that is not needed": content.replace(b'"toy"', b'"t\\u006fy"'),
        "minus zero": content.replace(b'"input":0', b'"input":-0', 1),
        "a zero in front": content.replace(b'"input":0', b'"input":00', 1),
        "a letter that is no ASCII": content.replace(b'"toy"', '"t\u00f6y"'.encode()),
        "nothing": b"",
        "a list": b"[]",
        "not JSON": b"\xff\xfe",
        "too deep": b"[" * 200 + b"]" * 200,
        "another format": b'{"format":"proofgrid","version":1}',
    }
    for name, spelling in spellings.items():
        yield Case(f"spelled otherwise: {name}", forge(made, spelling).read_bytes())
    spells: dict[str, Callable[[str], str]] = {
        "capitals": lambda text: "0x" + text[2:].upper(),
        "v of 0 and 1": lambda text: text[:-2] + {"1b": "00", "1c": "01"}[text[-2:]],
        "nothing": lambda text: "",
        "another key's": lambda text: STRANGER.sign(b"x"),
    }
    for name, spell in spells.items():
        signature = spell(NETWORK.sign(f"proofgrid bundle 1 {digest_of(content)}".encode()))
        signed = forge(made, content, sign=partial(_whatever, signature))
        yield Case(f"signature: {name}", signed.read_bytes())
    yield Case(
        "signature: by a stranger", forge(made, content, sign=STRANGER.sign, signer=STRANGER.address).read_bytes()
    )


def _whatever(signature: str, _message: bytes) -> str:
    return signature


def _of_online_keys(made: Made) -> Iterator[Case]:
    first = with_key(first_list(NETWORK.address), ONLINE.address, [Purpose.BUNDLES, Purpose.ROUNDS], now_ms=1)
    second = with_key(first, NEXT.address, [Purpose.BUNDLES], now_ms=2)
    retired = with_end(second, ONLINE.address, KeyState.RETIRED, now_ms=3)
    revoked = with_end(retired, ONLINE.address, KeyState.REVOKED, now_ms=4)
    rounds = with_key(first_list(NETWORK.address), ONLINE.address, [Purpose.ROUNDS], now_ms=1)
    strange = with_key(first_list(STRANGER.address), ONLINE.address, [Purpose.BUNDLES], now_ms=1)
    by = {one: sign_list(one, NETWORK) for one in (first, second, retired, revoked, rounds)}

    def sealed(keys: dict[str, Any] | SignedKeyList, *, by: SigningKey = ONLINE) -> bytes:
        beside: Any = keys if isinstance(keys, dict) else keys.to_json()
        return _sealed(made, by, beside)

    yield Case("keys: an online key", sealed(by[first]), {"network": NETWORK.address})
    yield Case("keys: retired since", sealed(by[first]), {"keys": by[retired].text})
    yield Case("keys: revoked since", sealed(by[first]), {"keys": by[revoked].text})
    yield Case("keys: revoked in an older list than the one beside", sealed(by[second]), {"keys": by[first].text})
    yield Case("keys: the next key", sealed(by[retired], by=NEXT), {"keys": by[revoked].text})
    yield Case("keys: retired when it signed", sealed(by[retired]))
    yield Case("keys: revoked when it signed", sealed(by[revoked]))
    yield Case("keys: for rounds only", sealed(by[rounds]))
    yield Case("keys: of nobody's list", sealed(by[first], by=STRANGER))
    yield Case("keys: the root key beside its own list", sealed(by[first], by=NETWORK))
    yield Case("keys: another network's list", sealed(sign_list(strange, STRANGER)))
    yield Case("keys: known of another network", sealed(by[first]), {"keys": sign_list(strange, STRANGER).text})
    forged = copy.deepcopy(by[first].to_json())
    forged["list"]["keys"][0]["since_ms"] = 9  # type: ignore[index, call-overload]
    yield Case("keys: changed since", sealed(dict(forged)))
    yield Case("keys: no list", sealed({}))


def _sealed(made: Made, key: SigningKey, keys: Any) -> bytes:
    content = canonical_json(manifest_to_json(made.manifest))
    signature = {"signature": key.sign(f"proofgrid bundle 1 {digest_of(content)}".encode()), "signer": key.address}
    with tempfile.TemporaryFile() as file:
        write_container(
            file, {MANIFEST: content, SIGNATURE: canonical_json({**signature, "keys": keys})}, made.contents
        )
        file.seek(0)
        return file.read()


def _damaged(whole: bytes) -> Iterator[Case]:
    yield Case("damaged: nothing", b"")
    yield Case("damaged: bytes in front", b"#!/bin/sh\n" + whole)
    yield Case("damaged: bytes behind", whole + b"\x00\x00")
    for length in (21, 41, 100, len(whole) // 2, len(whole) - 22, len(whole) - 1):
        yield Case(f"damaged: cut to {length} bytes", whole[:length])
    for place in (*range(0, len(whole), len(whole) // 61), len(whole) - 2):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        yield Case(f"damaged: byte {place}", bytes(flipped))


def _with(made: Made, edit: Any) -> dict[str, Any]:
    manifest: Any = copy.deepcopy(manifest_to_json(made.manifest))
    edit(manifest)
    return manifest  # type: ignore[no-any-return]


def main() -> None:
    """Write the file anew."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        root = Path(folder)
        (root / "made").mkdir()
        with toy_system_installed(root / "site", patch):
            VECTORS.write_bytes(gzip.compress(vectors_text(root / "made").encode(), mtime=0))


if __name__ == "__main__":
    main()
