"""The keys that a gateway holds, and which of them speaks for the network now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proofgrid.primitives.distant import sign_hash_of
from proofgrid.primitives.errors import Recoverable
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import Signer
from proofgrid.rules.identity.key_list import KeyList, Purpose, SignedKeyList, first_list, newer


class NoSigningKey(Recoverable):
    """This gateway holds no key that may sign this for the network."""

    code = "PG-315"


@dataclass(frozen=True, slots=True)
class Voice:
    """Who signs now, and the list that says so: what is signed and what shows that it counts are read together."""

    network: Address
    signer: Signer
    keys: SignedKeyList | None  #: None: the network has no list

    @property
    def beside(self) -> SignedKeyList | None:
        """What belongs beside a signature, so that it counts by itself; None: nothing, the root key made it."""
        return None if self.signer.address == self.network else self.keys

    def sign(self, message: bytes) -> str:
        """Return the network's signature of a message."""
        return self.signer.sign(message)

    def sign_hash_of(self, document: bytes) -> str:
        """Return the network's signature of the SHA-256 of a document."""
        return sign_hash_of(self.signer, document)


class NetworkKeys:
    """What a gateway signs with; roles ask it anew for each signature, so that a rotation needs no restart.

    `held`: the keys that this gateway has, the root key among them or not.
    """

    def __init__(self, network: Address, held: Iterable[Signer], keys: SignedKeyList | None = None) -> None:
        self.network = network
        self._held = {signer.address: signer for signer in held}
        self._keys = keys

    @classmethod
    def of(cls, root: Signer) -> NetworkKeys:
        """The keys of a network whose root key signs everything."""
        return cls(root.address, [root])

    @property
    def keys(self) -> SignedKeyList | None:
        """The newest list that is known here; None: there is none."""
        return self._keys

    @property
    def named(self) -> KeyList:
        """The same, with what holds where there is none."""
        return first_list(self.network) if self._keys is None else self._keys.list

    @property
    def root(self) -> Signer | None:
        """The root key, where it is here."""
        return self._held.get(self.network)

    @property
    def held(self) -> Sequence[Address]:
        """The keys that this gateway has."""
        return list(self._held)

    def hold(self, signers: Iterable[Signer]) -> None:
        """Take further keys in hand."""
        self._held.update({signer.address: signer for signer in signers})

    def hear(self, keys: SignedKeyList | None) -> bool:
        """Go by a list from now on if it is this network's and newer; return whether it is."""
        if keys is None or keys.list.network != self.network or newer(self._keys, keys) is self._keys:
            return False
        self._keys = keys
        return True

    def voice(self, purpose: Purpose) -> Voice:
        """Return who signs for a purpose now: the newest online key for it that is here, else the root key.

        Raises NoSigningKey where neither is here.
        """
        signer = self._signer(self.named, purpose)
        if signer is None:
            raise NoSigningKey(
                f"no key for {purpose} of list {self.named.number} is on this gateway",
                field="keys",
                hint="put the key's file into the folder `keys` of its data directory",
            )
        return Voice(self.network, signer, self._keys)

    def lacks(self, after: KeyList) -> list[Purpose]:
        """Return the purposes for which this gateway could sign nothing any more under another list."""
        return [purpose for purpose in Purpose if self._signer(after, purpose) is None]

    def all_for(self, purpose: Purpose) -> list[Signer]:
        """Return every key in hand whose signatures for a purpose stand, the one that signs now first."""
        listed = [key.address for key in reversed(self.named.keys) if self.named.stands_for(key.address, purpose)]
        first = self._signer(self.named, purpose)
        ordered = [*([first.address] if first else []), *listed, self.network]
        return [self._held[address] for address in dict.fromkeys(ordered) if address in self._held]

    def _signer(self, keys: KeyList, purpose: Purpose) -> Signer | None:
        online = (self._held[address] for address in keys.active(purpose) if address in self._held)
        return next(online, self._held.get(self.network))
