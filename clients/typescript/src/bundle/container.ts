/**
 * The outside of a bundle (docs/bundle.md): a ZIP file in which nothing is compressed, hidden, repeated or out of place.
 *
 * Only what is laid out exactly as the network writes it is read, so two readers cannot see two different contents.
 */
import { type Bytes, digestOf, sameBytes, utf8 } from "../bytes.js";
import { BadBundle } from "../errors.js";
import { crc32 } from "./crc32.js";

export const MANIFEST = "manifest.json";
export const SIGNATURE = "signature.json";

/** What a reader is willing to read. */
export interface ContainerLimits {
  entriesMax: number;
  totalBytesMax: number;
  jsonBytesMax: number;
}

export const DEFAULT_LIMITS: ContainerLimits = { entriesMax: 20_000, totalBytesMax: 2 ** 31, jsonBytesMax: 2 ** 26 };

interface Entry {
  name: string;
  crc: number;
  sizeBytes: number;
  at: number;
}

const HEADER_BYTES = 30;
const LINE_BYTES = 46;
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const LINE_BYTES_MAX = LINE_BYTES + 6 + 64;
const HEADER_MAGIC = 0x04034b50;
const LINE_MAGIC = 0x02014b50;
const END_MAGIC = 0x06054b50;
const ZIP64_MAGIC = 0x07064b50;
const ZIP_VERSION = 20;
const UNIX = 3;
const LONG_AGO = (1 << 5) | 1;
const ATTRIBUTES = 0o644 << 16;
const FILE_NAME = /^files\/([0-9a-f]{64})$/;

function refuse(detail: string): never {
  throw new BadBundle("PG-410", detail, { field: "container" });
}

/** A container whose layout was checked; its contents were not. */
export class Container {
  private constructor(
    readonly digests: ReadonlySet<string>,
    private readonly content: Bytes,
    private readonly entries: ReadonlyMap<string, Entry>,
    private readonly limits: ContainerLimits,
  ) {}

  /** Open a container. Throws BadBundle for anything that is not laid out as a bundle is. */
  static open(content: Bytes, limits: ContainerLimits = DEFAULT_LIMITS): Container {
    const [number, directoryAt] = checkEnd(content, limits);
    const directory = content.subarray(directoryAt, content.length - END_BYTES);
    const entries = entriesOf(directory, number, directoryAt);
    const digests = checkNames(entries.map((one) => one.name));
    checkTold(entries, directory, content);
    return new Container(digests, content, new Map(entries.map((one) => [one.name, one])), limits);
  }

  /** Return `manifest.json` or `signature.json`. */
  readJson(name: typeof MANIFEST | typeof SIGNATURE): Bytes {
    if (this.entry(name).sizeBytes > this.limits.jsonBytesMax) refuse(`${name} is larger than ${this.limits.jsonBytesMax} bytes`);
    return this.bytesOf(name);
  }

  /** Return the file of this digest. Throws BadBundle when its bytes hash to something else. */
  read(digest: string): Bytes {
    const found = this.bytesOf(`files/${digest}`);
    if (digestOf(found) !== digest) refuse(`the file ${digest} does not hash to its name`);
    return found;
  }

  private bytesOf(name: string): Bytes {
    const entry = this.entry(name);
    const begins = entry.at + HEADER_BYTES + entry.name.length;
    const found = this.content.subarray(begins, begins + entry.sizeBytes);
    if (crc32(found) !== entry.crc) refuse(`the file '${name}' is not the one that its header tells of`);
    return found;
  }

  private entry(name: string): Entry {
    return this.entries.get(name) ?? refuse(`the file '${name}' is missing`);
  }
}

function viewOf(content: Bytes): DataView {
  return new DataView(content.buffer, content.byteOffset, content.byteLength);
}

/** Check the last record; return how many files there are, and where the directory begins. */
function checkEnd(content: Bytes, limits: ContainerLimits): [number, number] {
  const size = content.length;
  if (size > limits.totalBytesMax) refuse(`the file is larger than ${limits.totalBytesMax} bytes`);
  if (size < END_BYTES + LOCATOR_BYTES) refuse("this is no bundle: the file is too short");
  const view = viewOf(content);
  const at = size - END_BYTES;
  const commentBytes = view.getUint16(at + 20, true);
  if (view.getUint32(at, true) !== END_MAGIC || commentBytes !== 0 || view.getUint32(at - LOCATOR_BYTES, true) === ZIP64_MAGIC) {
    refuse("this is no bundle, or it is cut short: no end record");
  }
  const [disk, firstDisk] = [view.getUint16(at + 4, true), view.getUint16(at + 6, true)];
  const [here, entries] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
  const [directoryBytes, directoryAt] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
  if (entries > limits.entriesMax || directoryBytes > limits.entriesMax * LINE_BYTES_MAX) refuse(`more than ${limits.entriesMax} files`);
  if (disk !== 0 || firstDisk !== 0 || here !== entries || directoryAt + directoryBytes + END_BYTES !== size) {
    refuse("the directory is not where the end record says");
  }
  return [entries, directoryAt];
}

