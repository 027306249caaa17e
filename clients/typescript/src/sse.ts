/** Server-sent events out of the body of an answer. */

export interface ServerEvent {
  /** Empty: it has none, so nobody can come back with it. */
  id: string;
  event: string;
  data: string;
}

const LINE_CHARS_MAX = 64 << 20;

/** Yield the events of a body; comments and `retry` are left out. `onBytes` is told of everything that comes, comments too. */
export async function* serverEvents(body: ReadableStream<Uint8Array>, onBytes: () => void = () => undefined): AsyncGenerator<ServerEvent, void> {
  const reader = body.getReader();
  try {
    let event = fresh();
    for await (const line of lines(reader, onBytes)) {
      if (line === "") {
        if (event.data.length > 0) yield { id: event.id, event: event.event || "message", data: event.data.join("\n") };
        event = fresh();
        continue;
      }
      const colon = line.indexOf(":");
      const [name, value] = colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
      if (name === "id" && !value.includes("\0")) event.id = value;
      else if (name === "event") event.event = value;
      else if (name === "data") event.data.push(value);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function fresh(): { id: string; event: string; data: string[] } {
  return { id: "", event: "", data: [] };
}

/** Yield lines as they come, without their ends: \n, \r\n or \r. What has no end is no line. */
async function* lines(reader: ReadableStreamDefaultReader<Uint8Array>, onBytes: () => void): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  let skipsFeed = false;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onBytes();
    let text = decoder.decode(value, { stream: true });
    if (skipsFeed && text.startsWith("\n")) text = text.slice(1);
    if (text !== "") skipsFeed = text.endsWith("\r");
    const parts = (rest + text).split(/\r\n|\n|\r/);
    rest = parts.pop() as string;
    if (rest.length > LINE_CHARS_MAX) throw new Error("a line of an event is too long");
    yield* parts;
  }
}
