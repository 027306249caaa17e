/** Files to upload: bytes, a Blob (in browsers the File of an input), or whatever can be read from its beginning again. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Bytes } from "./bytes.js";

/** Something that can be read more than once: to hash it, to send it, to send it again. */
export interface FileSource {
  readonly sizeBytes: number;
  stream(): AsyncIterable<Bytes>;
}

export type Uploadable = Bytes | Blob | FileSource;

/** How far an upload is: bytes sent to this machine's network, of how many. */
export type OnProgress = (sentBytes: number, totalBytes: number) => void;

const CHUNK_BYTES = 1 << 18;

export function sourceOf(content: Uploadable): FileSource {
  if (content instanceof Uint8Array) return { sizeBytes: content.length, stream: () => chunksOf(content) };
  if (content instanceof Blob) return { sizeBytes: content.size, stream: () => partsOf(content.stream()) };
  return content;
}

/** Return the digest of a file that is read once, part by part. */
export async function digestOfSource(source: FileSource): Promise<string> {
  const hasher = sha256.create();
  for await (const part of source.stream()) hasher.update(part);
  return bytesToHex(hasher.digest());
}

/** Return the body of a request: a stream that tells progress, or the file itself where streams cannot be sent with their size (browsers). */
export function bodyOf(content: Uploadable, onProgress: OnProgress | undefined): BodyInit {
  const source = sourceOf(content);
  if (!sendsStreams() && (content instanceof Blob || content instanceof Uint8Array)) {
    return content as Blob | Uint8Array<ArrayBuffer>; // its progress is not told: browsers' fetch does not know it
  }
  const parts = source.stream()[Symbol.asyncIterator]();
  let sent = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await parts.next();
      if (next.done === true) {
        controller.close();
        return;
      }
      controller.enqueue(next.value);
      sent += next.value.length;
      onProgress?.(sent, source.sizeBytes);
    },
    async cancel() {
      await parts.return?.();
    },
  });
}

function sendsStreams(): boolean {
  const machine = globalThis as { process?: { versions?: { node?: string } } };
  return machine.process?.versions?.node !== undefined;
}

async function* chunksOf(content: Bytes): AsyncGenerator<Bytes, void> {
  for (let place = 0; place < content.length; place += CHUNK_BYTES) yield content.subarray(place, place + CHUNK_BYTES);
}

/** Yield the parts of a stream; not every browser iterates over them. */
export async function* partsOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Bytes, void> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
