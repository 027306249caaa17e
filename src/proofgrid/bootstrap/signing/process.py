"""The signing process: reads keys once, shuts itself in, and answers one question after the other until nobody asks.

    python -m proofgrid.bootstrap.signing.process gateway|prover SOCKET PARENT

`SOCKET` is the number of the inherited socket, `PARENT` the process that it ends with.
"""

from __future__ import annotations

import hmac
import json
import re
import resource
import signal
import socket
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from proofgrid.bootstrap.signing.frames import (
    ADDRESS_BYTES,
    ANSWER,
    CONTENT_BYTES_MAX,
    HEAD,
    REFUSAL,
    SAID,
    Ask,
    pack,
    write_error,
)
from proofgrid.bootstrap.signing.statements import OF_GATEWAYS, OF_PROVERS, NotSigned, Said, message_for
from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.certificates import Authority
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.ids import Address
from proofgrid.primitives.parent import end_with_parent
from proofgrid.primitives.private_files import keep_files_private
from proofgrid.primitives.signatures import Signer, SigningKey, parse_address
from proofgrid.proofs.confinement.kernel import forget_secrets, forget_variables, give_up_privileges, hide_memory
from proofgrid.proofs.confinement.room import Room, enter
from proofgrid.rules.audit.checkpoint import audit_key, origin_of, read_checkpoint
from proofgrid.rules.staking.results import ResultClaim, claim_from_text
from proofgrid.sdk.keys import new_key, read_signer, write_key

#: Of what is asked for seldom: so often in a life, and no thief makes more of it in an hour.
ROOTS_MAX = 100
RESULTS_MAX = 50_000  #: 20 MiB; leases live for minutes
_KIND = re.compile(rb"[\w-]{1,64}")
CERTIFICATE_MS_MAX = 7 * 24 * 3_600 * 1_000


class Results:
    """What an operator has stood for lately: two results of one lease that contradict each other cost its bond.

    A gateway that is nobody's friend may sell a lease of another's name for another job.
    """

    def __init__(self, kept_max: int = RESULTS_MAX) -> None:
        self._kept_max = kept_max
        self._said: OrderedDict[tuple[str, str, int], Digest] = OrderedDict()

    def stand_for(self, claim: ResultClaim) -> None:
        """Note a result. Raises NotSigned where another was signed for its lease; another proof of the same is none."""
        lease = (claim.network, claim.lease_id, claim.fence)
        says = digest_of(replace(claim, proof="").message)
        if self._said.setdefault(lease, says) != says:
            raise NotSigned("result: another was signed for this lease")
        self._said.move_to_end(lease)
        while len(self._said) > self._kept_max:
            self._said.popitem(last=False)


