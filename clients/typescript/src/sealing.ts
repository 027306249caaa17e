/**
 * Sealed inputs (docs/sealed.md): what only the provers read that get a job.
 *
 * Sealing takes a normalised request: statement, facts and each job's input, made by the proof system's own code, which is Python's and engines'.
 * This client has none of it; it seals what you bring, for provers whose keys their operators signed.
 */
import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { randomBytes } from "@noble/hashes/utils.js";
import { type Bytes, digestOf, fromBase64, joined, toBase64, utf8 } from "./bytes.js";
import { canonicalJson } from "./canonical.js";
import type { Proofgrid } from "./client.js";
import { InvalidRequest } from "./errors.js";
import type { components } from "./openapi.js";
import { signerOf } from "./signatures.js";

export type Sealed = components["schemas"]["Sealed"];

/** A prover that a request can be sealed for; its key was checked. */
export interface Recipient {
  /** Operator's address, slash, name. */
  prover: string;
  key: Bytes;
  /** When the prover forgets the key. */
  untilMs: number;
}

/** One job of a normalised request. */
export interface PreparedJob {
  slice: number;
  input: number;
  /** What the prover needs to know. */
  content: Bytes;
  /** What must hold of the right proof. */
  facts: Record<string, unknown>;
}

/** A normalised request: jobs input by input, each by slices. */
export interface Prepared {
  statement: Record<string, unknown>;
  inputs: number;
  jobs: PreparedJob[];
}

/** For whom and what a request is: none of it can be exchanged afterwards. */
export interface SealTerms {
  network: string;
  /** Address of the account that submits. */
  client: string;
  program: string;
  /** The key that the request is submitted with. */
  idempotencyKey: string;
}

const HOUR_MS = 3_600_000;
const KEY_LIVES_MS = 48 * HOUR_MS;
const PUBLIC_BYTES = 1_216;
const PROVERS_MAX = 64;

/**
 * Return the connected provers that may have jobs of a program and can open what is sealed for them. Each operator's signature is checked.
 *
 * `allow`: addresses of operators that you trust; without it whoever runs the network names them. Throws InvalidRequest where there is none.
 */
export async function recipientsOf(
  client: Proofgrid,
  program: string,
  options: { allow?: readonly string[]; network?: string; nowMs?: number; signal?: AbortSignal } = {},
): Promise<Recipient[]> {
  const allowed = options.allow ?? [];
  const json = { program_digest: program, constraints: { allowed_operators: allowed } };
  const asked = { verb: "POST", path: "/v1/recipients", json, repeats: true, signal: options.signal } as const;
  const answer = await client.ask<components["schemas"]["ListRecipientsResponse"]>(asked);
  const network = options.network ?? (await client.network()).address;
  const found = answer.recipients
    .filter((one) => allowed.length === 0 || allowed.includes(operatorOf(one.prover))) // whatever the gateway says
    .map((one) => checkedRecipient(one, network, options.nowMs ?? Date.now()))
    .sort((one, other) => (one.prover < other.prover ? -1 : 1));
  if (found.length === 0) {
    throw new InvalidRequest("PG-180", "no connected prover that may have the jobs has a key to seal for", { field: "constraints" });
  }
  return found.slice(0, PROVERS_MAX);
}

/** Return a recipient whose key its operator vouches for, here and now. Throws InvalidRequest. */
export function checkedRecipient(told: components["schemas"]["Recipient"], network: string, nowMs: number): Recipient {
  const key = fromBase64(told.key);
  if (key?.length !== PUBLIC_BYTES) throw new InvalidRequest("PG-101", `a key to seal for has ${PUBLIC_BYTES} bytes`, { field: "sealing_key" });
  if (!(nowMs < told.until_ms && told.until_ms <= nowMs + KEY_LIVES_MS + HOUR_MS)) {
    const hint = "is your clock right?";
    throw new InvalidRequest("PG-101", "a key to seal for is good for 48 hours at most", { field: "sealing_until_ms", hint });
  }
  const said = { for: "proofgrid sealing key", network, prover: told.prover, key: digestOf(key), until_ms: told.until_ms };
  if (signerOf(utf8(canonicalJson(said)), told.signature) !== operatorOf(told.prover)) {
    throw new InvalidRequest("PG-101", "the key is not signed by the prover's operator", { field: "sealing_signature" });
  }
  return { prover: told.prover, key, untilMs: told.until_ms };
}

/** Seal a normalised request for recipients: what `sealed` of a submission is, in place of `inputs`. */
export async function sealRequest(prepared: Prepared, recipients: readonly Recipient[], terms: SealTerms): Promise<Sealed> {
  const secret = randomBytes(32);
  const common = {
    version: 1,
    network: terms.network,
    client: terms.client,
    request: digestOf(utf8(terms.idempotencyKey)),
    program: terms.program,
  };
  const jobs = prepared.jobs.map(async ({ slice, input, content, facts }) => {
    const info = canonicalJson({ for: "proofgrid sealed input", ...common, slice, input });
    return { locked: toBase64(await locked(hmac(sha256, secret, joined([utf8(info), Uint8Array.of(1)])), content)), facts };
  });
  const seals = recipients.map(async ({ prover, key }) => {
    const info = canonicalJson({ for: "proofgrid sealed request", ...common, prover });
    return { prover, key_id: digestOf(key), sealed: toBase64(await sealFor(key, secret, utf8(info))) };
  });
  return {
    inputs: prepared.inputs,
    statement: prepared.statement,
    jobs: await Promise.all(jobs),
    seals: await Promise.all(seals),
    commitment: digestOf(joined([utf8("proofgrid sealed secret\0"), secret])),
    until_ms: Math.min(...recipients.map((one) => one.untilMs)),
  };
}

/** Seal for one recipient: HPKE (RFC 9180) with ML-KEM-768 and X25519, HKDF-SHA256 and AES-256-GCM. */
async function sealFor(key: Bytes, secret: Bytes, info: Bytes): Promise<Bytes> {
  const suite = new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  const recipientPublicKey = await suite.kem.deserializePublicKey(bufferOf(key));
  const sender = await suite.createSenderContext({ recipientPublicKey, info: bufferOf(info) });
  return joined([new Uint8Array(sender.enc), new Uint8Array(await sender.seal(bufferOf(secret)))]);
}

/** Encrypt under a key that is used for nothing else, ever. */
async function locked(key: Bytes, content: Bytes): Promise<Bytes> {
  const cipher = await crypto.subtle.importKey("raw", bufferOf(key), "AES-GCM", false, ["encrypt"]);
  return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: new Uint8Array(12) }, cipher, bufferOf(content)));
}

function bufferOf(content: Bytes): ArrayBuffer {
  return content.slice().buffer as ArrayBuffer;
}

function operatorOf(prover: string): string {
  return prover.split("/")[0] as string;
}
