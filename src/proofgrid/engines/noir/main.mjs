// The engine of Noir: one process, one request, one answer.
//
//   node main.mjs COMMAND   a request in JSON on standard input, its files named by their paths
//                           an answer in JSON on standard output
//
// What a client made is refused in the answer ({"refused": {"field", "rule"}}), with exit status 0. Any other status is
// the engine's own trouble. Nothing is fetched, nothing outside the request is read, and no value of a witness is printed.
import { readFileSync, writeSync } from "node:fs";

import { Refused } from "./refused.mjs";

// Counts the forms of requests and answers; a host refuses an engine that speaks another.
const PROTOCOL = 1;
const REQUEST_BYTES_MAX = 256 << 20;

const commands = {
  describe: async () => {
    const { versions } = await import("./versions.mjs");
    return { ...versions(), protocol: PROTOCOL };
  },
  compile: async (request) => (await import("./compile.mjs")).compile(request),
  execute: async (request) => (await import("./execute.mjs")).execute(request),
};

async function answer(name, content) {
  try {
    return await commands[name](name === "describe" ? {} : JSON.parse(content));
  } catch (reason) {
    if (reason instanceof Refused) return { refused: { field: reason.field, rule: reason.message } };
    throw reason;
  }
}

async function run(name) {
  if (!Object.hasOwn(commands, name ?? "")) throw new Error(`usage: node main.mjs COMMAND < request.json; protocol ${PROTOCOL}`);
  const content = name === "describe" ? "" : readFileSync(0);
  if (content.length > REQUEST_BYTES_MAX) throw new Error(`a request has at most ${REQUEST_BYTES_MAX} bytes`);
  return JSON.stringify(await answer(name, content));
}

function write(text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

// The libraries print what they do, and would ask GitHub for what a package depends on.
for (const level of ["log", "info", "warn", "error", "debug", "trace"]) console[level] = () => {};
globalThis.fetch = () => Promise.reject(new Error("nothing is fetched"));

run(process.argv[2]).then(
  (text) => {
    write(text);
    process.exit(0);
  },
  (reason) => {
    writeSync(2, `${reason?.message ?? reason}\n`.slice(0, 2000));
    process.exit(1);
  },
);
