/**
 * One JSON text per value, so that everybody who hashes it gets the same digest: keys sorted by code point, no spaces,
 * ASCII, no floats.
 *
 * `readCanonical` takes that text and no other. Integers that JavaScript's numbers cannot hold are bigint.
 */
import { type Bytes } from "./bytes.js";

export type Json = string | number | bigint | boolean | null | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

export const DEPTH_MAX = 100;
const CONTAINERS_MAX = 1 << 20;
const ELEMENTS_MAX = 1 << 22;
const DIGITS_MAX = 512;
const SHORT: Record<string, string> = { '"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Why a text is no canonical JSON. */
export class NotCanonical extends Error {}

/** Return the canonical JSON of a value; throw TypeError for floats. */
export function canonicalJson(value: Json): string {
  if (typeof value === "string") return spellText(value);
  if (typeof value === "bigint" || typeof value === "boolean" || value === null) return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new TypeError("canonical JSON holds integers only; use bigint for large ones");
    return String(value === 0 ? 0 : value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.keys(value).sort(byCodePoint);
  return `{${members.map((name) => `${spellText(name)}:${canonicalJson(value[name] as Json)}`).join(",")}}`;
}

function spellText(text: string): string {
  return `"${text.replace(/["\\]|[^ -~]/g, (one) => SHORT[one] ?? `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
}

/** Compare as Python sorts: by code points, where JavaScript compares halves of them. */
function byCodePoint(one: string, other: string): number {
  const [left, right] = [[...one], [...other]];
  for (let place = 0; place < Math.min(left.length, right.length); place += 1) {
    const difference = (left[place] as string).codePointAt(0)! - (right[place] as string).codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Return the value of a canonical JSON text. Throws NotCanonical for any other text. */
export function readCanonical(content: Bytes): Json {
  return new Reader(content).whole();
}

const QUOTE = 0x22;

class Reader {
  private place = 0;
  private depth = 0;
  private containers = 0;
  private elements = 0;

  constructor(private readonly content: Bytes) {}

  whole(): Json {
    const value = this.value();
    if (this.place !== this.content.length) this.fail("something follows its end");
    return value;
  }

  private value(): Json {
    const first = this.content[this.place];
    if (first === QUOTE) return this.text();
    if (first === 0x7b) return this.inside(() => this.object());
    if (first === 0x5b) return this.inside(() => this.list());
    if (first === 0x2d || (first !== undefined && first >= 0x30 && first <= 0x39)) return this.integer();
    for (const [word, value] of [["true", true], ["false", false], ["null", null]] as const) {
      if (this.takes(word)) return value;
    }
    return this.fail("no value");
  }

  private inside<T>(read: () => T): T {
    this.place += 1;
    this.depth += 1;
    this.containers += 1;
    if (this.depth > DEPTH_MAX) this.fail(`nested deeper than ${DEPTH_MAX}`);
    const value = read();
    this.depth -= 1;
    return value;
  }

  private object(): JsonObject {
    // A name such as __proto__ is a name like any other here.
    const found: JsonObject = Object.create(null) as JsonObject;
    let before: string | undefined;
    if (this.takes("}")) return found;
    do {
      const name = this.text();
      if (!this.takes(":")) this.fail("a name without a value");
      if (before !== undefined && byCodePoint(before, name) >= 0) this.fail("names are not sorted, each once");
      this.count(1);
      found[name] = this.value();
      before = name;
    } while (this.takes(","));
    if (!this.takes("}")) this.fail("an object without an end");
    return found;
  }

  private list(): Json[] {
    const found: Json[] = [];
    if (this.takes("]")) return found;
    do {
      this.count(0);
      found.push(this.value());
    } while (this.takes(","));
    if (!this.takes("]")) this.fail("a list without an end");
    return found;
  }

  private count(members: number): void {
    this.containers += members;
    this.elements += 1;
    if (this.containers > CONTAINERS_MAX || this.elements > ELEMENTS_MAX) this.fail("too many values");
  }

  private integer(): number | bigint {
    const start = this.place;
    if (this.content[this.place] === 0x2d) this.place += 1;
    const digits = this.place;
    for (;;) {
      const one = this.content[this.place];
      if (one === undefined || one < 0x30 || one > 0x39) break;
      this.place += 1;
    }
    const count = this.place - digits;
    const leads = this.content[digits] === 0x30;
    if (count === 0 || count > DIGITS_MAX || (leads && (count > 1 || start !== digits))) this.fail("an integer in another spelling");
    const text = this.ascii(start, this.place);
    const number = Number(text);
    return Number.isSafeInteger(number) ? number : BigInt(text);
  }

  private text(): string {
    if (this.content[this.place] !== QUOTE) this.fail("no text");
    const start = this.place;
    this.place += 1;
    for (;;) {
      const one = this.content[this.place];
      if (one === undefined || one < 0x20 || one > 0x7e) this.fail("a text in another spelling");
      this.place += one === 0x5c ? 2 : 1;
      if (one === QUOTE) break;
    }
    const spelled = this.ascii(start, this.place);
    if (!spelled.includes("\\")) return spelled.slice(1, -1);
    let text: string;
    try {
      text = JSON.parse(spelled) as string;
    } catch {
      return this.fail("no text");
    }
    if (spellText(text) !== spelled) this.fail("a text in another spelling");
    return text;
  }

  private ascii(start: number, end: number): string {
    let text = "";
    for (let place = start; place < end; place += 0x4000) {
      text += String.fromCharCode(...this.content.subarray(place, Math.min(end, place + 0x4000)));
    }
    return text;
  }

  private takes(word: string): boolean {
    for (let place = 0; place < word.length; place += 1) {
      if (this.content[this.place + place] !== word.charCodeAt(place)) return false;
    }
    this.place += word.length;
    return true;
  }

  private fail(why: string): never {
    throw new NotCanonical(`${why}, at byte ${this.place}`);
  }
}
