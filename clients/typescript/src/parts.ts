/** The rest of what a client asks: quotes, money, market, webhooks, API keys. */
import { freshKey, type Abortable, pages } from "./tasks.js";
import { partsOf } from "./files.js";
import type { components, operations } from "./openapi.js";
import { type Transport, broken } from "./transport.js";

type Schemas = components["schemas"];
type Body<Name extends keyof operations> = operations[Name] extends { requestBody: { content: { "application/json": infer Asked } } } ? Asked : never;

export type Quote = Schemas["Quote"];
export type FirmQuote = Schemas["FirmQuote"];
export type QuoteRequest = Body<"GetQuote">;
export type BuyQuoteRequest = Body<"BuyQuote">;
export type Account = Schemas["Account"];
export type Webhook = Schemas["Webhook"];
export type NewWebhook = Schemas["NewWebhook"];
export type Delivery = Schemas["Delivery"];
export type WebhookTest = Schemas["TestWebhookResponse"];
export type Round = Schemas["Round"];
export type OrderOpening = Schemas["OrderOpening"];
export type ApiKey = Schemas["ApiKey"];
export type NewApiKey = Schemas["NewApiKey"];

/** Every movement of money of an account between two moments. Amounts are base units. */
export interface Statement {
  opening: { owner: string; from_ms: number; to_ms: number; balance: number; [more: string]: unknown };
  movements: Record<string, unknown>[];
  closing: { balance: number; [more: string]: unknown };
}

export class Quotes {
  constructor(private readonly transport: Transport) {}

  /** What a request would cost and take; nothing is stored. */
  async get(request: QuoteRequest, options: Abortable = {}): Promise<Quote> {
    return await this.transport.json<Quote>({ verb: "POST", path: "/v1/quotes", json: request, repeats: true, signal: options.signal });
  }

  /** Buy a promise of cost and time. */
  async buy(request: BuyQuoteRequest, options: Abortable = {}): Promise<FirmQuote> {
    const json = { ...request, idempotency_key: request.idempotency_key ?? freshKey() };
    return await this.transport.json<FirmQuote>({ verb: "POST", path: "/v1/quotes/firm", json, repeats: true, signal: options.signal });
  }

  /** Yield your firm quotes, newest first. */
  async *list(query: { limit?: number } = {}, options: Abortable = {}): AsyncGenerator<FirmQuote, void> {
    yield* pages<FirmQuote>(this.transport, "/v1/quotes", "quotes", query, options);
  }
}

export class Money {
  constructor(private readonly transport: Transport) {}

  /** What you own and have earned. */
  async account(options: Abortable & { transfersLimit?: number } = {}): Promise<Account> {
    const query = { transfers_limit: options.transfersLimit };
    return await this.transport.json<Account>({ verb: "GET", path: "/v1/account", query, repeats: true, signal: options.signal });
  }

  /** Every movement of money. */
  async statement(options: Abortable & { fromMs?: number; toMs?: number } = {}): Promise<Statement> {
    const query = { from_ms: options.fromMs, to_ms: options.toMs };
    return await this.transport.json<Statement>({ verb: "GET", path: "/v1/statement", query, repeats: true, signal: options.signal });
  }

  /** The same as CSV. */
  async statementCsv(options: Abortable & { fromMs?: number; toMs?: number } = {}): Promise<string> {
    const query = { from_ms: options.fromMs, to_ms: options.toMs };
    const call = { verb: "GET", path: "/v1/statement", query, accept: "text/csv", repeats: true, signal: options.signal } as const;
    return (await this.transport.whole(call, (answer) => answer.text()))[0];
  }
}

export class Webhooks {
  constructor(private readonly transport: Transport) {}

  /** Be told of your tasks; the answer shows the secret, once. Sent once: after an error, look at the list. */
  async make(url: string, kinds: readonly string[] = [], options: Abortable = {}): Promise<NewWebhook> {
    const json = { url, kinds };
    return await this.transport.json<NewWebhook>({ verb: "POST", path: "/v1/webhooks", json, repeats: false, signal: options.signal });
  }

