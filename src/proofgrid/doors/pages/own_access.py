"""Pages of API keys and webhooks: made by a form, their secrets shown once, and never again by anybody."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from starlette.responses import Response

from proofgrid.doors.pages.site import Asked, NoSuchPage, redirect
from proofgrid.doors.pages.views.access import key_lines, kind_choices, scope_choices, webhook_lines
from proofgrid.primitives.errors import InvalidField, ProofgridError
from proofgrid.primitives.ids import parse_uuid
from proofgrid.primitives.money import parse_amount
from proofgrid.roles.intake.webhooks import Trial
from proofgrid.rules.access.api_keys import WantedKey, parse_key_id, parse_scopes
from proofgrid.rules.webhooks.endpoints import DeliveryState
from proofgrid.rules.webhooks.signing import public_key_of, spell_secret
from proofgrid.store.webhooks import Endpoint

DELIVERIES_SHOWN = 100
DAY_MS = 86_400_000
LIVES_DAYS = (7, 30, 90, 365)
SCOPE, KIND = "scope ", "event "  #: how the names of boxes begin; what follows is what they stand for


async def keys(asked: Asked) -> Response:
    """The visitor's API keys, and the form for another one."""
    await asked.caller(asked.intake.api_keys.make, asked.intake.api_keys.list_for)
    return await _keys_page(asked)


async def make_key(asked: Asked) -> Response:
    """Make a key and show it, or show the form again with what is wrong in it."""
    fields = await asked.form()
    caller = await asked.caller(asked.intake.api_keys.make)
    try:
        wanted = WantedKey(
            label=fields.get("label", "").strip(),
            scopes=parse_scopes(_chosen(fields, SCOPE)),
            subnetwork=fields.get("subnetwork", "").strip(),
            spend_per_day=parse_amount(fields.get("spend", "").strip() or "0", field="spend_per_day"),
            expires_ms=await _end_ms(asked, fields.get("days", "")),
        )
        told = {"label": wanted.label, "scopes": sorted(wanted.scopes), "spend_per_day": wanted.spend_per_day}
        with asked.acting("MakeApiKey", told):
            made, secret = await asked.intake.api_keys.make(caller, wanted)
    except ProofgridError as error:
        return await _keys_page(asked, status=400, fields=fields, error=error)
    return await _keys_page(asked, made=made.key_id, secret=secret)


async def revoke_key(asked: Asked) -> Response:
    """End a key."""
    await asked.form()
    caller = await asked.caller(asked.intake.api_keys.revoke)
    key_id = parse_key_id(asked.request.path_params["key_id"])
    with asked.acting("RevokeApiKey", {"key_id": key_id}):
        await asked.intake.api_keys.revoke(caller, key_id)
    return redirect("/keys")


async def webhooks(asked: Asked) -> Response:
    """The visitor's webhooks, and the form for another one."""
    await asked.caller(asked.intake.webhooks.make, asked.intake.webhooks.list_own)
    return await _webhooks_page(asked)


async def make_webhook(asked: Asked) -> Response:
    """Make an endpoint and show its secret, or show the form again with what is wrong in it."""
    fields = await asked.form()
    caller = await asked.caller(asked.intake.webhooks.make)
    url = fields.get("url", "").strip()
    try:
        with asked.acting("MakeWebhook", {"url": url}):
            made = await asked.intake.webhooks.make(caller, url, _chosen(fields, KIND))
    except ProofgridError as error:
        return await _webhooks_page(asked, status=400, fields=fields, error=error)
    return await _webhooks_page(asked, made=made.endpoint_id, secret=spell_secret(made.secret))


async def webhook(asked: Asked) -> Response:
    """One endpoint: what was sent, with its state and the last answer, and what can be done."""
    return await _webhook_page(asked)


async def test_webhook(asked: Asked) -> Response:
    """Send a message that tells of nothing, and show what came back."""
    await asked.form()
    caller = await asked.caller(asked.intake.webhooks.test)
    endpoint_id = _endpoint_id(asked)
    with asked.acting("TestWebhook", {"endpoint_id": str(endpoint_id)}):
        tested = await asked.intake.webhooks.test(caller, endpoint_id)
    return await _webhook_page(asked, tested=tested)


