"""What is said of files and addresses: keys, certificates, the data directory, ports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from proofgrid.rules.diagnosis.finding import Finding, Role, fault, good, note

OTHERS = 0o077  #: permissions of everybody but the owner
DAY_MS = 86_400_000
ENDS_SOON_MS = 14 * DAY_MS
SOCKET_PATH_MAX = 103 - len("/db/.s.PGSQL.5432")


class KeyForm(StrEnum):
    """How a key lies in its file."""

    OPEN = "open"
    ENCRYPTED = "encrypted"
    IN_MODULE = "in a module"
    BROKEN = "broken"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """A key file."""

    path: str
    form: KeyForm
    mode: int  #: of the file's permissions
    has_password: bool  #: one is in the environment
    is_made_when_missing: bool = False  #: a gateway makes its network's key


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """A TLS certificate and its key."""

    path: str
    names: tuple[str, ...]
    begins_ms: int
    ends_ms: int
    problem: str = ""  #: it cannot be read, or its key is another one's
    key_path: str = ""
    key_mode: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFacts:
    """The data directory."""

    path: str
    is_there: bool
    is_writable: bool  #: or could be made
    mode: int
    holds_socket: bool  #: of an embedded database, whose path must be short


@dataclass(frozen=True, slots=True, kw_only=True)
class PortFacts:
    """An address where a process is to listen."""

    setting: str
    address: str
    problem: str = ""  #: why it cannot listen there; empty: it can
    serves: bool = False  #: a gateway does already


def judge_key(facts: KeyFacts) -> Iterator[Finding]:
    """Yield what is said of a key file."""
    if facts.form is KeyForm.MISSING:
        if facts.is_made_when_missing:
            yield note("key", f"{facts.path} is not there; a new network begins with the first start")
        else:
            yield fault("key", f"{facts.path} is not there", f"proofgrid keys new --out {facts.path}")
        return
    if facts.form is KeyForm.BROKEN:
        yield fault(
            "key",
            f"{facts.path} is no key file",
            f"put its backup there, or: proofgrid keys new --out {facts.path}.new",
        )
        return
    if facts.mode & OTHERS:
        yield fault("key", f"{facts.path} can be read by others ({facts.mode & 0o777:o})", f"chmod 600 {facts.path}")
    if facts.form is KeyForm.OPEN:
        yield note("key", f"{facts.path} lies open", f"proofgrid keys encrypt {facts.path}")
    elif not facts.has_password:
        yield fault("key", f"{facts.path} is {facts.form}, and no password is given", "export PROOFGRID_KEY_PASSWORD=…")
    else:
        yield good("key", f"{facts.path} is {facts.form}")


def judge_certificate(facts: CertificateFacts, *, now_ms: int) -> Iterator[Finding]:
    """Yield what is said of a certificate."""
    if facts.problem:
        yield fault(
            "certificate",
            f"{facts.path}: {facts.problem}",
            "--tls-certificate CHAIN --tls-key KEY that belong together",
        )
        return
    days = (facts.ends_ms - now_ms) // DAY_MS
    if facts.ends_ms <= now_ms:
        yield fault("certificate", f"{facts.path} ended {-days} days ago", "have its authority make a new one")
    elif facts.begins_ms > now_ms:
        yield fault("certificate", f"{facts.path} is not valid yet", "timedatectl set-ntp true")
    elif facts.ends_ms - now_ms < ENDS_SOON_MS:
        yield note("certificate", f"{facts.path} ends in {days} days", "have its authority make a new one")
    else:
        yield good("certificate", f"{facts.path} for {', '.join(facts.names) or 'nobody'}, {days} days left")
    if facts.key_mode & OTHERS:
        yield fault("certificate", f"its key {facts.key_path} can be read by others", f"chmod 600 {facts.key_path}")


def judge_folder(facts: FolderFacts, role: Role) -> Finding:
    """Return what is said of the data directory."""
    if not facts.is_writable:
        return fault(
            "data directory", f"{facts.path} cannot be written", f"mkdir -p {facts.path} && chown $USER {facts.path}"
        )
    if facts.holds_socket and len(facts.path.encode()) > SOCKET_PATH_MAX:
        return fault(
            "data directory",
            f"{facts.path} is too long a path for the socket of its database",
            f"--data-dir with a path of at most {SOCKET_PATH_MAX} bytes",
        )
    if not facts.is_there:
        return good("data directory", f"{facts.path} will be made")
    if role is Role.GATEWAY and facts.mode & OTHERS:
        return note("data directory", f"others may enter {facts.path}", f"chmod 700 {facts.path}")
    return good("data directory", facts.path)


def judge_port(facts: PortFacts) -> Finding:
    """Return what is said of an address where a gateway is to listen."""
    if facts.serves:
        return note(
            "port",
            f"a gateway serves at {facts.address} already",
            f"--{facts.setting.replace('_', '-')} with another port, for one more",
        )
    if facts.problem:
        return fault(
            "port", f"{facts.address}: {facts.problem}", f"--{facts.setting.replace('_', '-')} with another port"
        )
    return good("port", f"{facts.address} is free for {facts.setting}")
