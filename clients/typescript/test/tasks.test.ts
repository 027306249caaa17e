import { describe, expect, it } from "vitest";
import { BadBundle, NotFound, Proofgrid, TaskFailed, type TaskEvent, digestOf } from "../src/index.js";
import { A, B, END, answering, event, events, json, problem } from "./gateway.js";

async function watched(client: Proofgrid, cursor = 0): Promise<string[]> {
  const found: string[] = [];
  for await (const one of client.tasks.watch("t", { cursor })) found.push(`${one.cursor} ${one.kind}`);
  return found;
}

describe("watching", () => {
  it("goes on behind the last event, at the next gateway, and tells each once", async () => {
    const { options, seen } = answering(
      [
        events("retry: 1000\n\n", event(1, "accepted"), event(0, "progress"), event(2, "sold")),
        new TypeError("fetch failed"),
        problem(503, "PG-301"),
        events(event(2, "sold"), event(3, "proven"), ": still here\n\n", event(4, "done"), END),
      ],
      { gateways: [A, B] },
    );
    expect(await watched(new Proofgrid(options))).toEqual(["1 accepted", "0 progress", "2 sold", "3 proven", "4 done"]);
    expect(seen.map((one) => one.headers.get("last-event-id"))).toEqual([null, "2", "2", "2"]);
    expect(seen.map((one) => one.url.origin)).toEqual([A, B, A, B]);
    expect(seen[0]?.headers.get("accept")).toBe("text/event-stream");
  });

  it("ends where nothing can follow", async () => {
    const { options } = answering([new Response(null, { status: 204 })]);
    expect(await watched(new Proofgrid(options), 4)).toEqual([]);
  });

  it("begins anew where no event has the cursor, and says so", async () => {
    const { options, seen } = answering([events("event: reset\ndata: {\"cursor\":9}\n\n", event(1, "accepted")), events(event(2, "done"), END)]);
    expect(await watched(new Proofgrid(options), 9)).toEqual(["0 reset", "1 accepted", "2 done"]);
    expect(seen.map((one) => one.headers.get("last-event-id"))).toEqual(["9", "1"]);
  });

  it("throws what ends it, and tries again where that can help", async () => {
    const gone = JSON.stringify({ status: 404, code: "PG-132", detail: "gone", field: "", hint: "" });
    const busy = JSON.stringify({ status: 503, code: "PG-301", detail: "later", field: "", hint: "" });
    const { options } = answering([events(`event: error\ndata: ${busy}\n\n`), events(event(1, "accepted"), `event: error\ndata: ${gone}\n\n`)]);
    await expect(watched(new Proofgrid(options))).rejects.toThrow(NotFound);
  });

  it("is let go with the loop", async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(event(1, "accepted"))),
      cancel: () => {
        cancelled = true;
      },
    });
    const { options } = answering([new Response(body)]);
    for await (const one of new Proofgrid(options).tasks.watch("t")) {
      expect(one.kind).toBe("accepted");
      break;
    }
    expect(cancelled).toBe(true);
  });

  it("waits until a task is done, and throws how it ended otherwise", async () => {
    const seen: TaskEvent[] = [];
    const done = answering([events(event(1, "done"), END), json({ state: "done" })]);
    expect(await new Proofgrid(done.options).tasks.wait("t", { onEvent: (one) => seen.push(one) })).toEqual({ state: "done" });
    expect(seen.map((one) => one.kind)).toEqual(["done"]);
    const failed = answering([events(END), json({ state: "failed", failure_code: "PG-512", failure_detail: "too late" })]);
    await expect(new Proofgrid(failed.options).tasks.wait("t")).rejects.toMatchObject({ code: "PG-512", kind: "DeadlineMissed", taskId: "t" });
    const cancelled = answering([events(END), json({ state: "cancelled", failure_code: "", failure_detail: "" })]);
    await expect(new Proofgrid(cancelled.options).tasks.wait("t")).rejects.toThrow(TaskFailed);
  });
});

describe("bundles", () => {
  const content = new TextEncoder().encode("a whole bundle");
  const tag = `"${digestOf(content)}"`;

  function cut(bytes: Uint8Array): ReadableStream<Uint8Array> {
    let sent = false;
    return new ReadableStream({
      pull(controller) {
        if (sent) controller.error(new TypeError("terminated"));
        else controller.enqueue(bytes);
        sent = true;
      },
    });
  }

  it("go on where they broke off", async () => {
    const { options, seen } = answering([
      new Response(cut(content.slice(0, 5)), { headers: { ETag: tag, "Content-Length": "14" } }),
      new Response(content.slice(5), { status: 206, headers: { ETag: tag, "Content-Range": "bytes 5-13/14" } }),
    ]);
    expect(await new Proofgrid(options).tasks.bundle("t")).toEqual(content);
    expect([seen[1]?.headers.get("range"), seen[1]?.headers.get("if-range")]).toEqual(["bytes=5-", tag]);
  });

  it("begin anew where another answer comes", async () => {
    const { options } = answering([
      new Response(cut(content.slice(0, 5)), { headers: { ETag: '"old"' } }),
      new Response(content, { headers: { ETag: tag } }),
    ]);
    expect(await new Proofgrid(options).tasks.bundle("t")).toEqual(content);
  });

  it("that are not what the gateway names are refused", async () => {
    const { options } = answering([new Response("another", { headers: { ETag: tag } })]);
    await expect(new Proofgrid(options).tasks.bundle("t")).rejects.toThrow(BadBundle);
  });
});

describe("lists", () => {
  it("yield page after page", async () => {
    const { options, seen } = answering([json({ tasks: [{ task_id: "a" }], next_cursor: "n" }), json({ tasks: [{ task_id: "b" }] })]);
    const found: string[] = [];
    for await (const task of new Proofgrid(options).tasks.list({ limit: 1 })) found.push(task.task_id);
    expect(found).toEqual(["a", "b"]);
    expect(seen.map((one) => one.url.search)).toEqual(["?limit=1", "?limit=1&cursor=n"]);
  });

  it("of a record are its lines", async () => {
    const { options } = answering([new Response('{"a":1}\n{"b":"é"}\nlast')]);
    const found: string[] = [];
    for await (const line of new Proofgrid(options).market.record({ lane: "main/toy/small" })) found.push(line);
    expect(found).toEqual(['{"a":1}', '{"b":"é"}', "last"]);
  });
});