async def _webhook_page(asked: Asked, *, tested: Trial | None = None) -> Response:
    caller = await asked.caller(asked.intake.webhooks.deliveries)
    endpoint = await _endpoint(asked)
    deliveries = await asked.intake.webhooks.deliveries(caller, endpoint.endpoint_id, limit=DELIVERIES_SHOWN)
    return asked.page(
        "webhook.html",
        line=webhook_lines([endpoint])[0],
        public_key=public_key_of(endpoint.secret),
        deliveries=deliveries,
        failed=sum(one.state is DeliveryState.FAILED for one in deliveries),
        limit=DELIVERIES_SHOWN,
        tested=tested,
        now_ms=await _now_ms(asked),
    )


async def replay_webhook(asked: Asked) -> Response:
    """Send again what failed, or also what was delivered in the last hours."""
    fields = await asked.form()
    caller = await asked.caller(asked.intake.webhooks.replay)
    endpoint_id = _endpoint_id(asked)
    hours = fields.get("hours", "").strip() or "0"
    if not hours.isascii() or not hours.isdecimal() or int(hours[:6]) > 24 * 30:
        raise InvalidField("hours, at most those of 30 days", field="hours")
    since_ms = await _now_ms(asked) - int(hours) * 3_600_000 if int(hours) else 0
    with asked.acting("ReplayWebhook", {"endpoint_id": str(endpoint_id), "since_ms": since_ms}):
        await asked.intake.webhooks.replay(caller, endpoint_id, since_ms=since_ms)
    return redirect(f"/webhooks/{endpoint_id}")


async def remove_webhook(asked: Asked) -> Response:
    """Send nothing more there."""
    await asked.form()
    caller = await asked.caller(asked.intake.webhooks.remove)
    endpoint_id = _endpoint_id(asked)
    with asked.acting("RemoveWebhook", {"endpoint_id": str(endpoint_id)}):
        await asked.intake.webhooks.remove(caller, endpoint_id)
    return redirect("/webhooks")


async def _keys_page(
    asked: Asked,
    *,
    status: int = 200,
    fields: Mapping[str, str] | None = None,
    error: ProofgridError | None = None,
    made: str = "",
    secret: str = "",
) -> Response:
    caller = await asked.caller(asked.intake.api_keys.list_for)
    found = await asked.intake.api_keys.list_for(caller, None)
    return asked.page(
        "keys.html",
        status=status,
        lines=key_lines(found, now_ms=(now_ms := await _now_ms(asked))),
        scopes=scope_choices(None if fields is None else _chosen(fields, SCOPE)),
        filled={name: (fields or {}).get(name, "") for name in ("label", "spend", "subnetwork", "days")},
        lives=LIVES_DAYS,
        error=error,
        made=made,
        secret=secret,
        now_ms=now_ms,
    )


async def _webhooks_page(
    asked: Asked,
    *,
    status: int = 200,
    fields: Mapping[str, str] | None = None,
    error: ProofgridError | None = None,
    made: UUID | None = None,
    secret: str = "",
) -> Response:
    caller = await asked.caller(asked.intake.webhooks.list_own)
    found = await asked.intake.webhooks.list_own(caller)
    return asked.page(
        "webhooks.html",
        status=status,
        lines=webhook_lines(found),
        kinds=kind_choices(None if fields is None else _chosen(fields, KIND)),
        url=(fields or {}).get("url", ""),
        error=error,
        made=made,
        secret=secret,
        now_ms=await _now_ms(asked),
    )


async def _endpoint(asked: Asked) -> Endpoint:
    caller = await asked.caller(asked.intake.webhooks.list_own)
    endpoint_id = _endpoint_id(asked)
    for one in await asked.intake.webhooks.list_own(caller):
        if one.endpoint_id == endpoint_id:
            return one
    raise NoSuchPage()


def _endpoint_id(asked: Asked) -> UUID:
    try:
        return parse_uuid(asked.request.path_params["endpoint_id"], field="endpoint_id")
    except InvalidField:
        raise NoSuchPage() from None


def _chosen(fields: Mapping[str, str], begin: str) -> list[str]:
    return [name.removeprefix(begin) for name in fields if name.startswith(begin)]


async def _end_ms(asked: Asked, days: str) -> int:
    if days == "never":
        return 0
    if days not in map(str, LIVES_DAYS):
        raise InvalidField("one of the offered spans", field="expires_ms")
    return await _now_ms(asked) + int(days) * DAY_MS


async def _now_ms(asked: Asked) -> int:
    return (await asked.intake.overview.now()).now_ms
