"""Who said it: secp256k1 keys and EIP-191 signatures (Ethereum's `personal_sign`), by eth-account."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ethereum import Account, encode_defunct, is_checksum_address, to_checksum_address
from proofgrid.primitives.ids import Address


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key. Its repr shows the address only."""

    secret: bytes

    @property
    def address(self) -> Address:
        return Address(str(Account.from_key(self.secret).address))

    def sign(self, message: bytes) -> str:
        """Return the EIP-191 signature of `message`: 65 bytes as 0x-prefixed hex."""
        signed = Account.sign_message(encode_defunct(primitive=message), self.secret)
        return "0x" + bytes(signed.signature).hex()

    def __repr__(self) -> str:
        return f"SigningKey({self.address})"


def signer_of(message: bytes, signature: str) -> Address | None:
    """Return the address whose key signed `message`, or None when `signature` is no signature."""
    try:
        return Address(str(Account.recover_message(encode_defunct(primitive=message), signature=signature)))
    except Exception:
        # eth-account raises a dozen kinds for malformed signatures; all of them mean "nobody signed this".
        return None


def parse_address(text: str, *, field: str = "address") -> Address:
    """Return `text` as a checksummed Ethereum address; raise InvalidField when it is none."""
    lowered = text.lower()
    if not (lowered.startswith("0x") and len(lowered) == 42 and all(c in "0123456789abcdef" for c in lowered[2:])):
        raise InvalidField("an address is 0x and 40 hex digits", field=field)
    mixed_case = text[2:] not in (text[2:].lower(), text[2:].upper())
    if mixed_case and not is_checksum_address(text):
        raise InvalidField("the address fails its EIP-55 checksum; look for a typing error", field=field)
    return Address(str(to_checksum_address(lowered)))
