"""Keys that never leave a module: PKCS#11 signs, here only the address and what finds the key are known.

A key file of such a key holds no secret:

    {"address": "0x…", "pkcs11": {"module": "/usr/lib/softhsm/libsofthsm2.so", "token": "proofgrid", "label": "root"}}

The PIN is the file's password. Modules give r and s; which of the two s, and v, is found here (EIP-2, EIP-191).
"""

from __future__ import annotations

import hmac
import importlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from coincurve import PublicKey

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField, Unavailable
from proofgrid.primitives.ids import Address
from proofgrid.primitives.reading import read_object, read_text
from proofgrid.primitives.signatures import HALF_ORDER, address_of, hash_to_sign, parse_address, signer_of

ORDER = 2 * HALF_ORDER + 1
POINT_BYTES = 65
_NUMBER_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulePlace:
    """Where a key lies."""

    module: Path  #: the library that speaks PKCS#11
    token: str  #: its label
    label: str  #: of the key in the token

    def to_json(self) -> dict[str, Json]:
        return {"module": str(self.module), "token": self.token, "label": self.label}


class ModuleKey:
    """Signs by a module."""

    def __init__(self, place: ModulePlace, pin: str, address: Address) -> None:
        self.place = place
        self.address = address
        self._pin = pin

    def sign(self, message: bytes) -> str:
        """Return the EIP-191 signature of `message`. Raises Unavailable when the module does not sign."""
        pkcs11 = _library()
        try:
            with _session(self.place, self._pin) as session:
                key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=self.place.label)
                raw = key.sign(hash_to_sign(message), mechanism=pkcs11.Mechanism.ECDSA)
        except _failures() as error:
            raise Unavailable(f"{self.place.module.name} does not sign: {type(error).__name__}") from None
        return spelled_signature(raw, message, self.address)

    def __repr__(self) -> str:
        return f"ModuleKey({self.address})"


def spelled_signature(raw: bytes, message: bytes, address: Address) -> str:
    """Return r and s, 32 bytes each, as the one spelling that recovers to the address; raise Unavailable for none."""
    r, s = raw[:_NUMBER_BYTES], int.from_bytes(raw[_NUMBER_BYTES:], "big")
    low = min(s, ORDER - s)
    if len(raw) == 2 * _NUMBER_BYTES and low > 0:
        for v in ("1b", "1c"):
            spelled = f"0x{r.hex()}{low:064x}{v}"
            if signer_of(message, spelled) == address:
                return spelled
    raise Unavailable(f"the module signed with another key than {address}")


def open_module_key(content: Mapping[str, Json], *, pin: str | None, field: str) -> ModuleKey:
    """Return the key that a key file names. Raises InvalidField for a module, token, PIN or key that is not right."""
    data = read_object(content, ("address", "pkcs11"), field)
    place = _place(data["pkcs11"], f"{field}.pkcs11")
    address = parse_address(read_text(data["address"], f"{field}.address"), field=f"{field}.address")
    if pin is None:
        raise InvalidField(
            f"the key lies in token {place.token}", field=field, hint="give its PIN in PROOFGRID_KEY_PASSWORD"
        )
    found = address_in_module(place, pin, field=field)
    if found != address:
        raise InvalidField(f"the token's key {place.label} is {found}, not {address}", field=f"{field}.address")
    return ModuleKey(place, pin, address)


def make_module_key(place: ModulePlace, pin: str, *, field: str) -> ModuleKey:
    """Make a key in a token, from where it cannot be taken. Raises InvalidField where that does not work."""
    pkcs11 = _library()
    try:
        with _session(place, pin) as session:
            if _has_key(session, place.label):
                raise InvalidField(f"token {place.token} has a key {place.label} already", field=field)
            curve = importlib.import_module("pkcs11.util.ec").encode_named_curve_parameters("secp256k1")
            parameters = session.create_domain_parameters(
                pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: curve}, local=True
            )
            parameters.generate_keypair(store=True, label=place.label)
    except _failures() as error:
        raise _refused(place, error, field) from None
    return ModuleKey(place, pin, address_in_module(place, pin, field=field))


