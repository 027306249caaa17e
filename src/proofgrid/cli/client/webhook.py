"""`proofgrid webhook`: servers of yours that are told of your tasks; and one that listens, for trying it at home."""

from __future__ import annotations

import json as json_module
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Annotated

import typer

from proofgrid.cli.kit.console import complain, date_text, plain, print_answers, print_json, say
from proofgrid.cli.kit.failures import EXIT_FAILED
from proofgrid.cli.kit.options import ClientOptions, LimitOption, with_client
from proofgrid.cli.kit.reading import parse_moment_ms
from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.errors import BadToken

BODY_BYTES_MAX = 1 << 20
WebhookArgument = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its id, as `list` shows it.")]

group = typer.Typer(name="webhook", help="Servers of yours that are told of your tasks.", no_args_is_help=True)


@group.command("new")
@with_client
def new(
    options: ClientOptions,
    url: Annotated[str, typer.Argument(metavar="URL", help="https://…")],
    kind: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="KIND", help="May be given again. [default: done, failed, cancelled]"),
    ] = None,
) -> None:
    """Have a server told of your tasks' events from now on, and show the secret that checks what comes, once.

    Deliveries are signed by the Standard Webhooks specification: v1 with the secret, v1a with the public key, which is
    no secret. They come at least once, each with an id of its own, those of a task in order; what fails is tried again
    for days.

    \b
    Example:
      proofgrid webhook new https://server.example/proofs
      proofgrid webhook new https://server.example/proofs --event accepted --event done
    """
    made = options.ask(lambda client: client.webhooks.make(url, kinds=kind or []))
    if options.json:
        print_json(plain(made.webhook) | {"secret": made.secret})
        return
    say(made.secret)
    say(
        f"{made.webhook.endpoint_id}: {' '.join(made.webhook.kinds)}; public key {made.webhook.public_key}", style="dim"
    )


@group.command("list")
@with_client
def list_all(options: ClientOptions) -> None:
    """List your webhooks, newest first.

    \b
    Example:
      proofgrid webhook list
    """
    print_answers(
        options.ask(lambda client: client.webhooks.known()),
        ("webhook", "url", "events", "waiting>", "disabled"),
        lambda one: (
            one.endpoint_id,
            one.url,
            " ".join(one.kinds),
            one.waiting,
            f"{date_text(one.disabled_ms)[:16]}: {one.disabled_why}" if one.disabled_ms else "",
        ),
        empty="no webhooks; proofgrid webhook new URL makes one",
        json=options.json,
    )


@group.command("deliveries")
@with_client
def deliveries(options: ClientOptions, webhook: WebhookArgument, limit: LimitOption = 20) -> None:
    """List what was sent to a webhook or waits for it, newest first, with what it answered.

    \b
    Example:
      proofgrid webhook deliveries 01890a5d-…
    """
    print_answers(
        options.ask(lambda client: client.webhooks.deliveries(webhook, limit=limit)),
        ("task", "event", "state", "tries>", "status>", "answer", "when (UTC)", "next try (UTC)"),
        lambda one: (
            one.task_id,
            one.kind,
            one.state,
            one.attempts,
            one.status or "",
            one.answer[:60],
            date_text(one.at_ms)[:19],
            date_text(one.due_ms)[:19] if one.state == "waiting" and one.due_ms else "",
        ),
        empty="nothing yet",
        json=options.json,
    )


@group.command("test")
@with_client
def test(options: ClientOptions, webhook: WebhookArgument) -> None:
    """Send a signed message to a webhook now that tells of nothing, and show what it answers.

    It is sent once and is no delivery: it is not listed, and does not enable a webhook that was disabled.

    \b
    Example:
      proofgrid webhook test 01890a5d-…
    """
    tested = options.ask(lambda client: client.webhooks.test(webhook))
    if options.json:
        print_json(plain(tested))
    else:
        status = f"answered {tested.status}" if tested.status else "no answer"
        say(f"{status} after {tested.took_ms} ms{f': {tested.answer}' if tested.answer else ''}")
    if not tested.delivered:
        raise typer.Exit(EXIT_FAILED)


@group.command("replay")
@with_client
def replay(
    options: ClientOptions,
    webhook: WebhookArgument,
    since: Annotated[
        str, typer.Option("--since", metavar="MOMENT", help="Also what was delivered of events since, like 2026-03-01.")
    ] = "",
) -> None:
    """Send again what failed, in order, and use a webhook again that was disabled.

    \b
    Example:
      proofgrid webhook replay 01890a5d-… --since 2026-03-01T12:00
    """
    since_ms = parse_moment_ms(since, field="since") if since else 0
    number = options.ask(lambda client: client.webhooks.replay(webhook, since_ms=since_ms))
    if options.json:
        print_json({"deliveries": number})
        return
    say(f"{number} deliveries are sent again.")


@group.command("remove")
@with_client
def remove(options: ClientOptions, webhook: WebhookArgument) -> None:
    """Send nothing more there, and forget what was sent.

    \b
    Example:
      proofgrid webhook remove 01890a5d-…
    """
    options.ask(lambda client: client.webhooks.remove(webhook))
    if options.json:
        print_json({"removed": webhook})
        return
    say("Removed.")


@group.command("listen")
def listen(
    key: Annotated[str, typer.Argument(metavar="KEY", help="whsec_… or whpk_…, as `new` shows them.")],
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="Of this machine.")] = 8_400,
) -> None:
    """Receive deliveries on this machine, check their signatures, and print each as a line of JSON, until Ctrl-C.

    For trying it at home: the gateway needs --webhooks-anywhere to send to this machine.

    \b
    Example:
      proofgrid webhook new http://127.0.0.1:8400/
      proofgrid webhook listen whsec_…
    """
    server = HTTPServer(("127.0.0.1", port), receiver_for(key))
    complain(f"listening on http://127.0.0.1:{server.server_port}/", style="dim")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


def receiver_for(key: str) -> type[BaseHTTPRequestHandler]:
    """Return what answers deliveries: 204 where the signature holds, 400 where it does not."""
    from proofgrid.rules.webhooks.signing import verify

    class Receiver(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            size = self.headers.get("content-length", "")
            is_size = size.isascii() and size.isdigit() and len(size) < 19
            body = self.rfile.read(min(int(size), BODY_BYTES_MAX)) if is_size else b""
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                message_id = verify(key, headers, body, now_seconds=SystemClock().now_ms() // 1_000)
                print_json({"id": message_id, **json_module.loads(body)})
            except (BadToken, ValueError, TypeError) as refusal:
                complain(str(refusal))
                self.send_error(400, "not signed for this key")
                return
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server calls
            pass

    return Receiver
