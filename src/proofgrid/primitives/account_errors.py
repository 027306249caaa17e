"""Errors about what an account has: its API keys, what they may spend, who is told, and its vault."""

from __future__ import annotations

from proofgrid.primitives.errors import InvalidRequest, Refused


class SpendLimitReached(InvalidRequest):
    """The API key may not spend so much more today."""

    code = "PG-153"


class UnknownApiKey(InvalidRequest):
    """No API key of yours has this name."""

    code = "PG-172"


class UnknownWebhook(InvalidRequest):
    """No webhook of yours has this id."""

    code = "PG-171"


class OutOfScope(Refused):
    """The API key has not the scope that the call needs."""

    code = "PG-213"


class NoVault(InvalidRequest):
    """This network's money is in no vault on a chain."""

    code = "PG-564"


class VaultFrozen(InvalidRequest):
    """The vault is frozen: everybody leaves by the last batch in force."""

    code = "PG-565"