def address_in_module(place: ModulePlace, pin: str, *, field: str) -> Address:
    """Return the address of a token's key. Raises InvalidField where there is none of secp256k1."""
    pkcs11 = _library()
    try:
        with _session(place, pin) as session:
            public = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, label=place.label)
            point = bytes(public[pkcs11.Attribute.EC_POINT])
    except _failures() as error:
        raise _refused(place, error, field) from None
    try:
        return address_of(PublicKey(point[-POINT_BYTES:]))  # behind the head of an ASN.1 string of octets
    except ValueError:
        raise InvalidField(f"the key {place.label} is not of secp256k1", field=field) from None


def _place(value: Json, field: str) -> ModulePlace:
    data = read_object(value, ("module", "token", "label"), field)
    return ModulePlace(
        module=Path(read_text(data["module"], f"{field}.module")),
        token=read_text(data["token"], f"{field}.token"),
        label=read_text(data["label"], f"{field}.label"),
    )


class _Key(Protocol):
    """What we use of python-pkcs11's objects: keys."""

    def sign(self, data: bytes, *, mechanism: object) -> bytes: ...
    def __getitem__(self, attribute: object) -> bytes: ...


class _Parameters(Protocol):
    def generate_keypair(self, *, store: bool, label: str) -> object: ...


class _Session(Protocol):
    """The same: sessions."""

    def get_key(self, *, object_class: object, label: str) -> _Key: ...
    def close(self) -> None: ...
    def create_domain_parameters(
        self, kind: object, attributes: Mapping[object, bytes], *, local: bool
    ) -> _Parameters: ...


class _Token(Protocol):
    def open(self, *, user_pin: str, rw: bool) -> _Session: ...


class _Module(Protocol):
    def get_token(self, *, token_label: str) -> _Token: ...


class _Names(Protocol):
    PRIVATE_KEY: object
    PUBLIC_KEY: object
    ECDSA: object
    EC: object
    EC_PARAMS: object
    EC_POINT: object


class _Library(Protocol):
    """The same: the package."""

    ObjectClass: _Names
    Mechanism: _Names
    KeyType: _Names
    Attribute: _Names

    def lib(self, path: str) -> _Module: ...


def _library() -> _Library:
    try:
        return cast(_Library, importlib.import_module("pkcs11"))
    except ImportError:
        raise InvalidField(
            "keys in a module need python-pkcs11", field="key", hint="pip install 'proofgrid[pkcs11]'"
        ) from None


_turn = threading.RLock()  # a session does one thing at a time
_sessions: dict[tuple[str, str], tuple[_Session, str]] = {}  # module and token -> its session, and the PIN


def _names_nothing() -> tuple[type[Exception], ...]:
    exceptions = importlib.import_module("pkcs11.exceptions")
    return (exceptions.NoSuchKey, exceptions.MultipleObjectsReturned)


def _failures() -> tuple[type[Exception], ...]:
    return (importlib.import_module("pkcs11.exceptions").PKCS11Error, RuntimeError)


@contextmanager
def _session(place: ModulePlace, pin: str) -> Iterator[_Session]:
    """Yield a session of a token to one user at a time; one that failed is opened anew by the next.

    A process logs in to a token once, for all of its sessions.
    """
    token = (str(place.module), place.token)
    with _turn:
        pkcs11 = _library()
        session, known = _sessions.get(token) or (None, pin)
        if not hmac.compare_digest(known.encode(), pin.encode()):
            raise importlib.import_module("pkcs11.exceptions").PinIncorrect
        if session is None:
            session = pkcs11.lib(token[0]).get_token(token_label=token[1]).open(user_pin=pin, rw=True)
            _sessions[token] = (session, pin)
        try:
            yield session
        except _names_nothing():
            raise  # the token is well
        except _failures():
            del _sessions[token]
            with suppress(*_failures()):
                session.close()
            raise


def _has_key(session: _Session, label: str) -> bool:
    exceptions = importlib.import_module("pkcs11.exceptions")
    try:
        session.get_key(object_class=_library().ObjectClass.PRIVATE_KEY, label=label)
    except exceptions.NoSuchKey:
        return False
    except exceptions.MultipleObjectsReturned:
        return True
    return True


def _refused(place: ModulePlace, error: Exception, field: str) -> InvalidField:
    return InvalidField(
        f"{place.module.name}, token {place.token}, key {place.label}: {type(error).__name__} {error}".rstrip(),
        field=field,
        hint="is the module's path right, is the token there (its label), is the PIN its user's?",
    )
