import { createServer } from "node:http";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InvalidRequest, Proofgrid, Unavailable, digestOf, privateKey, signedTokens } from "../src/index.js";
import { fileOf, keyFile } from "../src/node.js";
import { answering, events, json } from "./gateway.js";

describe("uploads over a real connection", () => {
  const taken: { length: string | undefined; encoding: string | undefined; bytes: Buffer; url: string }[] = [];
  let failures = 0;
  let folder = "";
  let url = "";
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      if (failures > 0) {
        failures -= 1;
        request.socket.destroy();
        return;
      }
      const bytes = Buffer.concat(parts);
      taken.push({ length: request.headers["content-length"], encoding: request.headers["transfer-encoding"], bytes, url: request.url ?? "" });
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify({ digest: digestOf(bytes), size_bytes: bytes.length }));
    });
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "proofgrid-"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  it("declare their size, tell progress, and are sent again from the beginning", async () => {
    const content = new Uint8Array(700_000).map((_, place) => place);
    const path = join(folder, "model.onnx");
    await writeFile(path, content);
    const client = new Proofgrid({ gateways: url, auth: signedTokens(privateKey(`0x${"02".repeat(32)}`)), network: "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1" });
    for (const source of [content, new Blob([content]), await fileOf(path)]) {
      failures = 1;
      const told: number[] = [];
      const found = await client.programs.upload(source, { onProgress: (sent) => told.push(sent) });
      expect(found).toEqual({ digest: digestOf(content), size_bytes: content.length });
      expect(told.at(-1)).toBe(content.length);
      const last = taken.at(-1);
      expect(last).toMatchObject({ length: "700000", encoding: undefined, url: `/v1/artifacts?digest=${digestOf(content)}` });
      expect(last?.bytes.equals(content)).toBe(true);
    }
    expect(taken).toHaveLength(3);
  });

  it("key files are read", async () => {
    const secret = `0x${"02".repeat(32)}`;
    const path = join(folder, "me.key");
    await writeFile(path, JSON.stringify({ address: "x", private_key: secret }));
    expect((await keyFile(path)).address).toBe(privateKey(secret).address);
    await writeFile(path, JSON.stringify({ crypto: {} }));
    await expect(keyFile(path)).rejects.toThrow(InvalidRequest);
  });
});

describe("registering", () => {
  it("uploads files, names digests, and tells how far the build is", async () => {
    const built = (kind: string, data: unknown): string => `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
    const { options, seen } = answering([
      json({ digest: "d1", size_bytes: 1 }),
      events(built("progress", { stage: "compile", permille: 500 }), built("program", { digest: "p" })),
    ]);
    const stages: string[] = [];
    const program = await new Proofgrid(options).programs.register(
      { proofSystem: "toy", source: { model: new Uint8Array([1]), other: "d2" }, settings: { slices: 1 } },
      { onBuild: (stage, permille) => stages.push(`${stage} ${permille}`) },
    );
    expect(program.digest).toBe("p");
    expect(stages).toEqual(["compile 500"]);
    expect(JSON.parse(seen[1]?.body as string)).toEqual({ proof_system: "toy", source: { model: "d1", other: "d2" }, settings: { slices: 1 }, label: "" });
  });

  it("begins again where the connection breaks", async () => {
    const { options, seen } = answering([events(""), events("event: program\ndata: {\"digest\":\"p\"}\n\n")]);
    const program = await new Proofgrid(options).programs.register({ proofSystem: "toy", source: {} });
    expect([program.digest, seen.length]).toEqual(["p", 2]);
    const never = answering([events("")], { patienceMs: 0 });
    await expect(new Proofgrid(never.options).programs.register({ proofSystem: "toy", source: {} })).rejects.toThrow(Unavailable);
  });
});
