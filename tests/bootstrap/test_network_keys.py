"""Which keys a gateway finds in its data directory: open or encrypted, with the root key or without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proofgrid.bootstrap.gateway.keys import keep_list, network_keys_of
from proofgrid.bootstrap.signing.signers import read_again
from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.identity.key_list import Purpose, first_list, sign_list, with_key
from proofgrid.sdk.keys import encrypt_key, read_key, write_key
from proofgrid.settings.gateway import GatewaySettings
from tests.bootstrap.desks import a_desk
from tests.makers import a_key

ROOT, ONLINE = a_key(2), a_key(21)
LIST = sign_list(with_key(first_list(ROOT.address), ONLINE.address, Purpose, now_ms=1), ROOT)


def test_the_first_start_makes_a_root_key_and_the_next_finds_it(tmp_path: Path) -> None:
    made = network_keys_of(GatewaySettings(), tmp_path, a_desk())
    again = network_keys_of(GatewaySettings(), tmp_path, a_desk())
    assert made.network == again.network == read_key(tmp_path / "network.key").address
    assert again.held == [made.network]


def test_without_the_root_key_the_kept_list_says_which_network_it_is(tmp_path: Path) -> None:
    write_key(ONLINE, tmp_path / "keys" / f"{ONLINE.address}.key")
    keep_list(tmp_path / "keys", LIST)
    desk = a_desk()
    keys = network_keys_of(GatewaySettings(), tmp_path, desk)
    assert (keys.network, keys.held, keys.root) == (ROOT.address, [ONLINE.address], None)
    assert keys.voice(Purpose.ROUNDS).signer.address == ONLINE.address
    assert not (tmp_path / "network.key").exists()
    assert read_again(desk, keys.held) == []
    write_key(a_key(22), tmp_path / "keys" / f"{a_key(22).address}.key")
    assert [one.address for one in read_again(desk, keys.held)] == [a_key(22).address]


def test_a_root_key_of_another_network_is_refused(tmp_path: Path) -> None:
    keep_list(tmp_path / "keys", LIST)
    write_key(a_key(3), tmp_path / "network.key")
    with pytest.raises(InvalidField, match="the list of keys is of network") as refusal:
        network_keys_of(GatewaySettings(), tmp_path, a_desk())
    assert refusal.value.field == "network_key"


def test_a_list_that_somebody_changed_on_the_disk_is_refused(tmp_path: Path) -> None:
    keep_list(tmp_path / "keys", LIST)
    path = tmp_path / "keys" / "list.json"
    path.write_text(path.read_text().replace(ONLINE.address, a_key(3).address))
    with pytest.raises(InvalidField, match="not signed by the root key"):
        network_keys_of(GatewaySettings(), tmp_path, a_desk())


def test_with_a_password_keys_lie_encrypted(tmp_path: Path) -> None:
    made = network_keys_of(GatewaySettings(key_password="hunter2"), tmp_path, a_desk())
    assert "private_key" not in json.loads((tmp_path / "network.key").read_text())
    with pytest.raises(InvalidField, match="is encrypted"):
        network_keys_of(GatewaySettings(), tmp_path, a_desk())
    assert network_keys_of(GatewaySettings(key_password="hunter2"), tmp_path, a_desk()).network == made.network


def test_an_open_key_is_encrypted_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "network.key"
    write_key(ROOT, path)
    encrypt_key(path, password="hunter2")
    assert [one.name for one in tmp_path.iterdir()] == ["network.key"]
    assert ROOT.secret.hex() not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path, password="hunter2") == ROOT
    with pytest.raises(InvalidField, match="does not lie open"):
        encrypt_key(path, password="other")
