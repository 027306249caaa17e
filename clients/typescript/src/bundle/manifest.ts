/** What a bundle says (docs/bundle.md), and the rules that it keeps whoever wrote it. */
import { type Bytes, digestOf, utf8 } from "../bytes.js";
import { type Json, type JsonObject, NotCanonical, canonicalJson, readCanonical } from "../canonical.js";
import { BadBundle } from "../errors.js";
import {
  Misread,
  type Whole,
  readAddress,
  readDigest,
  readInteger,
  readList,
  readMapping,
  readObject,
  readText,
  readTexts,
  readUuid,
} from "./reading.js";

export interface BundleTask {
  taskId: string;
  client: string;
  createdMs: Whole;
  finishedMs: Whole;
}

export interface BundleProgram {
  digest: string;
  proofSystem: string;
  identity: JsonObject;
  /** Digests of the verifying files, by name. */
  files: Record<string, string>;
  slices: number;
}

/** One partial proof: its place, who proved it, in which round and at what price (base units for each proving unit). */
export interface BundleJob {
  slice: number;
  input: number;
  proof: string;
  public: JsonObject;
  jobId: string;
  operator: string;
  prover: string;
  round: { lane: string; number: Whole; transcript: string };
  units: Whole;
  priceBuy: Whole;
  priceSell: Whole;
  paid: Whole;
}

/** Everything a bundle says; the files only back it up. Integers beyond 2^53 are bigint. */
export interface Manifest {
  version: 1 | 2;
  network: string;
  task: BundleTask;
  program: BundleProgram;
  statement: JsonObject;
  result: JsonObject;
  jobs: BundleJob[];
  /** The jobs whose proofs are inside the one proof, all together; of version 2. */
  wrapped?: { jobs: Whole; units: Whole; paid: Whole };
}

const MEMBERS = ["format", "version", "network", "task", "program", "statement", "result", "jobs"];
const SLICE_MEMBERS = ["index", "units", "memory_bytes", "depends_on", "files"];

function refuse(detail: string, field: string, hint = ""): never {
  throw new BadBundle("PG-410", detail, { field, hint });
}

/** Return the value of a canonical JSON text. Throws BadBundle for any other text. */
export function jsonOf(content: Bytes, what: string): Json {
  try {
    return readCanonical(content);
  } catch (error) {
    if (error instanceof NotCanonical) return refuse(`${what} is not canonical JSON: ${error.message}`, "manifest");
    throw error;
  }
}

/** Return what `manifest.json` says. Throws BadBundle unless it is the one text of a lawful manifest. */
export function readManifest(content: Bytes): Manifest {
  const value = jsonOf(content, "manifest.json");
  const data = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  if (data["format"] !== "proofgrid.bundle") refuse("this is no proofgrid bundle", "manifest.format");
  const version = data["version"];
  if (version !== 1 && version !== 2) {
    return refuse(`bundle version ${String(version)} is not known here`, "manifest.version", "upgrade @proofgrid/client to read it");
  }
  let manifest: Manifest;
  try {
    manifest = manifestOf(data, version);
  } catch (error) {
    if (error instanceof Misread) return refuse(error.detail, error.field);
    throw error;
  }
  checkManifest(manifest);
  return manifest;
}

/** Return the digests of the files that belong to a bundle: what verifies, and the proofs. */
export function filesOf(manifest: Manifest): Set<string> {
  return new Set([...Object.values(manifest.program.files), ...manifest.jobs.map((job) => job.proof)]);
}

function manifestOf(value: JsonObject, version: 1 | 2): Manifest {
  const data = readObject(value, version === 2 ? [...MEMBERS, "wrapped"] : MEMBERS, "manifest");
  const jobs = readList(data["jobs"], "manifest.jobs");
  const manifest: Manifest = {
    version,
    network: readAddress(data["network"], "manifest.network"),
    task: taskOf(data["task"], "manifest.task"),
    program: programOf(data["program"], "manifest.program"),
    statement: readMapping(data["statement"], "manifest.statement"),
    result: readMapping(data["result"], "manifest.result"),
    jobs: jobs.map((job, place) => jobOf(job, `manifest.jobs[${place}]`)),
  };
  return version === 2 ? { ...manifest, wrapped: wrappedOf(data["wrapped"], "manifest.wrapped") } : manifest;
}

function wrappedOf(value: Json | undefined, field: string): NonNullable<Manifest["wrapped"]> {
  const data = readObject(value, ["jobs", "units", "paid"], field);
  return {
    jobs: readInteger(data["jobs"], `${field}.jobs`, 1),
    units: readInteger(data["units"], `${field}.units`, 1),
    paid: readInteger(data["paid"], `${field}.paid`),
  };
}

function taskOf(value: Json | undefined, field: string): BundleTask {
  const data = readObject(value, ["task_id", "client", "created_ms", "finished_ms"], field);
  return {
    taskId: readUuid(data["task_id"], `${field}.task_id`),
    client: readAddress(data["client"], `${field}.client`),
    createdMs: readInteger(data["created_ms"], `${field}.created_ms`),
    finishedMs: readInteger(data["finished_ms"], `${field}.finished_ms`),
  };
}

