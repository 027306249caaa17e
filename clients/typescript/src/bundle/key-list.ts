/** The network's keys (docs/decisions/0073): a list of online keys, each for its purposes, signed by the root key. */
import { type Bytes, digestOf, utf8 } from "../bytes.js";
import { type Json, NotCanonical, canonicalJson, readCanonical } from "../canonical.js";
import { InvalidRequest } from "../errors.js";
import { isSpelledOnce, signerOf } from "../signatures.js";
import { Misread, readAddress, readInteger, readList, readObject, readText, readTexts, type Whole } from "./reading.js";

export const PURPOSES = ["bundles", "certificates", "checkpoints", "rounds"] as const;
export type Purpose = (typeof PURPOSES)[number];
export type KeyState = "active" | "retired" | "revoked";

export interface NamedKey {
  address: string;
  purposes: Purpose[];
  sinceMs: number;
  state: KeyState;
  endedMs: number;
}

/** A list with the root key's signature, which was checked. */
export interface SignedKeyList {
  network: string;
  number: number;
  issuedMs: number;
  keys: NamedKey[];
  signature: string;
}

const FORMAT = "proofgrid keys 1";
const KEYS_MAX = 64;
const NUMBER_MAX = 2 ** 53 - 1;
export const BYTES_MAX = 24 << 10;

/** Return the list of a text, such as `GET /v1/network/keys` or `proofgrid admin keys export` tells. Throws InvalidRequest. */
export function readKeyList(content: string | Bytes): SignedKeyList {
  const text = typeof content === "string" ? content : new TextDecoder().decode(content);
  const raw = utf8(text.trim());
  if (raw.length > BYTES_MAX) throw new Misread(`a list of keys has at most ${BYTES_MAX} bytes`, "keys");
  try {
    return keyListOf(readCanonical(raw), "keys");
  } catch (error) {
    if (error instanceof NotCanonical) throw new Misread("a list of keys is spelled in the one canonical way", "keys");
    throw error;
  }
}

/** Return the list that a JSON value says, its signature checked. Throws Misread. */
export function keyListOf(value: Json, field: string): SignedKeyList {
  const outer = readObject(value, ["list", "signature"], field);
  const list = readUnsigned(outer["list"] as Json, `${field}.list`);
  const signature = readText(outer["signature"], `${field}.signature`);
  // What is signed is the canonical JSON of the list, and this is it: every member was read.
  const message = utf8(`${FORMAT} ${digestOf(utf8(canonicalJson(outer["list"] as Json)))}`);
  if (!isSpelledOnce(signature) || signerOf(message, signature) !== list.network) {
    throw new Misread(`it is not signed by the root key ${list.network}, or changed since`, field);
  }
  return { ...list, signature };
}

/** Does what this key signed for this purpose count, where its state is one of these? The root key's always does. */
export function counts(list: SignedKeyList, address: string, purpose: Purpose, states: readonly KeyState[]): boolean {
  if (address === list.network) return true;
  return list.keys.some((key) => key.address === address && key.purposes.includes(purpose) && states.includes(key.state));
}

/** Return the list with the higher number. Throws InvalidRequest for lists of two networks. */
export function newer(one: SignedKeyList | undefined, other: SignedKeyList): SignedKeyList {
  if (one === undefined) return other;
  if (one.network !== other.network) throw new InvalidRequest("PG-101", "the lists are of two networks", { field: "keys" });
  return other.number > one.number ? other : one;
}

function readUnsigned(value: Json, field: string): Omit<SignedKeyList, "signature"> {
  const data = readObject(value, ["format", "network", "number", "issued_ms", "keys"], field);
  if (data["format"] !== FORMAT) throw new Misread(`this is no '${FORMAT}'`, `${field}.format`);
  const rows = readList(data["keys"], `${field}.keys`);
  if (rows.length > KEYS_MAX) throw new Misread(`at most ${KEYS_MAX} keys`, `${field}.keys`);
  const network = readAddress(data["network"], `${field}.network`);
  const keys = rows.map((row, place) => readKey(row, `${field}.keys[${place}]`));
  if (new Set([network, ...keys.map((key) => key.address)]).size !== keys.length + 1) {
    throw new Misread("a key is named twice", `${field}.keys`);
  }
  return {
    network,
    number: bounded(readInteger(data["number"], `${field}.number`, 1), `${field}.number`),
    issuedMs: bounded(readInteger(data["issued_ms"], `${field}.issued_ms`), `${field}.issued_ms`),
    keys,
  };
}

function readKey(value: Json, field: string): NamedKey {
  const data = readObject(value, ["address", "purposes", "since_ms", "state", "ended_ms"], field);
  const purposes = readTexts(data["purposes"], `${field}.purposes`) as Purpose[];
  const isInOrder = purposes.every((one, place) => place === 0 || (purposes[place - 1] as string) < one);
  if (purposes.length === 0 || !isInOrder || !purposes.every((one) => PURPOSES.includes(one))) {
    throw new Misread(`sorted, each once, of: ${PURPOSES.join(", ")}`, `${field}.purposes`);
  }
  const state = readText(data["state"], `${field}.state`) as KeyState;
  if (!["active", "retired", "revoked"].includes(state)) throw new Misread("one of active, retired, revoked", `${field}.state`);
  const endedMs = bounded(readInteger(data["ended_ms"], `${field}.ended_ms`), `${field}.ended_ms`);
  if ((state === "active") !== (endedMs === 0)) {
    throw new Misread("a key that is not active has a time since when, and no other", `${field}.ended_ms`);
  }
  return {
    address: readAddress(data["address"], `${field}.address`),
    purposes,
    sinceMs: bounded(readInteger(data["since_ms"], `${field}.since_ms`), `${field}.since_ms`),
    state,
    endedMs,
  };
}

function bounded(value: Whole, field: string): number {
  if (value > NUMBER_MAX) throw new Misread(`at most ${NUMBER_MAX}`, field);
  return Number(value);
}
