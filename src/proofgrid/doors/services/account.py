"""Quotas and low balances, as services read and answer them."""

from __future__ import annotations

from proofgrid.doors.services.answers import write_account
from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.roles.intake.accounts import Accounts
from proofgrid.roles.intake.callers import CallsLeft
from proofgrid.roles.intake.quota import Quota, Quotas, Use
from proofgrid.wire.v1 import accounts_pb2 as messages
from proofgrid.wire.v1 import accounts_pb2_grpc as services
from proofgrid.wire.v1 import client_pb2


class AccountService(services.AccountServiceServicer):
    """What `AccountService` of proto/proofgrid/wire/v1/accounts.proto promises."""

    def __init__(self, door: FrontDoor, accounts: Accounts, quotas: Quotas) -> None:
        self._door = door
        self._accounts = accounts
        self._quotas = quotas

    @answering
    async def GetQuota(self, request: messages.GetQuotaRequest, context: CallContext) -> messages.Quota:  # noqa: N802
        caller = await self._door.admit(context, self._quotas.get)
        return write_quota(await self._quotas.get(caller))

    @answering
    async def SetLowBalance(  # noqa: N802
        self, request: messages.SetLowBalanceRequest, context: CallContext
    ) -> client_pb2.Account:
        caller = await self._door.admit(context, self._accounts.set_low_balance)
        return write_account(await self._accounts.set_low_balance(caller, request.amount))


def write_quota(quota: Quota) -> messages.Quota:
    key = quota.key
    return messages.Quota(
        stored_bytes=_use(quota.stored_bytes),
        programs=_use(quota.programs),
        open_tasks=_use(quota.open_tasks),
        builds=_use(quota.builds),
        calls=_use(quota.calls),
        api_keys=_use(quota.api_keys),
        webhooks=_use(quota.webhooks),
        requests=_pace(quota.requests),
        sent_bytes=_pace(quota.sent_bytes),
        key_spend=None
        if key is None
        else messages.KeySpend(
            key_id=key.key_id,
            spent_today=key.spent_today,
            spend_per_day=key.spend_per_day,
            resets_ms=quota.resets_ms,
        ),
    )


def _use(use: Use) -> messages.Use:
    return messages.Use(used=use.used, limit=use.limit)


def _pace(left: CallsLeft) -> messages.Pace:
    return messages.Pace(per_second=left.per_second, burst=left.at_once, left=left.now)
