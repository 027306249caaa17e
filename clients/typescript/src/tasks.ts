/** Tasks: submit, follow, wait, fetch, cancel, list. */
import { type Bytes, digestOf, joined, toBase64 } from "./bytes.js";
import { BadBundle, RateLimited, TaskFailed, Unavailable, errorOf } from "./errors.js";
import { partsOf } from "./files.js";
import type { components, operations } from "./openapi.js";
import { type ServerEvent, serverEvents } from "./sse.js";
import { type Transport, broken } from "./transport.js";
import { randomBytes } from "@noble/hashes/utils.js";

export type Task = components["schemas"]["Task"];
export type SubmitRequest = operations["Submit"]["requestBody"]["content"]["application/json"];
type ListQuery = NonNullable<operations["ListTasks"]["parameters"]["query"]>;

/** Something that happened to a task. One without a cursor is told once, while it happens. */
export interface TaskEvent {
  /** 1, 2, 3, …: its place among the events of the task that last; 0: it is none of these. */
  cursor: number;
  /** Such as accepted, sold, progress, proven, done; reset: no event has the cursor that was asked for, all come (again). */
  kind: string;
  at_ms: number;
  data: Record<string, unknown>;
}

export interface Abortable {
  signal?: AbortSignal | undefined;
}

export interface WatchOptions extends Abortable {
  /** The last event that you have seen; 0: from the beginning. */
  cursor?: number;
}

const ENDED = ["done", "failed", "cancelled"];
const SILENCE_MS = 45_000; // a gateway says that it is still there every 15 s

export class Tasks {
  constructor(private readonly transport: Transport) {}

  /**
   * Submit a request for a proof. Without an idempotency key it gets one of its own, so that it is one task however often this has to send it;
   * name your own where your process may die in between.
   */
  async submit(request: SubmitRequest, options: Abortable = {}): Promise<Task> {
    const json = { ...request, idempotency_key: request.idempotency_key ?? freshKey() };
    return await this.transport.json<Task>({ verb: "POST", path: "/v1/tasks", json, repeats: true, signal: options.signal });
  }

  /** Return a task with its jobs, and why those wait that nobody proves. */
  async get(taskId: string, options: Abortable = {}): Promise<Task> {
    return await this.transport.json<Task>({ verb: "GET", path: pathOf(taskId), repeats: true, signal: options.signal });
  }

  /** Yield your tasks, newest first, without their jobs. */
  async *list(query: ListQuery = {}, options: Abortable = {}): AsyncGenerator<Task, void> {
    yield* pages<Task>(this.transport, "/v1/tasks", "tasks", query, options);
  }

  /** End a task that has not ended yet; what is not spent comes back. */
  async cancel(taskId: string, options: Abortable = {}): Promise<Task> {
    return await this.transport.json<Task>({ verb: "POST", path: `${pathOf(taskId)}/cancel`, repeats: true, signal: options.signal });
  }