class Desk:
    """The keys, and what is signed with them."""

    def __init__(self, purposes: frozenset[Said], *, shut_in: Callable[[Path | None, bool], None]) -> None:
        """`shut_in` is called once the keys are read: with their folder, and whether a module holds one."""
        self._shut_in = shut_in
        self._purposes = purposes
        self._is_gateway = Said.ROUND in purposes
        self._keys: dict[bytes, Signer] = {}
        self._folder: Path | None = None
        self._password: str | None = None
        self._network: Address | None = None
        self._is_open = False
        self._results = Results()
        self.counts: Counter[str] = Counter()
        self._answers: Mapping[Ask, Callable[[bytes], bytes]] = {
            Ask.OPEN: self._open,
            Ask.READ_AGAIN: self._read_again,
            Ask.SIGN: self._sign,
            Ask.NOTE: self._note,
            Ask.CERTIFY: self._certify,
            Ask.ROOT: self._root,
        }

    def answer(self, kind: int, content: bytes) -> bytes:
        """Answer one question. Raises ProofgridError for what is not answered."""
        if kind not in set(Ask) or (kind == Ask.OPEN) == self._is_open:
            raise NotSigned("no such question now")
        try:
            return self._answers[Ask(kind)](content)
        except (ValueError, TypeError, KeyError, IndexError, RecursionError):
            raise NotSigned("the question cannot be read") from None

    def _open(self, content: bytes) -> bytes:
        told = json.loads(content)
        self._password = told["password"] or None
        self._folder = None if told["folder"] is None else Path(told["folder"])
        if told["make"]:
            keep_files_private()
            write_key(new_key(), Path(told["make"]), password=self._password)
        found = [read_signer(Path(told["key"]), password=self._password)] if told["key"] else []
        found += self._of_folder(frozenset())
        self._network = Address(told["network"]) if told["network"] else next((one.address for one in found), None)
        self._hold(found)
        self._shut_in(self._folder, any(not isinstance(one, SigningKey) for one in found))
        self._is_open = True
        return self._told(found)

    def _read_again(self, content: bytes) -> bytes:
        found = list(self._of_folder(frozenset(json.loads(content))))
        self._hold(found)
        return self._told(found)

    def _of_folder(self, known: frozenset[str]) -> Iterator[Signer]:
        for path in sorted(self._folder.glob("*.key")) if self._folder is not None else ():
            if path.stem not in known:  # opening an encrypted one takes a second
                yield read_signer(path, password=self._password)

    def _hold(self, found: list[Signer]) -> None:
        self._keys.update((bytes.fromhex(one.address[2:]), one) for one in found)

    def _told(self, found: list[Signer]) -> bytes:
        return canonical_json([self._about(one) for one in found])

    def _about(self, one: Signer) -> Json:
        if not isinstance(one, SigningKey):
            return {"address": one.address, "has_secret": False}
        if not self._is_gateway or self._network is None:
            return {"address": one.address, "has_secret": True}
        return {
            "address": one.address,
            "has_secret": True,
            "verifier": audit_key(one, name=self._network).verifier,
            "authority": Authority.derived(one.secret, network=self._network, signer=one.address).pem.decode(),
        }

    # --- what is asked with an address first ------------------------------------------------------

    def _sign(self, content: bytes) -> bytes:
        key, asked = self._key(content)
        said, rest = SAID[asked[0]], asked[1:]
        if said not in self._purposes:
            raise NotSigned(f"{said}: not here")
        message = message_for(said, rest)
        if said is Said.RESULT:
            self._results.stand_for(claim_from_text(rest.decode()))
        self.counts[said] += 1
        return key.sign(message).encode()

    def _note(self, content: bytes) -> bytes:
        key, asked = self._secret(content)
        text = asked.decode()
        checkpoint = read_checkpoint(text)
        if checkpoint is None or checkpoint.text != text or checkpoint.origin != origin_of(self._of_network):
            raise NotSigned("checkpoint: it is none of this network's log")
        self.counts["checkpoint"] += 1
        return audit_key(key, name=self._of_network).sign(text).encode()

    def _certify(self, content: bytes) -> bytes:
        key, asked = self._secret(content)
        told = json.loads(asked)
        lifetime_ms = int(told["lifetime_ms"])
        if not 0 < lifetime_ms <= CERTIFICATE_MS_MAX:
            raise NotSigned("certificate: it would live too long")
        self.counts["certificate"] += 1
        authority = Authority.derived(key.secret, network=self._of_network, signer=key.address)
        certificate, ends_ms = authority.issue(
            bytes.fromhex(told["point"]),
            parse_address(told["operator"]),
            serial=int(told["serial"]),
            now_ms=int(told["now_ms"]),
            lifetime_ms=lifetime_ms,
        )
        return canonical_json({"certificate": certificate.decode(), "ends_ms": ends_ms})

    def _root(self, content: bytes) -> bytes:
        key, asked = self._secret(content)
        if key.address != self._network or self.counts["root"] >= ROOTS_MAX or not _KIND.fullmatch(asked):
            raise NotSigned("root for development: not of this key")
        self.counts["root"] += 1
        return hmac.digest(key.secret, b"development " + asked, "sha512")

    def _key(self, content: bytes) -> tuple[Signer, bytes]:
        key = self._keys.get(content[:ADDRESS_BYTES])
        if key is None:
            raise NotSigned("no such key here")
        return key, content[ADDRESS_BYTES:]

    def _secret(self, content: bytes) -> tuple[SigningKey, bytes]:
        key, asked = self._key(content)
        if not isinstance(key, SigningKey) or not self._is_gateway:
            raise NotSigned("nothing follows from this key")
        return key, asked

    @property
    def _of_network(self) -> Address:
        if self._network is None:
            raise NotSigned("no network is known")
        return self._network


def serve(connection: socket.socket, desk: Desk) -> None:
    """Answer until nobody asks any more, or something comes that is no question."""
    with connection, connection.makefile("rb") as asked:
        while len(head := asked.read(HEAD.size)) == HEAD.size:
            number, kind, size = HEAD.unpack(head)
            if size > CONTENT_BYTES_MAX:
                return  # what follows would be read as questions
            content = asked.read(size)
            if len(content) < size:
                return
            try:
                answered, answer = ANSWER, desk.answer(kind, content)
            except ProofgridError as error:
                answered, answer = REFUSAL, write_error(error)
            connection.sendall(pack(number, answered, answer))


def shut_in(folder: Path | None, has_modules: bool) -> None:
    """Confine this process. A module has needs of its own, devices, files and sockets: with one it keeps its user's."""
    forget_secrets()
    if has_modules:
        give_up_privileges()
    else:
        enter(Room(reads=() if folder is None else (folder,)))
    hide_memory()


def main() -> None:
    """Sign until the parent has gone."""
    role, number, parent = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    hide_memory()
    end_with_parent(parent)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for ignored in (signal.SIGINT, signal.SIGTERM):  # a parent that drains signs on; it says when there is no more
        signal.signal(ignored, signal.SIG_IGN)
    forget_variables(["PROOFGRID_KEY_PASSWORD"])  # it comes over the socket
    purposes = {"gateway": OF_GATEWAYS, "prover": OF_PROVERS}[role]
    with suppress(ConnectionError):
        serve(socket.socket(fileno=number), Desk(purposes, shut_in=shut_in))


if __name__ == "__main__":
    main()
