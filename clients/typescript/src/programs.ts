/** Programs: upload what they are made of, register, list, share. */
import { Unavailable, errorOf } from "./errors.js";
import { type OnProgress, type Uploadable, bodyOf, digestOfSource, sourceOf } from "./files.js";
import type { components } from "./openapi.js";
import { serverEvents } from "./sse.js";
import { type Abortable, pages } from "./tasks.js";
import type { Transport } from "./transport.js";

export type Program = components["schemas"]["Program"];
export type ArtifactRef = components["schemas"]["ArtifactRef"];

export interface RegisterRequest {
  /** Such as ezkl, groth16, plonk, noir, miden, sp1. */
  proofSystem: string;
  /** What the program is made of: file by name (ezkl: `model`), as bytes, Blob, `fileOf(path)`, or a digest that was uploaded. */
  source: Record<string, Uploadable | string>;
  settings?: Record<string, unknown>;
  label?: string;
}

export interface RegisterOptions extends Abortable {
  /** How far the upload of one file is. */
  onUpload?: (name: string, sentBytes: number, totalBytes: number) => void;
  /** How far the build is: stage, and its share in 1/1000. */
  onBuild?: (stage: string, permille: number) => void;
}

export class Programs {
  constructor(private readonly transport: Transport) {}

  /** Upload a file and return its digest and size. In browsers progress is not told before the end. */
  async upload(content: Uploadable, options: Abortable & { onProgress?: OnProgress } = {}): Promise<ArtifactRef> {
    const source = sourceOf(content);
    const digest = await digestOfSource(source);
    const upload = { digest, sizeBytes: source.sizeBytes, body: () => bodyOf(content, options.onProgress) };
    const found = await this.transport.json<ArtifactRef>({
      verb: "POST",
      path: "/v1/artifacts",
      query: { digest },
      upload,
      repeats: true, // a file is named by its content
      timeoutMs: 0, // a large one takes as long as it takes
      signal: options.signal,
    });
    options.onProgress?.(source.sizeBytes, source.sizeBytes);
    return found;
  }

  /** Make a program of files; they are uploaded first. The same files and settings are the same program, however often. */
  async register(request: RegisterRequest, options: RegisterOptions = {}): Promise<Program> {
    const source: Record<string, string> = {};
    for (const [name, content] of Object.entries(request.source)) {
      const onProgress: OnProgress = (sent, total) => options.onUpload?.(name, sent, total);
      source[name] = typeof content === "string" ? content : (await this.upload(content, { onProgress, signal: options.signal })).digest;
    }
    const json = { proof_system: request.proofSystem, source, settings: request.settings ?? {}, label: request.label ?? "" };
    const call = { verb: "POST", path: "/v1/programs", json, accept: "text/event-stream", repeats: true, timeoutMs: 0, signal: options.signal } as const;
    return (await this.transport.whole(call, (answer) => built(answer, options)))[0];
  }

  /** Return one program. */
  async get(digest: string, options: Abortable = {}): Promise<Program> {
    return await this.transport.json<Program>({ verb: "GET", path: pathOf(digest), repeats: true, signal: options.signal });
  }

  /** Yield your programs and those that are shared with you, newest first. */
  async *list(query: { limit?: number; begins?: string } = {}, options: Abortable = {}): AsyncGenerator<Program, void> {
    yield* pages<Program>(this.transport, "/v1/programs", "programs", query, options);
  }
}

async function built(answer: Response, options: RegisterOptions): Promise<Program> {
  if (!(answer.headers.get("Content-Type") ?? "").startsWith("text/event-stream")) return (await answer.json()) as Program;
  for await (const event of serverEvents(answer.body as ReadableStream<Uint8Array>)) {
    const data = JSON.parse(event.data) as Record<string, unknown>;
    if (event.event === "program") return data as unknown as Program;
    if (event.event === "error") throw errorOf(Number(data["status"]) || 500, event.data);
    if (event.event === "progress") options.onBuild?.(String(data["stage"]), Number(data["permille"]));
  }
  throw new Unavailable("PG-301", "the gateway ended the call");
}

function pathOf(digest: string): string {
  return `/v1/programs/${encodeURIComponent(digest)}`;
}

