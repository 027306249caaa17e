/** Reads JSON that somebody else wrote: each function returns a value of one kind or throws a `Misread`. */
import type { Json, JsonObject } from "../canonical.js";
import { InvalidRequest, ProofgridError } from "../errors.js";
import { toAddress } from "../signatures.js";

/** Something is not what it must be, at `field`. */
export class Misread extends ProofgridError {
  constructor(detail: string, field: string) {
    super("PG-101", detail, { field });
  }
}

export type Whole = number | bigint;

export function readObject(value: Json | undefined, names: readonly string[], field: string, optional: readonly string[] = []): JsonObject {
  const data = readMapping(value, field);
  const found = Object.keys(data).filter((name) => !optional.includes(name));
  if (found.length !== names.length || !found.every((name) => names.includes(name))) {
    throw new Misread(`expected exactly the members ${names.join(", ")}`, field);
  }
  return data;
}

export function readMapping(value: Json | undefined, field: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Misread("expected a JSON object", field);
  return value;
}

export function readList(value: Json | undefined, field: string): Json[] {
  if (!Array.isArray(value)) throw new Misread("expected a JSON array", field);
  return value;
}

export function readText(value: Json | undefined, field: string): string {
  if (typeof value !== "string" || value === "") throw new Misread("expected a non-empty text", field);
  return value;
}

export function readTexts(value: Json | undefined, field: string): string[] {
  return readList(value, field).map((one) => readText(one, field));
}

export function readInteger(value: Json | undefined, field: string, least = 0): Whole {
  if ((typeof value !== "number" && typeof value !== "bigint") || value < least) {
    throw new Misread(`expected an integer of at least ${least}`, field);
  }
  return value;
}

export function readDigest(value: Json | undefined, field: string): string {
  const text = readText(value, field);
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Misread("a digest is 64 lower-case hex digits (SHA-256)", field);
  return text;
}

export function readUuid(value: Json | undefined, field: string): string {
  const text = readText(value, field);
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) throw new Misread("an id is written in lower case with dashes", field);
  return text;
}

export function readAddress(value: Json | undefined, field: string): string {
  const text = readText(value, field);
  try {
    if (toAddress(text, field) === text) return text;
  } catch (error) {
    if (error instanceof InvalidRequest) throw new Misread(error.detail, field);
    throw error;
  }
  throw new Misread("an address is written with its EIP-55 checksum", field);
}
