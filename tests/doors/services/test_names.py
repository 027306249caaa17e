"""Which names a gateway answers to: what its certificate says, or its operator; a wildcard is nobody's name."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from proofgrid.doors.services.listening import Listen
from proofgrid.doors.services.names import accepted_names
from proofgrid.primitives.errors import InvalidField
from proofgrid.wire.addresses import Target, parse_target


def with_certificate(folder: Path, *identities: str) -> Listen:
    issued = trustme.CA().issue_cert(*identities)
    issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "all.pem"))
    return Listen(host="0.0.0.0", port=7400, certificate=folder / "all.pem", private_key=folder / "all.pem")  # noqa: S104


def names(listen: Listen, told: str = "") -> set[str]:
    return set(accepted_names(listen, port=7400, told=told))


def test_a_certificate_names_its_gateway_whatever_the_port(tmp_path: Path) -> None:
    listen = with_certificate(tmp_path, "gateway.example", "10.0.0.5", "2001:db8::5")
    assert names(listen) == {"gateway.example", "10.0.0.5", "2001:db8::5"}
    for written in ("grpcs://Gateway.Example:9", "gateway.example.:7400", "10.0.0.5", "[2001:DB8:0::5]:7400"):
        assert parse_target(written).name in names(listen)


def test_a_wildcard_names_nobody_and_the_operator_is_told(tmp_path: Path) -> None:
    listen = with_certificate(tmp_path, "*.example")
    with pytest.raises(InvalidField) as caught:
        names(listen)
    assert (caught.value.field, "--names" in caught.value.hint) == ("names", True)
    assert names(listen, "one.example, two.example:7400") == {"one.example", "two.example"}


def test_a_gateway_that_was_given_names_has_no_others(tmp_path: Path) -> None:
    listen = with_certificate(tmp_path, "one.example", "two.example")
    assert names(listen, "two.example") == {"two.example"}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", {"127.0.0.1:7400", "localhost:7400"}),
        ("::1", {"[::1]:7400", "localhost:7400"}),
        ("localhost", {"127.0.0.1:7400", "[::1]:7400", "localhost:7400"}),
        ("127.0.0.2", {"127.0.0.2:7400"}),
    ],
)
def test_on_one_machine_host_and_port_are_the_name(host: str, expected: set[str]) -> None:
    listen = Listen(host=host, port=7400)
    assert names(listen) == expected
    assert Target(host, 7400, encrypted=False).name in expected
    assert names(listen, "gateway.example,127.0.0.1:9999") == expected | {"gateway.example", "127.0.0.1:9999"}


def test_what_is_no_certificate_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("nothing")
    for path in (tmp_path / "bad.pem", tmp_path / "none.pem"):
        with pytest.raises(InvalidField) as caught:
            names(Listen(certificate=path, private_key=path))
        assert caught.value.field == "tls_certificate"