function programOf(value: Json | undefined, field: string): BundleProgram {
  const { digest, ...rest } = readMapping(value, field);
  const names = ["proof_system", "identity", "files", "verifying_files", "slices", "summary"];
  const data = readObject(rest, names, field, ["wraps"]);
  const named = Object.entries(readMapping(data["files"], `${field}.files`));
  for (const [name] of named) readText(name, `${field}.files`);
  const verifying = readTexts(data["verifying_files"], `${field}.verifying_files`);
  const files = Object.fromEntries(named);
  const missing = verifying.find((name) => !Object.hasOwn(files, name));
  if (missing !== undefined) throw new Misread(`'${missing}' is not among the files`, `${field}.verifying_files`);
  const slices = readList(data["slices"], `${field}.slices`);
  if (slices.length === 0) throw new Misread("a program has at least one slice", `${field}.slices`);
  const hasWraps = Object.hasOwn(data, "wraps");
  const wraps = hasWraps ? readList(data["wraps"], `${field}.wraps`) : [];
  if (hasWraps && wraps.length === 0) throw new Misread("left out where there are none", `${field}.wraps`);
  const proofSystem = readText(data["proof_system"], `${field}.proof_system`);
  const identity = readMapping(data["identity"], `${field}.identity`);
  const digests = Object.fromEntries(named.map(([name, one]) => [name, readDigest(one, `${field}.files`)]));
  readMapping(data["summary"], `${field}.summary`);
  slices.forEach((one, place) => checkSlice(one, place, `${field}.slices[${place}]`));
  wraps.forEach((one, place) => checkSlice(one, slices.length + place, `${field}.wraps[${place}]`));
  if (Object.hasOwn(identity, "proof_system") && identity["proof_system"] !== proofSystem) {
    throw new Misread("the identity names another proof system", "program.identity");
  }
  const found = digestOf(utf8(canonicalJson({ ...identity, proof_system: proofSystem })));
  if (digest !== found) refuse(`the identity hashes to ${found}, not to the digest given`, `${field}.digest`);
  if (named.length !== new Set(verifying).size) throw new Misread("only the files of a verifier belong into a bundle", "manifest.program.files");
  if (hasWraps) throw new Misread("what wraps need does not belong into a bundle", "manifest.program.wraps");
  return { digest: found, proofSystem, identity, files: digests, slices: slices.length };
}

function checkSlice(value: Json, position: number, field: string): void {
  const data = readObject(value, SLICE_MEMBERS, field);
  if (readInteger(data["index"], `${field}.index`) !== position) throw new Misread("slices are listed by their index, from 0", `${field}.index`);
  const dependsOn = readList(data["depends_on"], `${field}.depends_on`).map((one) => readInteger(one, `${field}.depends_on`));
  if (dependsOn.some((one) => one >= position)) throw new Misread("a slice depends on earlier slices only", `${field}.depends_on`);
  readInteger(data["units"], `${field}.units`, 1);
  readInteger(data["memory_bytes"], `${field}.memory_bytes`);
  readTexts(data["files"], `${field}.files`);
}

function jobOf(value: Json, field: string): BundleJob {
  const names = ["slice", "input", "proof", "public", "job_id", "operator", "prover", "round", "units", "price_buy", "price_sell", "paid"];
  const data = readObject(value, names, field);
  const round = readObject(data["round"], ["lane", "number", "transcript"], `${field}.round`);
  return {
    slice: Number(readInteger(data["slice"], `${field}.slice`)),
    input: Number(readInteger(data["input"], `${field}.input`)),
    proof: readDigest(data["proof"], `${field}.proof`),
    public: readMapping(data["public"], `${field}.public`),
    jobId: readUuid(data["job_id"], `${field}.job_id`),
    operator: readAddress(data["operator"], `${field}.operator`),
    prover: readText(data["prover"], `${field}.prover`),
    round: {
      lane: readText(round["lane"], `${field}.round.lane`),
      number: readInteger(round["number"], `${field}.round.number`),
      transcript: readDigest(round["transcript"], `${field}.round.transcript`),
    },
    units: readInteger(data["units"], `${field}.units`, 1),
    priceBuy: readInteger(data["price_buy"], `${field}.price_buy`),
    priceSell: readInteger(data["price_sell"], `${field}.price_sell`),
    paid: readInteger(data["paid"], `${field}.paid`),
  };
}

function checkManifest(manifest: Manifest): void {
  if (manifest.task.finishedMs < manifest.task.createdMs) {
    refuse("the task was finished before it was created", "manifest.task.finished_ms");
  }
  checkPlaces(manifest);
  if (new Set(manifest.jobs.map((job) => job.jobId)).size !== manifest.jobs.length) refuse("a job is listed twice", "manifest.jobs");
  manifest.jobs.forEach((job, place) => {
    const field = `manifest.jobs[${place}]`;
    if (!job.prover.startsWith(`${job.operator}/`)) refuse("the prover is not one of the operator", `${field}.prover`);
    if (job.priceSell > job.priceBuy) refuse("the operator got more per unit than the client was charged", `${field}.price_sell`);
    if (BigInt(job.paid) !== BigInt(job.priceSell) * BigInt(job.units)) refuse("what was paid is not price times units", `${field}.paid`);
  });
}

function checkPlaces(manifest: Manifest): void {
  const { jobs, program } = manifest;
  if (manifest.wrapped !== undefined) {
    if (jobs.length !== 1 || (jobs[0] as BundleJob).slice < program.slices) {
      refuse("expected the one job whose proof is of all others", "manifest.jobs");
    }
    return;
  }
  const isWhole = jobs.length > 0 && jobs.length % program.slices === 0;
  const inOrder = jobs.every((job, place) => job.input === Math.floor(place / program.slices) && job.slice === place % program.slices);
  if (!isWhole || !inOrder) refuse("expected one job for each input and slice, in this order", "manifest.jobs");
}
