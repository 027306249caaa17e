"""Which roles a gateway process may have."""

from __future__ import annotations

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.settings.gateway import GATEWAY_ROLES, GatewaySettings, parse_gateway_roles


def test_a_gateway_has_every_role_unless_told_otherwise() -> None:
    assert parse_gateway_roles(GatewaySettings().roles) == set(GATEWAY_ROLES)


@pytest.mark.parametrize("text", ["market", "market, settlement", "api", "api,dispatcher"])
def test_roles_that_can_work_are_taken(text: str) -> None:
    assert parse_gateway_roles(text) == {name.strip() for name in text.split(",")}


@pytest.mark.parametrize(("text", "words"), [("", "at least one"), ("api,sales", "'sales'"), ("dispatcher", "the api")])
def test_roles_that_cannot_work_are_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(InvalidField, match=words) as refused:
        parse_gateway_roles(text)
    assert refused.value.field == "roles"
