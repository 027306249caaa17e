/** A gateway that answers what a test says, and a clock that nobody waits for. */
import type { Clock, TransportOptions } from "../src/transport.js";

export interface Seen {
  url: URL;
  verb: string;
  headers: Headers;
  body: string;
  init: RequestInit;
}

export type Answer = Response | Error | ((seen: Seen) => Response | Promise<Response>);

export const A = "https://a.example:7480";
export const B = "https://b.example:7480";

/** Return options of a client whose requests get these answers, one after the other, and what was asked. */
export function answering(answers: Answer[], options: Partial<TransportOptions> = {}): { options: TransportOptions; seen: Seen[]; waits: number[] } {
  const seen: Seen[] = [];
  const waits: number[] = [];
  let now = 1_700_000_000_000;
  const clock: Clock = {
    now: () => now,
    chance: () => 0,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      waits.push(ms);
      now += ms;
    },
  };
  const fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const body = init.body === undefined || init.body === null ? "" : await new Response(init.body).text();
    const one = { url: new URL(String(input)), verb: init.method ?? "GET", headers: new Headers(init.headers), body, init };
    seen.push(one);
    const answer = answers[seen.length - 1];
    if (answer === undefined) throw new Error(`nothing is said of request ${seen.length}`);
    if (answer instanceof Error) throw answer;
    return typeof answer === "function" ? await answer(one) : answer;
  };
  return { options: { gateways: [A], fetch: fetch as typeof globalThis.fetch, clock, ...options }, seen, waits };
}

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value), { status, headers: { "Content-Type": "application/json", ...headers } });
}

export function problem(status: number, code: string, headers: Record<string, string> = {}, more: Record<string, unknown> = {}): Response {
  return json({ type: "urn:x", title: "t", status, detail: "because", code, field: "f", hint: "h", ...more }, status, headers);
}

export function events(...texts: string[]): Response {
  return new Response(texts.join(""), { headers: { "Content-Type": "text/event-stream" } });
}

export function event(cursor: number, kind: string): string {
  const id = cursor === 0 ? "" : `id: ${cursor}\n`;
  return `${id}event: ${kind}\ndata: ${JSON.stringify({ cursor, kind, at_ms: 1, data: {} })}\n\n`;
}

export const END = "event: end\ndata: {}\n\n";
