import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  BadSignature,
  type Json,
  ProofgridError,
  canonicalJson,
  privateKey,
  readKeyList,
  signerOf,
  verifyBundle,
  verifyWebhook,
} from "../src/index.js";
import { readCanonical } from "../src/canonical.js";

interface Vectors {
  canonical: { value: Json; text: string }[];
  signatures: { secret: string; address: string; text: string; signature: string }[];
  deliveries: { secret: string; public_key: string; headers: Record<string, string>; body: string; now_ms: number }[];
  bundles: {
    name: string;
    content: string;
    insists: { program?: string; network?: string; keys?: string };
    refused: { code: string; field: string } | null;
    needs_proofs: boolean;
  }[];
}

const packed = readFileSync(new URL("vectors/vectors.json.gz", import.meta.url));
const vectors = JSON.parse(gunzipSync(packed).toString()) as Vectors;

function verdict(act: () => unknown): { code: string; field: string } | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof ProofgridError) return { code: error.code, field: error.field };
    throw error;
  }
}

describe("what Python made", () => {
  it.each(vectors.canonical)("canonical JSON: $text", ({ value, text }) => {
    expect(canonicalJson(value)).toBe(text);
    expect(canonicalJson(readCanonical(new TextEncoder().encode(text)))).toBe(text);
  });

  it.each(vectors.signatures)("a signature of $address", async ({ secret, address, text, signature }) => {
    const key = privateKey(secret);
    expect(key.address).toBe(address);
    expect(await key.sign(text)).toBe(signature);
    expect(signerOf(new TextEncoder().encode(text), signature)).toBe(address);
  });

  it.each(vectors.deliveries)("a delivery for $public_key", ({ secret, public_key, headers, body, now_ms }) => {
    for (const key of [secret, public_key]) {
      const said = verifyWebhook(key, headers, body, now_ms);
      expect(said.id).toBe("msg_1_1");
      expect(said.data).toEqual({ taskId: "t", cursor: 1, event: { units: 3 } });
      expect(verifyWebhook(key, new Headers(headers), new TextEncoder().encode(body), now_ms).type).toBe("task.accepted");
      expect(() => verifyWebhook(key, headers, `${body} `, now_ms)).toThrow(BadSignature);
      expect(() => verifyWebhook(key, headers, body, now_ms + 301_000)).toThrow("the delivery's time is not now");
      expect(() => verifyWebhook(key, { ...headers, "webhook-signature": "v1,AAAA v1a,====" }, body, now_ms)).toThrow(BadSignature);
    }
    const other = vectors.deliveries.find((one) => one.secret !== secret) as Vectors["deliveries"][number];
    expect(() => verifyWebhook(other.secret, headers, body, now_ms)).toThrow(BadSignature);
    expect(() => verifyWebhook(other.public_key, headers, body, now_ms)).toThrow(BadSignature);
  });

  it.each(vectors.bundles)("a bundle: $name", ({ content, insists, refused, needs_proofs }) => {
    const bytes = new Uint8Array(Buffer.from(content, "hex"));
    const { keys, ...rest } = insists;
    const options = keys === undefined ? rest : { ...rest, keys: readKeyList(keys) };
    expect(verdict(() => verifyBundle(bytes, options))).toEqual(needs_proofs ? null : refused);
  });

  it("the report says what was checked, and that proofs were not", () => {
    const first = vectors.bundles[0] as Vectors["bundles"][number];
    const report = verifyBundle(new Uint8Array(Buffer.from(first.content, "hex")), first.insists as { program: string; network: string });
    expect(report.proofsVerified).toBe(false);
    expect(report.checks.map((one) => one.split(":")[0])).toEqual([
      "container",
      "signature",
      "network",
      "program",
      "jobs",
      "files",
      "program",
      "proofs",
    ]);
    expect(report.signer).toBe(report.manifest.network);
    const [job] = report.manifest.jobs;
    expect(report.file(job?.proof as string).length).toBeGreaterThan(0);
  });
});
