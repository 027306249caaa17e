"""Whose word a seal is: the network's, by its root key or by an online key that a list beside the signature names."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadBundle, InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.rules.identity.key_list import Purpose, SignedKeyList, newer, signed_list_of


@dataclass(frozen=True, slots=True)
class Sealed:
    """A signature that is its signer's."""

    network: Address
    signer: Address
    signature: str
    keys: SignedKeyList | None  #: that names the signer; None: it is the root key, which is the network

    def __str__(self) -> str:
        if self.keys is None:
            return f"by {self.network}"
        return f"by {self.signer}, a key of {self.network} (list {self.keys.list.number})"


def sealed_by(signer: Address, signature: str, keys: Json) -> Sealed:
    """Return for which network a signer spoke; `keys`: the list of keys beside the signature, None where there is none.

    Raises BadBundle for a list that is none, or that does not let this key sign bundles.
    """
    if keys is None:
        return Sealed(signer, signer, signature, None)
    try:
        found = signed_list_of(keys)
    except InvalidField as error:
        raise BadBundle(f"its list of keys: {error.detail}", field="signature") from None
    if signer == found.list.network or not found.list.may_sign(signer, Purpose.BUNDLES):
        raise BadBundle(f"{signer} is no key for bundles in the list beside its signature", field="signature")
    return Sealed(found.list.network, signer, signature, found)


def check_sealed(sealed: Sealed, known: SignedKeyList | None) -> None:
    """Raise BadBundle when a newer list than the one inside says that what this key signed does not count."""
    if known is None or known.list.network != sealed.network:
        return
    newest = newer(sealed.keys, known)
    if newest is not None and not newest.list.stands_for(sealed.signer, Purpose.BUNDLES):
        raise BadBundle(
            f"its network has revoked the key {sealed.signer}, or never named it (list {newest.list.number})",
            field="signature",
            hint="ask the network for the result again; only what a key that is not revoked signed counts",
        )
