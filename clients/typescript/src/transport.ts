/** Sends requests: to the next gateway where one fails, again where that can help, for as long as the caller has patience. */
import { type Asked, type Auth, EMPTY_DIGEST } from "./auth.js";
import { type Bytes, digestOf, utf8 } from "./bytes.js";
import { InvalidRequest, NotAuthenticated, ProofgridError, Unavailable, errorOf } from "./errors.js";

export interface TransportOptions {
  /** Where gateways of one network are: `https://gateway.example:7480`. The next is asked where one fails. */
  gateways: string | readonly string[];
  auth?: Auth;
  /** Address of the network that it must be; signed tokens are for it alone. Without it the first gateway is believed. */
  network?: string;
  /** How long a call is tried again, in milliseconds. */
  patienceMs?: number;
  /** How long one answer may take to begin, in milliseconds. */
  timeoutMs?: number;
  /** In place of the global `fetch`. */
  fetch?: typeof globalThis.fetch;
  /** Ends everything that this client has open. */
  signal?: AbortSignal;
  /** For tests: time and chance. */
  clock?: Clock;
}

export interface Clock {
  now(): number;
  /** Wait; reject with the signal's reason when it is aborted. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>;
  chance(): number;
}

/** One request, which may be sent several times. */
export interface Call {
  verb: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  json?: unknown;
  /** A file; made anew for each try. */
  upload?: { digest: string; sizeBytes: number; body(): BodyInit };
  headers?: Record<string, string>;
  accept?: string;
  /** Does sending it twice do it once? Then it is sent again when nobody knows whether it arrived. */
  repeats: boolean;
  /** Not asked for: what everybody may ask. */
  open?: boolean;
  signal?: AbortSignal | undefined;
  /** How long the answer may take to begin; 0: as long as it takes. */
  timeoutMs?: number;
}

const PATIENCE_MS = 60_000;
const TIMEOUT_MS = 60_000;
const FIRST_MS = 200;
const MOST_MS = 3_000;

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  chance: () => Math.random(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, ms);
      signal?.addEventListener("abort", stop, { once: true });
    }),
};

export class Transport {
  readonly gateways: readonly URL[];
  readonly clock: Clock;
  auth: Auth | undefined;
  private readonly patienceMs: number;
  private readonly timeoutMs: number;
  private readonly fetch: typeof globalThis.fetch;
  private readonly signal: AbortSignal | undefined;
  private current = 0;
  private known: string | undefined;

