import { describe, expect, it } from "vitest";
import { type ServerEvent, serverEvents } from "../src/sse.js";

async function read(parts: (string | Uint8Array)[]): Promise<ServerEvent[]> {
  const writer = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(typeof part === "string" ? writer.encode(part) : part);
      controller.close();
    },
  });
  const found: ServerEvent[] = [];
  for await (const event of serverEvents(body)) found.push(event);
  return found;
}

const TEXT = "retry: 1000\n\nid: 1\nevent: accepted\ndata: {\"a\":\ndata: 1}\n\n: still here\n\ndata:é\n\n";
const EVENTS = [
  { id: "1", event: "accepted", data: '{"a":\n1}' },
  { id: "", event: "message", data: "é" },
];

describe("server-sent events", () => {
  it("are read whatever ends their lines", async () => {
    expect(await read([TEXT])).toEqual(EVENTS);
    expect(await read([TEXT.replaceAll("\n", "\r\n")])).toEqual(EVENTS);
    expect(await read([TEXT.replaceAll("\n", "\r")])).toEqual(EVENTS);
  });

  it("are read wherever the bytes are cut", async () => {
    for (const text of [TEXT, TEXT.replaceAll("\n", "\r\n")]) {
      const bytes = new TextEncoder().encode(text);
      for (let place = 0; place <= bytes.length; place += 1) {
        expect(await read([bytes.slice(0, place), bytes.slice(place)])).toEqual(EVENTS);
      }
    }
  });

  it("that have no end are none", async () => {
    expect(await read(["id: 1\ndata: x\n"])).toEqual([]);
  });
});
