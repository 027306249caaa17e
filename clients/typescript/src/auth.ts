/** Who asks: an API key, a key that signs a token for each call, or the session that signing in gave. */
import { randomBytes } from "@noble/hashes/utils.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { digestOf, toBase64Url, utf8 } from "./bytes.js";
import { canonicalJson } from "./canonical.js";
import { InvalidRequest } from "./errors.js";
import type { Signer } from "./signatures.js";

/** What a credential is asked for: one call, of these bytes, at one gateway. */
export interface Asked {
  verb: string;
  /** Path with query, as they are sent. */
  target: string;
  /** SHA-256 of the body; of an upload, of the file. */
  bodyDigest: string;
  gateway: URL;
  /** The address of the network's key, asked once. */
  network(): Promise<string>;
  nowMs: number;
}

/** What a request carries so that the gateway knows who asks. */
export interface Auth {
  headers(asked: Asked): Promise<Record<string, string>> | Record<string, string>;
  /** May a browser send its cookies along? */
  readonly sendsCookies?: boolean;
}

export const EMPTY_DIGEST = digestOf(new Uint8Array());
const LIFETIME_MS = 120_000;
const METHOD_CHARS_MAX = 512;

/** Is what is sent there encrypted, or does it stay on this machine? */
export function isPrivate(gateway: URL): boolean {
  return gateway.protocol === "https:" || isLoopback(gateway.hostname);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** An API key (docs/decisions/0078): `pgk_…`. Whoever has it spends up to its day, so it is sent over TLS only. */
export function apiKey(secret: string): Auth {
  if (!secret.startsWith("pgk_")) throw new InvalidRequest("PG-101", "an API key begins with pgk_", { field: "auth" });
  return {
    headers({ gateway }) {
      if (!isPrivate(gateway)) {
        throw new InvalidRequest("PG-101", "an API key goes over TLS or stays on this machine", { field: "gateways", hint: "https://…" });
      }
      return { Authorization: `Bearer ${secret}` };
    },
  };
}

/** A key that signs a token of its own for each call (docs/decisions/0072): bound to verb, path, body and gateway, used once. */
export function signedTokens(signer: Signer): Auth {
  return {
    async headers(asked) {
      return { Authorization: `Bearer ${await makeToken(signer, asked, await asked.network())}` };
    },
  };
}

/** Return a fresh token `pg2.<claims>.<signature>` for one call. */
export async function makeToken(signer: Signer, asked: Omit<Asked, "network">, network: string): Promise<string> {
  const method = `${asked.verb} ${asked.target}`;
  if (method.length > METHOD_CHARS_MAX) {
    throw new InvalidRequest("PG-101", `verb, path and query have at most ${METHOD_CHARS_MAX} characters together`, { field: "path" });
  }
  const claims = canonicalJson({
    sub: signer.address,
    aud: network,
    mth: method,
    bod: asked.bodyDigest,
    gw: gatewayName(asked.gateway),
    iat: asked.nowMs,
    exp: asked.nowMs + LIFETIME_MS,
    jti: bytesToHex(randomBytes(16)),
  });
  const signed = `pg2.${toBase64Url(utf8(claims))}`;
  return `${signed}.${await signer.sign(signed)}`;
}

/**
 * Return by which name tokens are bound to the gateway there. Encrypted: the host that its certificate names, whatever the port. Plain, on this
 * machine: host and port.
 */
export function gatewayName(gateway: URL): string {
  const host = gateway.hostname.replace(/\.$/, "").toLowerCase();
  if (gateway.protocol === "https:") return host.replace(/^\[|\]$/g, "");
  return `${host}:${gateway.port || "80"}`;
}
