"""What a signing process signs: for each purpose the beginning of what is signed, and the form of the rest.

Whoever asks names the purpose and gives the rest; the process puts the beginning before it. So it signs no list of
keys, no token of an administrator and no transaction of a chain, whoever asks. No two purposes share a message:
they begin differently, and a hash has 32 bytes, of which no other message consists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.errors import ProofgridError
from proofgrid.rules.access.tokens import PREFIX as TOKEN_PREFIX
from proofgrid.rules.access.tokens import read_token
from proofgrid.rules.market.record_file import FORMAT as RECORD_FORMAT
from proofgrid.rules.staking.results import claim_from_text

DOCUMENT_BYTES_MAX = 64 << 20  #: the record of a round; an hour's largest have a megabyte
STATEMENT_BYTES_MAX = 1 << 16


class NotSigned(ProofgridError):
    """The signing process does not sign this."""

    code = "PG-526"


class Said(StrEnum):
    """What is signed: the purposes that there are."""

    ROUND = "round"
    RECORD_END = "record_end"
    BUNDLE = "bundle"
    EVIDENCE = "evidence"
    AUDIT_KEY = "audit_key"
    RESULT = "result"
    TOKEN = "token"  # noqa: S105 - a word
    CERTIFICATE_REQUEST = "certificate_request"
    SEALING_KEY = "sealing_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Of what is signed for one purpose."""

    beginning: bytes = b""
    fits: Callable[[bytes], bool]  #: the rest
    is_hashed: bool = False  #: a document, of which the SHA-256 is signed
    bytes_max: int = STATEMENT_BYTES_MAX


#: The calls that a prover makes. Its operator's money, roles and programs are none of its business.
CALLS_OF_PROVERS = frozenset(
    {
        "/proofgrid.v1.ProverService/Connect",
        "/proofgrid.v1.KeyService/CertifyProver",
        "/proofgrid.v1.ArtifactService/Upload",
        "/proofgrid.v1.ArtifactService/Download",
        "/proofgrid.v1.ClientService/GetNetwork",
    }
)


def _of_pattern(pattern: bytes) -> Callable[[bytes], bool]:
    compiled = re.compile(pattern)
    return lambda rest: compiled.fullmatch(rest) is not None


def _is_round(rest: bytes) -> bool:
    # Its parts are checked by whoever verifies the record: here it need only be no other document.
    return rest.startswith(b'{"absent":[') and rest.endswith(b"}") and b',"result":{' in rest


def _is_record_end(rest: bytes) -> bool:
    value = _canonical(rest)
    return value.get("format") == RECORD_FORMAT and "last_hash" in value and "network" in value


def _is_result(rest: bytes) -> bool:
    claim_from_text(rest.decode())
    return True


def _is_provers_call(rest: bytes) -> bool:
    signed = f"{TOKEN_PREFIX}.{rest.decode()}"
    claims, again, _ = read_token(f"{signed}.00")
    return again == signed and claims.purpose.method in CALLS_OF_PROVERS


def _is_sealing_key(rest: bytes) -> bool:
    value = _canonical(_SEALING_KEY + rest)
    return value.keys() == {"for", "key", "network", "prover", "until_ms"}


def _canonical(spelled: bytes) -> dict[str, object]:
    value = json.loads(spelled)
    if not isinstance(value, dict) or canonical_json(value) != spelled:
        raise ValueError("not in its one spelling")
    return value


_ADDRESS, _DIGEST = rb"0x[0-9a-fA-F]{40}", rb"[0-9a-f]{64}"
_SEALING_KEY = b'{"for":"proofgrid sealing key",'

FORMS: Mapping[Said, Form] = {
    Said.ROUND: Form(fits=_is_round, is_hashed=True, bytes_max=DOCUMENT_BYTES_MAX),
    Said.RECORD_END: Form(fits=_is_record_end, is_hashed=True),
    Said.BUNDLE: Form(beginning=b"proofgrid bundle 1 ", fits=_of_pattern(_DIGEST)),
    Said.EVIDENCE: Form(beginning=b"proofgrid evidence ", fits=_of_pattern(rb"[12] " + _DIGEST)),
    Said.AUDIT_KEY: Form(
        beginning=b"proofgrid audit log of ", fits=_of_pattern(_ADDRESS + rb"\n[!-~]{1,200}\+[0-9a-f]{8}\+[!-~]{44}\n")
    ),
    Said.RESULT: Form(beginning=b"proofgrid result 1 ", fits=_is_result),
    Said.TOKEN: Form(beginning=f"{TOKEN_PREFIX}.".encode(), fits=_is_provers_call),
    Said.CERTIFICATE_REQUEST: Form(
        beginning=b"proofgrid certificate of a prover 1 ", fits=_of_pattern(_ADDRESS + b" " + _DIGEST)
    ),
    Said.SEALING_KEY: Form(beginning=_SEALING_KEY, fits=_is_sealing_key),
}

OF_GATEWAYS = frozenset({Said.ROUND, Said.RECORD_END, Said.BUNDLE, Said.EVIDENCE, Said.AUDIT_KEY})
OF_PROVERS = frozenset({Said.RESULT, Said.TOKEN, Said.CERTIFICATE_REQUEST, Said.SEALING_KEY})


def purpose_of_message(message: bytes) -> tuple[Said, bytes]:
    """Return what a message is for, and what follows its beginning. Raises NotSigned for one that has no purpose."""
    for said, form in FORMS.items():
        if form.beginning and message.startswith(form.beginning):
            return said, message.removeprefix(form.beginning)
    raise NotSigned("it begins as nothing does that is signed")


def purpose_of_document(document: bytes) -> Said:
    """Return what a document is for whose hash is signed. Raises NotSigned."""
    for said, form in FORMS.items():
        if form.is_hashed and _fits(form, document):
            return said
    raise NotSigned("no document of this form is signed")


def message_for(said: Said, rest: bytes) -> bytes:
    """Return what is signed for a purpose. Raises NotSigned for what has not the form of it."""
    form = FORMS[said]
    if len(rest) > form.bytes_max:
        raise NotSigned(f"{said}: more than {form.bytes_max} bytes")
    if not _fits(form, rest):
        raise NotSigned(f"{said}: it has not the form of that")
    return sha256(rest).digest() if form.is_hashed else form.beginning + rest


def _fits(form: Form, rest: bytes) -> bool:
    try:
        return form.fits(rest)
    except (ProofgridError, ValueError, TypeError, RecursionError):
        return False
