/** What needs Node.js: files of the disk. */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { InvalidRequest } from "./errors.js";
import type { FileSource } from "./files.js";
import { type Signer, privateKey } from "./signatures.js";

/** Return a file of the disk, to upload without holding it whole. */
export async function fileOf(path: string): Promise<FileSource> {
  const { size } = await stat(path);
  return { sizeBytes: size, stream: () => createReadStream(path) };
}

/** Return the signer of a key file that `proofgrid keys new` wrote, one without a password. */
export async function keyFile(path: string): Promise<Signer> {
  const said = JSON.parse(await readFile(path, "utf8")) as { private_key?: unknown };
  if (typeof said.private_key !== "string") {
    throw new InvalidRequest("PG-101", `${path} holds no open key`, { field: "key", hint: "an encrypted one: give a Signer of your own" });
  }
  return privateKey(said.private_key);
}
