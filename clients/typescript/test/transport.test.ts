import { describe, expect, it } from "vitest";
import {
  Conflict,
  InsufficientFunds,
  InvalidRequest,
  NotAuthenticated,
  NotFound,
  Proofgrid,
  ProofgridError,
  RateLimited,
  Unavailable,
  apiKey,
  digestOf,
  gatewayName,
  hasCode,
  privateKey,
  signedTokens,
  signerOf,
} from "../src/index.js";
import { A, B, answering, json, problem } from "./gateway.js";

const KEY = privateKey(`0x${"01".repeat(32)}`);
const NETWORK = "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1";
const refused = async (act: Promise<unknown>): Promise<ProofgridError> => {
  const error: unknown = await act.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProofgridError)) throw new Error(`not refused, or otherwise: ${String(error)}`);
  return error;
};

describe("refusals", () => {
  it.each([
    [400, "PG-101", InvalidRequest, "InvalidField"],
    [401, "PG-204", NotAuthenticated, "TokenExpired"],
    [402, "PG-150", InsufficientFunds, "InsufficientFunds"],
    [404, "PG-132", NotFound, "UnknownTask"],
    [409, "PG-142", Conflict, "IdempotencyConflict"],
  ])("%i %s is an error of its own class", async (status, code, kind, name) => {
    const { options } = answering([problem(status, code)]);
    const error = await refused(new Proofgrid(options).money.account());
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ code, status, field: "f", hint: "h", detail: "because", kind: name, name: kind.name });
    expect(error.message).toBe(`${code} [f] because Hint: h`);
  });

  it("of somebody in between are said as they are", async () => {
    const { options } = answering([new Response("<html>", { status: 418 })]);
    const error = await refused(new Proofgrid(options).money.account());
    expect(error).toMatchObject({ code: "PG-000", status: 418 });
    expect(hasCode(error, "PG-000")).toBe(true);
  });
});

describe("trying again", () => {
  it("obeys Retry-After, and wait_ms where it is said", async () => {
    const { options, waits } = answering([
      problem(429, "PG-429", { "Retry-After": "7" }),
      problem(429, "PG-210", { "Retry-After": "3" }, { wait_ms: 2_500 }),
      json({ balance: 1 }),
    ]);
    expect(await new Proofgrid(options).money.account()).toEqual({ balance: 1 });
    expect(waits).toEqual([7_000, 2_500]);
  });

  it("asks the other gateway at once where one fails, and is patient with both", async () => {
    const { options, seen, waits } = answering([new TypeError("fetch failed"), problem(503, "PG-302"), json({ balance: 2 })], { gateways: [A, B] });
    expect(await new Proofgrid(options).money.account()).toEqual({ balance: 2 });
    expect(seen.map((one) => one.url.origin)).toEqual([A, B, A]);
    expect(waits).toEqual([10, 100]);
  });

  it("ends with the last error when patience does", async () => {
    const { options, seen } = answering(Array.from({ length: 50 }, () => problem(503, "PG-301")), { patienceMs: 5_000 });
    expect(await refused(new Proofgrid(options).money.account())).toBeInstanceOf(Unavailable);
    expect(seen.length).toBeGreaterThan(3);
    const busy = answering([problem(429, "PG-429", { "Retry-After": "61" })]);
    expect(await refused(new Proofgrid(busy.options).money.account())).toBeInstanceOf(RateLimited);
  });

  it("does not send twice what would be done twice", async () => {
    const lost = answering([new TypeError("fetch failed"), json({})]);
    expect(await refused(new Proofgrid(lost.options).webhooks.make("https://x.example"))).toBeInstanceOf(Unavailable);
    expect(lost.seen).toHaveLength(1);
    const busy = answering([problem(429, "PG-429"), json({ secret: "s" })]);
    expect(await new Proofgrid(busy.options).webhooks.make("https://x.example")).toEqual({ secret: "s" });
  });

  it("sends a submission with one key, its own or the caller's", async () => {
    const { options, seen } = answering([new TypeError("fetch failed"), json({ task_id: "t" }), json({ task_id: "u" })]);
    const client = new Proofgrid(options);
    await client.tasks.submit({ program_digest: "d", inputs: [1] });
    await client.tasks.submit({ program_digest: "d", inputs: [1], idempotency_key: "mine" });
    const keys = seen.map((one) => (JSON.parse(one.body) as { idempotency_key: string }).idempotency_key);
    expect(keys[0]).toHaveLength(24);
    expect(keys).toEqual([keys[0], keys[0], "mine"]);
  });

  it("ends when its caller says so", async () => {
    const stop = new AbortController();
    const { options, seen } = answering([
      () => {
        stop.abort(new Error("enough"));
        throw new TypeError("fetch failed");
      },
    ]);
    await expect(new Proofgrid(options).money.account({ signal: stop.signal })).rejects.toThrow("enough");
    await expect(new Proofgrid({ ...options, signal: stop.signal }).money.account()).rejects.toThrow("enough");
    expect(seen).toHaveLength(1);
  });
});