  constructor(options: TransportOptions) {
    this.gateways = [options.gateways].flat().map(gatewayOf);
    if (this.gateways.length === 0) throw new InvalidRequest("PG-101", "at least one gateway", { field: "gateways" });
    this.auth = options.auth;
    this.known = options.network;
    this.patienceMs = options.patienceMs ?? PATIENCE_MS;
    this.timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.signal = options.signal;
    this.clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** The gateway that is asked next. */
  get gateway(): URL {
    return this.gateways[this.current % this.gateways.length] as URL;
  }

  /** Return the address of the network's key: that which the caller named, or the one that a gateway tells. */
  async network(signal?: AbortSignal): Promise<string> {
    if (this.known === undefined) {
      const told = await this.json<{ address: string }>({ verb: "GET", path: "/v1/network", repeats: true, open: true, signal });
      this.known = told.address;
    }
    return this.known;
  }

  async json<T>(call: Call): Promise<T> {
    return (await this.whole(call, async (answer) => (await answer.json()) as T))[0];
  }

  /** Send a call until its whole answer was read, and return what `read` made of it. */
  async whole<T>(call: Call, read: (answer: Response) => Promise<T>): Promise<[T, Response]> {
    return await this.tried(call, async (signal) => {
      const answer = await this.once(call, signal);
      return [await broken(() => read(answer), signal), answer];
    });
  }

  /** Send a call until its answer begins. */
  async send(call: Call): Promise<Response> {
    return await this.tried(call, (signal) => this.once(call, signal));
  }

  /** A signal that ends with the caller's and with this client's. */
  signalOf(signal: AbortSignal | undefined): AbortSignal | undefined {
    const both = [signal, this.signal].filter((one) => one !== undefined);
    return both.length > 1 ? AbortSignal.any(both) : both[0];
  }

  /** Patience for one piece of work: `after` an error waits before the next try, or throws the error. */
  patience(signal: AbortSignal | undefined): { after(error: ProofgridError): Promise<void>; reset(): void } {
    let failures = 0;
    let until: number | undefined;
    return {
      reset: () => {
        failures = 0;
        until = undefined;
      },
      after: async (error) => {
        const now = this.clock.now();
        until ??= now + this.patienceMs;
        failures += 1;
        // The other gateways deserve a try before anybody waits: one dead gateway must not slow its clients down.
        const rounds = failures - this.gateways.length;
        const next = rounds < 0 ? FIRST_MS / 10 : Math.min(FIRST_MS * 2 ** Math.min(rounds, 10), MOST_MS);
        const wait = Math.max(next * (0.5 + this.clock.chance() / 2), error.waitMs * (1 + this.clock.chance() / 2));
        if (now + wait > until) throw error;
        await this.clock.sleep(wait, signal);
      },
    };
  }

  /** Turn to the next gateway. */
  turn(): void {
    this.current += 1;
  }

  private async tried<T>(call: Call, attempt: (signal: AbortSignal | undefined) => Promise<T>): Promise<T> {
    const signal = this.signalOf(call.signal);
    const patience = this.patience(signal);
    for (;;) {
      signal?.throwIfAborted();
      try {
        return await attempt(signal);
      } catch (error) {
        if (!(error instanceof ProofgridError) || !mayHelp(error, call)) throw error;
        if (error instanceof Unavailable) this.turn();
        await patience.after(error);
      }
    }
  }

  /** Send a call once, to the current gateway; throw the error that its answer tells. */
  async once(call: Call, signal: AbortSignal | undefined): Promise<Response> {
    const gateway = this.gateway;
    const url = new URL(call.path + queryOf(call.query), gateway);
    const content = call.json === undefined ? undefined : utf8(JSON.stringify(call.json));
    const headers: Record<string, string> = { Accept: call.accept ?? "application/json", ...call.headers };
    if (content !== undefined) headers["Content-Type"] = "application/json";
    if (call.upload !== undefined) headers["Content-Type"] = "application/octet-stream";
    const auth = call.open === true ? undefined : this.auth;
    Object.assign(headers, await auth?.headers(this.asked(call, url, content)));
    const init: RequestInit & { duplex?: "half" } = { method: call.verb, headers, redirect: "error", cache: "no-store" };
    init.credentials = auth?.sendsCookies === true ? "same-origin" : "omit";
    if (content !== undefined) init.body = content as Uint8Array<ArrayBuffer>;
    if (call.upload !== undefined) {
      init.body = call.upload.body();
      if (init.body instanceof ReadableStream) {
        init.duplex = "half";
        headers["Content-Length"] = String(call.upload.sizeBytes);
      }
    }
    const [limit, over] = timed(signal, call.timeoutMs ?? this.timeoutMs);
    if (limit !== undefined) init.signal = limit;
    let answer: Response;
    try {
      answer = await broken(() => this.fetch(url, init), signal);
    } finally {
      over();
    }
    if (answer.ok) return answer;
    throw errorOf(answer.status, await broken(() => answer.text(), signal), answer.headers.get("Retry-After"));
  }

  private asked(call: Call, url: URL, content: Bytes | undefined): Asked {
    return {
      verb: call.verb,
      target: url.pathname + url.search,
      bodyDigest: call.upload?.digest ?? (content === undefined ? EMPTY_DIGEST : digestOf(content)),
      gateway: url,
      network: () => this.network(call.signal),
      nowMs: this.clock.now(),
    };
  }
}

function gatewayOf(text: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // said below
  }
  const isDoor = url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "" && url.username === "";
  if (!isDoor) throw new InvalidRequest("PG-101", `'${text}' is no HTTP door`, { field: "gateways", hint: "like https://gateway.example:7480" });
  return url as URL;
}

function queryOf(query: Call["query"]): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) words.set(name, String(value));
  const text = words.toString();
  return text === "" ? "" : `?${text}`;
}

/** May sending it again help, and do no harm? */
function mayHelp(error: ProofgridError, call: Call): boolean {
  if (error.status === 429) return true; // it was not let in
  if (error instanceof NotAuthenticated) return false;
  return error instanceof Unavailable && call.repeats;
}

/** Do something with a connection; that it broke is Unavailable, that the caller does not want it any more is thrown as it is. */
export async function broken<T>(act: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof ProofgridError) throw error;
    signal?.throwIfAborted();
    const why = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error);
    throw new Unavailable("PG-301", `the gateway cannot be reached, or ended the call: ${why}`, {
      hint: "is the gateway running with --http, and is its address right?",
      cause: error,
    });
  }
}

/** Return a signal that ends with the given one or after a time, and what stops the time. */
function timed(signal: AbortSignal | undefined, ms: number): [AbortSignal | undefined, () => void] {
  if (ms === 0) return [signal, () => undefined];
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer began within ${ms} ms`)), ms);
  return [signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]), () => clearTimeout(timer)];
}