  /** Yield your webhooks, newest first. */
  async *list(options: Abortable = {}): AsyncGenerator<Webhook, void> {
    yield* pages<Webhook>(this.transport, "/v1/webhooks", "webhooks", {}, options);
  }

  /** Yield what was sent to one, and its answers. */
  async *deliveries(endpointId: string, query: { limit?: number } = {}, options: Abortable = {}): AsyncGenerator<Delivery, void> {
    yield* pages<Delivery>(this.transport, `${hookPath(endpointId)}/deliveries`, "deliveries", query, options);
  }

  /** Send a signed message there now that tells of nothing; the answer says what came back. Sent once. */
  async test(endpointId: string, options: Abortable = {}): Promise<WebhookTest> {
    return await this.transport.json<WebhookTest>({ verb: "POST", path: `${hookPath(endpointId)}/test`, repeats: false, signal: options.signal });
  }

  /** Send again what failed, in order, and enable it. */
  async replay(endpointId: string, options: Abortable = {}): Promise<void> {
    await this.transport.json({ verb: "POST", path: `${hookPath(endpointId)}/replay`, json: {}, repeats: true, signal: options.signal });
  }

  /** Send nothing more there. */
  async remove(endpointId: string, options: Abortable = {}): Promise<void> {
    await this.transport.json({ verb: "DELETE", path: hookPath(endpointId), repeats: false, signal: options.signal });
  }
}

export class Market {
  constructor(private readonly transport: Transport) {}

  /** Yield rounds of a lane, newest first. */
  async *rounds(query: { lane: string; limit?: number }, options: Abortable = {}): AsyncGenerator<Round, void> {
    yield* pages<Round>(this.transport, "/v1/rounds", "rounds", query, options);
  }

  /** Yield the lines of a record of rounds, the last one signed: what `proofgrid market replay` reads, and runs again. */
  async *record(query: { lane: string; first?: number; last?: number; since_ms?: number }, options: Abortable = {}): AsyncGenerator<string, void> {
    const call = { verb: "GET", path: "/v1/rounds/record", query, accept: "application/x-ndjson", repeats: true, signal: options.signal } as const;
    const answer = await this.transport.send(call);
    const parts = partsOf(answer.body as ReadableStream<Uint8Array>);
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      // What breaks off half way is thrown: the lines that came are no record without the last one.
      const next = await broken(() => parts.next(), this.transport.signalOf(options.signal));
      if (next.done === true) break;
      const lines = (rest + decoder.decode(next.value, { stream: true })).split("\n");
      rest = lines.pop() as string;
      yield* lines;
    }
    if (rest !== "") yield rest;
  }

  /** What proves that an order of a round was yours. */
  async openOrder(request: Body<"OpenOrder">, options: Abortable = {}): Promise<OrderOpening> {
    return await this.transport.json<OrderOpening>({ verb: "POST", path: "/v1/rounds/open-order", json: request, repeats: true, signal: options.signal });
  }
}

export class ApiKeys {
  constructor(private readonly transport: Transport) {}

  /** Make an API key; the answer shows its secret, once. Sent once: after an error, look at the list. */
  async make(request: Body<"MakeApiKey">, options: Abortable = {}): Promise<NewApiKey> {
    return await this.transport.json<NewApiKey>({ verb: "POST", path: "/v1/api-keys", json: request, repeats: false, signal: options.signal });
  }

  /** Yield your API keys, newest first. */
  async *list(options: Abortable = {}): AsyncGenerator<ApiKey, void> {
    yield* pages<ApiKey>(this.transport, "/v1/api-keys", "keys", {}, options);
  }

  /** End one at once, with what it has open. */
  async revoke(keyId: string, options: Abortable = {}): Promise<ApiKey> {
    const path = `/v1/api-keys/${encodeURIComponent(keyId)}`;
    return await this.transport.json<ApiKey>({ verb: "DELETE", path, repeats: false, signal: options.signal });
  }
}

function hookPath(endpointId: string): string {
  return `/v1/webhooks/${encodeURIComponent(endpointId)}`;
}
