/** Bytes as text and back, and what they hash to. Nothing here needs Node.js. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

export type Bytes = Uint8Array;

const WRITER = new TextEncoder();

export function utf8(text: string): Bytes {
  return WRITER.encode(text);
}

/** The SHA-256 of bytes, as 64 lower-case hex digits: how content is named. */
export function digestOf(content: Bytes): string {
  return bytesToHex(sha256(content));
}

export function toBase64(content: Bytes): string {
  let text = "";
  for (let place = 0; place < content.length; place += 0x8000) {
    text += String.fromCharCode(...content.subarray(place, place + 0x8000));
  }
  return btoa(text);
}

/** Return the bytes of a base64 text, undefined for any other text: no line ends, no spelling but the one. */
export function fromBase64(text: string): Bytes | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const binary = atob(text);
  return Uint8Array.from(binary, (one) => one.charCodeAt(0));
}

export function toBase64Url(content: Bytes): string {
  return toBase64(content).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Compare in a time that does not depend on where they differ. */
export function sameBytes(one: Bytes, other: Bytes): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let place = 0; place < one.length; place += 1) difference |= (one[place] as number) ^ (other[place] as number);
  return difference === 0;
}

export function joined(parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}
