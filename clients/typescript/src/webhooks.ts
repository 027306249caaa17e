/** Verifies deliveries of webhooks (https://www.standardwebhooks.com): v1 by the secret, v1a by the public key. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, fromBase64, joined, sameBytes, utf8 } from "./bytes.js";
import { BadSignature } from "./errors.js";

const TOLERANCE_SECONDS = 300;
const SIGNATURES_MAX = 16;

/** Headers of a delivery: of fetch's requests, or of Node's, in whatever case. */
export type WebhookHeaders = Headers | Record<string, string | string[] | undefined>;

/** What a delivery says. */
export interface WebhookDelivery {
  /** The same each time that it is sent: drop what you have seen. */
  id: string;
  /** Such as `task.accepted`. */
  type: string;
  timestampMs: number;
  data: { taskId: string; cursor: number; event: Record<string, unknown> };
}

/**
 * Return what a delivery says. Throws BadSignature unless it is signed for `key`: the webhook's `whsec_…`, or its `whpk_…`, which is no secret.
 *
 * `body`: the very bytes that came, before anything reads them. `nowMs`: what time it is.
 */
export function verifyWebhook(key: string, headers: WebhookHeaders, body: Bytes | string, nowMs = Date.now()): WebhookDelivery {
  const content = typeof body === "string" ? utf8(body) : body;
  const id = headerOf(headers, "webhook-id");
  const moment = headerOf(headers, "webhook-timestamp");
  if (!/^\d{1,20}$/.test(moment) || Math.abs(Number(moment) - Math.floor(nowMs / 1000)) > TOLERANCE_SECONDS) {
    throw new BadSignature("PG-202", "the delivery's time is not now", { field: "webhook-timestamp", hint: "is your clock right?" });
  }
  const signed = joined([utf8(`${id}.${moment}.`), content]);
  const given = headerOf(headers, "webhook-signature").split(" ").slice(0, SIGNATURES_MAX);
  if (!given.some((one) => holds(key, one, signed))) {
    throw new BadSignature("PG-202", "the delivery is not signed for this key", { field: "webhook-signature" });
  }
  return deliveryOf(id, content);
}

function deliveryOf(id: string, content: Bytes): WebhookDelivery {
  const said = JSON.parse(new TextDecoder().decode(content)) as {
    type: string;
    timestamp_ms: number;
    data: { task_id: string; cursor: number; event: Record<string, unknown> };
  };
  const { task_id: taskId, cursor, event } = said.data;
  return { id, type: said.type, timestampMs: said.timestamp_ms, data: { taskId, cursor, event } };
}

function holds(key: string, signature: string, signed: Bytes): boolean {
  const comma = signature.indexOf(",");
  const version = signature.slice(0, comma);
  const told = fromBase64(signature.slice(comma + 1));
  if (told === undefined) return false;
  if (key.startsWith("whsec_") && version === "v1") {
    const secret = fromBase64(key.slice("whsec_".length));
    return secret !== undefined && sameBytes(hmac(sha256, secret, signed), told);
  }
  if (key.startsWith("whpk_") && version === "v1a") {
    const point = fromBase64(key.slice("whpk_".length));
    return point?.length === 32 && told.length === 64 && ed25519.verify(told, signed, point);
  }
  return false;
}

function headerOf(headers: WebhookHeaders, name: string): string {
  if (headers instanceof Headers) return headers.get(name) ?? "";
  for (const [spelled, value] of Object.entries(headers)) {
    if (spelled.toLowerCase() === name && value !== undefined) return Array.isArray(value) ? (value[0] ?? "") : value;
  }
  return "";
}
