"""Under which names a gateway is spoken to: a token that is bound to another is not for it (rules/access/tokens.py).

On the loopback that is where it listens. With TLS it is what its certificate names, as that is what callers verified.
Several gateways that share a certificate or stand behind one address are one gateway to their callers, and a token is
good at any of them. A wildcard names nobody: with it every gateway of a domain would take the tokens of all others.
"""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from proofgrid.doors.services.listening import Listen
from proofgrid.primitives.errors import InvalidField
from proofgrid.wire.addresses import gateway_name, loopback_names, parse_target


def accepted_names(listen: Listen, *, port: int, told: str) -> frozenset[str]:
    """Return the names of a gateway on this port. `told`: by its operator, with commas; else its certificate tells.

    Raises InvalidField where neither does, or the certificate cannot be read.
    """
    names = frozenset(parse_target(text.strip(), field="names").name for text in told.split(",") if text.strip())
    if not listen.is_encrypted or listen.certificate is None:
        return names | loopback_names(listen.host, port)
    names = names or _names_in(listen.certificate)
    if not names:
        raise InvalidField(
            f"{listen.certificate} names no host, or wildcards only, so calls could be bound to no gateway",
            field="names",
            hint="--names with the host that callers write, like gateway.example",
        )
    return names


def _names_in(certificate: Path) -> frozenset[str]:
    try:
        leaf = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
        found = leaf.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        return frozenset()
    except OSError as error:
        raise InvalidField(f"{certificate} cannot be read: {error.strerror}", field="tls_certificate") from None
    except ValueError:
        raise InvalidField(f"{certificate} is no certificate in PEM", field="tls_certificate") from None
    if not isinstance(found, x509.SubjectAlternativeName):
        return frozenset()
    hosts = [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]
    return frozenset(gateway_name(host, 0, encrypted=True) for host in hosts if "*" not in host)