  /**
   * Yield every event of a task as it happens, until it has ended: each that lasts once and in order, whichever gateway tells it, through the death
   * of gateways and connections.
   */
  async *watch(taskId: string, options: WatchOptions = {}): AsyncGenerator<TaskEvent, void> {
    const signal = this.transport.signalOf(options.signal);
    const patience = this.transport.patience(signal);
    let seen = options.cursor ?? 0;
    for (;;) {
      signal?.throwIfAborted();
      let answered = false;
      try {
        for await (const event of this.events(taskId, seen, signal)) {
          if (!answered) patience.reset();
          answered = true;
          if (event === "end") return;
          if (event.kind === "reset") seen = 0;
          else if (event.cursor !== 0 && event.cursor <= seen) continue;
          else seen = event.cursor || seen;
          yield event;
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof Unavailable || error instanceof RateLimited)) throw error;
        if (error instanceof Unavailable) this.transport.turn();
        await patience.after(error);
      }
    }
  }

  /** Yield the events of one connection, then "end" where nothing follows. Throws Unavailable where it breaks off. */
  private async *events(taskId: string, seen: number, signal: AbortSignal | undefined): AsyncGenerator<TaskEvent | "end", void> {
    const silence = new AbortController();
    const both = signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]);
    const headers: Record<string, string> = seen === 0 ? {} : { "Last-Event-ID": String(seen) };
    const path = `${pathOf(taskId)}/events`;
    const answer = await this.transport.once({ verb: "GET", path, headers, accept: "text/event-stream", repeats: true }, both);
    if (answer.status === 204) {
      yield "end";
      return;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const heard = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(new Error("nothing comes any more")), SILENCE_MS);
    };
    heard();
    const events = serverEvents(answer.body as ReadableStream<Uint8Array>, heard);
    try {
      for (;;) {
        const next = await broken(() => events.next(), signal);
        if (next.done === true) throw new Unavailable("PG-301", "the gateway ended the call");
        if (next.value.event === "end") {
          yield "end";
          return;
        }
        yield eventOf(next.value);
      }
    } finally {
      clearTimeout(timer);
      await events.return().catch(() => undefined);
    }
  }

  /** Wait until a task is done, and return it. Throws TaskFailed where it ends otherwise. `onEvent` is told what happens meanwhile. */
  async wait(taskId: string, options: WatchOptions & { onEvent?: (event: TaskEvent) => void } = {}): Promise<Task> {
    for await (const event of this.watch(taskId, options)) options.onEvent?.(event);
    const task = await this.get(taskId, options);
    if (task.state === "done") return task;
    const detail = task.failure_detail || `the task is ${task.state}`;
    throw new TaskFailed(task.failure_code || (ENDED.includes(task.state) ? "PG-501" : "PG-500"), detail, { taskId });
  }

  /** Return the bundle of a finished task, whole, its digest checked. What breaks off goes on where it was. */
  async bundle(taskId: string, options: Abortable = {}): Promise<Bytes> {
    const path = `${pathOf(taskId)}/bundle`;
    const patience = this.transport.patience(this.transport.signalOf(options.signal));
    const signal = this.transport.signalOf(options.signal);
    let parts: Bytes[] = [];
    let tag = "";
    for (;;) {
      const have = parts.reduce((sum, part) => sum + part.length, 0);
      const headers: Record<string, string> = have === 0 ? {} : { Range: `bytes=${have}-`, "If-Range": tag };
      const answer = await this.transport.send({ verb: "GET", path, headers, accept: "application/zip", repeats: true, signal: options.signal });
      if (answer.status !== 206) parts = [];
      tag = answer.headers.get("ETag") ?? "";
      const total = lengthOf(answer);
      try {
        const body = partsOf(answer.body as ReadableStream<Uint8Array>);
        await broken(async () => {
          for await (const part of body) parts.push(part);
        }, signal);
        const whole = joined(parts);
        if (total !== undefined && whole.length < total) throw new Unavailable("PG-301", "the gateway ended the call");
        return checked(whole, tag);
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        this.transport.turn();
        await patience.after(error);
      }
    }
  }

  /** Return one file of a task's bundle: `manifest.json`, `signature.json`, or `files/DIGEST`, such as a single proof. */
  async bundleFile(taskId: string, name: string, options: Abortable = {}): Promise<Bytes> {
    const call = { verb: "GET", path: `${pathOf(taskId)}/bundle/${name}`, accept: "*/*", repeats: true, signal: options.signal } as const;
    return (await this.transport.whole(call, async (answer) => new Uint8Array(await answer.arrayBuffer())))[0];
  }
}

/** Return a key by which a request is known however often it is sent. */
export function freshKey(): string {
  return toBase64(randomBytes(18)).replaceAll("+", "-").replaceAll("/", "_");
}

/** Yield what a list holds, page after page where it has several. */
export async function* pages<T>(
  transport: Transport,
  path: string,
  member: string,
  query: Record<string, string | number | boolean | undefined>,
  options: Abortable,
): AsyncGenerator<T, void> {
  let next = "";
  do {
    const asked: Record<string, string | number | boolean | undefined> = next === "" ? query : { ...query, cursor: next };
    const page = await transport.json<Record<string, unknown>>({ verb: "GET", path, query: asked, repeats: true, signal: options.signal });
    yield* page[member] as T[];
    next = typeof page["next_cursor"] === "string" ? (page["next_cursor"] as string) : "";
  } while (next !== "");
}

function pathOf(taskId: string): string {
  return `/v1/tasks/${encodeURIComponent(taskId)}`;
}

function eventOf(event: ServerEvent): TaskEvent {
  const data = JSON.parse(event.data) as Record<string, unknown>;
  if (event.event === "error") throw errorOf(Number(data["status"]) || 500, event.data);
  if (event.event === "reset") return { cursor: 0, kind: "reset", at_ms: 0, data };
  return data as unknown as TaskEvent;
}

function lengthOf(answer: Response): number | undefined {
  const range = /\/(\d+)$/.exec(answer.headers.get("Content-Range") ?? "");
  const told = range?.[1] ?? answer.headers.get("Content-Length");
  return told === null || told === undefined ? undefined : Number(told);
}

function checked(content: Bytes, tag: string): Bytes {
  const digest = tag.replace(/^W\//, "").replaceAll('"', "");
  if (/^[0-9a-f]{64}$/.test(digest) && digestOf(content) !== digest) {
    throw new BadBundle("PG-310", "what came is not what the gateway names", { field: "container" });
  }
  return content;
}