function endOf(entries: readonly Entry[]): number {
  const last = entries.at(-1);
  return last === undefined ? 0 : last.at + HEADER_BYTES + last.name.length + last.sizeBytes;
}

/** Return what the directory names: the files fill the container from its first byte to the directory, in order. */
function entriesOf(directory: Bytes, number: number, directoryAt: number): Entry[] {
  const view = viewOf(directory);
  const entries: Entry[] = [];
  let place = 0;
  for (let count = 0; count < number; count += 1) {
    if (place + LINE_BYTES > directory.length) refuse("the file cannot be read: its directory is cut short");
    const short = (at: number): number => view.getUint16(place + at, true);
    const long = (at: number): number => view.getUint32(place + at, true);
    const [flags, method, crc, stored, size] = [short(8), short(10), long(16), long(20), long(24)];
    const [nameBytes, extraBytes, commentBytes, at] = [short(28), short(30), short(32), long(42)];
    const spelled = directory.subarray(place + LINE_BYTES, place + LINE_BYTES + nameBytes);
    if (spelled.some((one) => one > 0x7f)) refuse("the file cannot be read: a name that is no ASCII");
    const name = String.fromCharCode(...spelled);
    place += LINE_BYTES + nameBytes;
    if (method !== 0 || stored !== size) refuse(`'${name}' is compressed`);
    if (at !== endOf(entries) || extraBytes !== 0 || commentBytes !== 0 || flags !== 0) {
      refuse(`'${name}' is not stored plainly, one after the other`);
    }
    entries.push({ name, crc, sizeBytes: size, at });
  }
  if (endOf(entries) !== directoryAt) refuse("there is something between the files and the directory");
  return entries;
}

function checkNames(names: readonly string[]): ReadonlySet<string> {
  const files = names.slice(2);
  const isInOrder = files.every((name, place) => place === 0 || (files[place - 1] as string) < name);
  if (names[0] !== MANIFEST || names[1] !== SIGNATURE || !isInOrder) {
    refuse("expected manifest.json, signature.json and the files in order, each once");
  }
  return new Set(files.map((name) => FILE_NAME.exec(name)?.[1] ?? refuse(`'${name}' does not belong into a bundle`)));
}

/** Compare both places that tell of a file, its header and its line in the directory, with what would be written. */
function checkTold(entries: readonly Entry[], directory: Bytes, content: Bytes): void {
  let place = 0;
  for (const entry of entries) {
    const [header, line] = [headerOf(entry), lineOf(entry)];
    const isOurs =
      sameBytes(content.subarray(entry.at, entry.at + header.length), header) &&
      sameBytes(directory.subarray(place, place + line.length), line);
    if (!isOurs) refuse("a file is not told of as a bundle tells of it");
    place += line.length;
  }
  if (place !== directory.length) refuse("a file is not told of as a bundle tells of it");
}

function headerOf(entry: Entry): Bytes {
  return record(HEADER_BYTES, entry.name, (view) => {
    view.setUint32(0, HEADER_MAGIC, true);
    view.setUint16(4, ZIP_VERSION, true);
    view.setUint16(12, LONG_AGO, true);
    setSizes(view, 14, entry);
  });
}

function lineOf(entry: Entry): Bytes {
  return record(LINE_BYTES, entry.name, (view) => {
    view.setUint32(0, LINE_MAGIC, true);
    view.setUint8(4, ZIP_VERSION);
    view.setUint8(5, UNIX);
    view.setUint16(6, ZIP_VERSION, true);
    view.setUint16(14, LONG_AGO, true);
    setSizes(view, 16, entry);
    view.setUint32(38, ATTRIBUTES, true);
    view.setUint32(42, entry.at, true);
  });
}

function setSizes(view: DataView, at: number, entry: Entry): void {
  view.setUint32(at, entry.crc, true);
  view.setUint32(at + 4, entry.sizeBytes, true);
  view.setUint32(at + 8, entry.sizeBytes, true);
  view.setUint16(at + 12, entry.name.length, true);
}

function record(bytes: number, name: string, fill: (view: DataView) => void): Bytes {
  const made = new Uint8Array(bytes + name.length);
  fill(viewOf(made));
  made.set(utf8(name), bytes);
  return made;
}