describe("credentials", () => {
  it("an API key goes over TLS or stays on this machine", async () => {
    const { options, seen } = answering([json({})], { auth: apiKey("pgk_a_b") });
    await new Proofgrid(options).money.account();
    expect(seen[0]?.headers.get("authorization")).toBe("Bearer pgk_a_b");
    expect(seen[0]?.init).toMatchObject({ credentials: "omit", redirect: "error" });
    const plain = answering([json({})], { auth: apiKey("pgk_a_b"), gateways: "http://gateway.example" });
    expect(await refused(new Proofgrid(plain.options).money.account())).toMatchObject({ field: "gateways" });
    expect(plain.seen).toHaveLength(0);
    const here = answering([json({})], { auth: apiKey("pgk_a_b"), gateways: "http://127.0.0.1:7480" });
    await new Proofgrid(here.options).money.account();
    expect(() => apiKey("whsec_")).toThrow(InvalidRequest);
  });

  it("a token is bound to verb, path, query, body, gateway and network, and is new each time", async () => {
    const { options, seen } = answering([json({ address: NETWORK }), new TypeError("fetch failed"), json({ task_id: "t" }), json({ tasks: [] })], {
      auth: signedTokens(KEY),
      gateways: [A, B],
    });
    const client = new Proofgrid(options);
    await client.tasks.submit({ program_digest: "d", inputs: ["é"] });
    for await (const _ of client.tasks.list({ state: "done", limit: 3 })) void _;
    expect(seen[0]?.headers.has("authorization")).toBe(false); // everybody may ask what network it is
    const tokens = seen.slice(1).map((one) => one.headers.get("authorization")?.slice("Bearer ".length) as string);
    const said = tokens.map((token) => {
      const [prefix, claims, signature] = token.split(".") as [string, string, string];
      expect(prefix).toBe("pg2");
      expect(signerOf(new TextEncoder().encode(`${prefix}.${claims}`), signature)).toBe(KEY.address);
      return JSON.parse(Buffer.from(claims, "base64url").toString()) as Record<string, string | number>;
    });
    const body = digestOf(new TextEncoder().encode(seen[1]?.body));
    expect(said[0]).toMatchObject({ sub: KEY.address, aud: NETWORK, mth: "POST /v1/tasks", bod: body, gw: "a.example" });
    expect(said[1]).toMatchObject({ mth: "POST /v1/tasks", bod: body, gw: "b.example" });
    expect(said[2]).toMatchObject({ mth: "GET /v1/tasks?state=done&limit=3", bod: digestOf(new Uint8Array()) });
    expect(new Set(said.map((one) => one["jti"])).size).toBe(3);
    expect(Number(said[0]?.["exp"]) - Number(said[0]?.["iat"])).toBe(120_000);
  });

  it.each([
    ["https://Gateway.Example.:7480/", "gateway.example"],
    ["https://[2001:DB8::1]:7480", "2001:db8::1"],
    ["http://127.0.0.1:7480", "127.0.0.1:7480"],
    ["http://localhost", "localhost:80"],
    ["http://[::1]:7480", "[::1]:7480"],
  ])("the gateway %s is called %s", (url, name) => {
    expect(gatewayName(new URL(url))).toBe(name);
  });

  it.each(["gateway.example", "ftp://x", "https://x/path", "https://u@x", "https://x?y"])("%s is no gateway", (url) => {
    expect(() => new Proofgrid({ gateways: url })).toThrow(InvalidRequest);
  });

  it("a wallet signs in for the place that it speaks to, and nowhere else", async () => {
    const message = (host: string): string => `${host} wants you to sign in with your Ethereum account:\n${KEY.address}\n\nSign in.\n`;
    const told = { address: KEY.address, roles: ["client"], csrf: "c", expires_ms: 9 };
    const { options, seen } = answering([
      json({ message: message("a.example:7480") }),
      json(told, 200, { "Set-Cookie": "proofgrid_session=s1; HttpOnly; Path=/" }),
      json({ balance: 1 }),
      json({ task_id: "t" }),
      new Response(null, { status: 204 }),
      json({}),
    ]);
    const client = new Proofgrid(options);
    expect(await client.signIn(KEY)).toEqual({ address: KEY.address, roles: ["client"], csrf: "c", expiresMs: 9 });
    expect(seen[1]?.init.credentials).toBe("same-origin");
    expect(JSON.parse(seen[1]?.body as string)).toEqual({ message: message("a.example:7480"), signature: await KEY.sign(message("a.example:7480")) });
    await client.money.account();
    await client.tasks.cancel("t");
    await client.signOut();
    await client.money.account();
    expect(seen.slice(2).map((one) => [one.headers.get("cookie"), one.headers.get("x-csrf-token")])).toEqual([
      ["proofgrid_session=s1", null],
      ["proofgrid_session=s1", "c"],
      ["proofgrid_session=s1", "c"],
      [null, null],
    ]);
    const elsewhere = answering([json({ message: message("evil.example") })]);
    expect(await refused(new Proofgrid(elsewhere.options).signIn(KEY))).toMatchObject({ code: "PG-203" });
    expect(elsewhere.seen).toHaveLength(1);
  });
});
