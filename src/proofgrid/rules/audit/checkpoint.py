"""What a log says of itself at one size: C2SP's tlog-checkpoint, three lines that are signed as a note."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from proofgrid.primitives.distant import DistantSigner
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.ids import Address
from proofgrid.primitives.notes import NoteKey, NoteSigner, opened_note
from proofgrid.primitives.signatures import Signer, SigningKey, signer_of
from proofgrid.rules.audit.merkle import HASH_BYTES
from proofgrid.rules.identity.key_list import Purpose, SignedKeyList
from proofgrid.rules.identity.network_keys import NoSigningKey

PURPOSE = b"proofgrid audit log, version 1"  #: of the key that signs checkpoints, which follows from the network's


class RewrittenLog(ProofgridError):
    """An audit log is not what it said of itself."""

    code = "PG-516"


def origin_of(network: Address) -> str:
    """The log's name."""
    return f"proofgrid.audit/{network.lower()}"


def audit_key_of(signer: Signer, network: Address) -> NoteSigner:
    """Return what signs checkpoints where this key is the network's for them. Raises NoSigningKey without a secret."""
    if isinstance(signer, DistantSigner) and signer.has_secret:
        return signer.audit_key(network)
    if not isinstance(signer, SigningKey):
        raise NoSigningKey(
            f"the key of checkpoints follows from the secret of {signer.address}, which is in a module",
            field="keys",
            hint="name a key that lies in a file for checkpoints",
        )
    return audit_key(signer, name=network)


def audit_key(network: SigningKey, *, name: Address | None = None) -> NoteKey:
    """What signs checkpoints: it follows from the network's key, so that all gateways have it.

    `name`: the network whose online key this is; None: its root key.
    """
    return NoteKey.derived(network.secret, origin_of(name or network.address), PURPOSE)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Size and root of the log of one origin."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def read_checkpoint(text: str) -> Checkpoint | None:
    """Read the text of a note; None for any other. Further lines are extensions, and ignored."""
    try:
        origin, size, root, *_ = text.split("\n")
        decoded = base64.b64decode(root, validate=True)
    except (ValueError, binascii.Error):
        return None
    if (
        not origin
        or not size.isascii()
        or not size.isdigit()
        or str(int(size[:20])) != size
        or len(decoded) != HASH_BYTES
    ):
        return None
    return Checkpoint(origin, int(size), decoded)


def verifier_statement(network: Address, verifier: str) -> bytes:
    """What the network's key signs, so that nobody else can say which key the log's checkpoints have."""
    return f"proofgrid audit log of {network}\n{verifier}\n".encode()


def verified_checkpoint(
    note: str, verifier: str, statement: str, network: Address, keys: SignedKeyList | None = None
) -> Checkpoint:
    """Return what a note says, if the network's key says that the note's key counts. Raises RewrittenLog.

    `statement`: the network's signature of `verifier_statement`, by its root key or by one that `keys` names.
    """
    # What is no ASCII may be no text either: halves of surrogate pairs, which have no bytes that could be signed.
    signer = signer_of(verifier_statement(network, verifier), statement) if verifier.isascii() else None
    if keys is not None and keys.list.network != network:
        raise RewrittenLog(f"the list of keys is of network {keys.list.network}", field="keys")
    if signer != network and (keys is None or not keys.list.stands_for(signer, Purpose.CHECKPOINTS)):
        raise RewrittenLog(f"the key of the log is not confirmed by the network {network}", field="verifier")
    text = opened_note(note, verifier)
    checkpoint = None if text is None else read_checkpoint(text)
    if checkpoint is None or checkpoint.origin != origin_of(network):
        raise RewrittenLog("the checkpoint is not signed by the key of the network's log", field="note")
    return checkpoint
