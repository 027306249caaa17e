// Compiles src/*.sol and writes one JSON of ABI and bytecode per contract into the folder named on the command line.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
const sources = {};
for (const name of readdirSync(join(here, "src")).sort()) {
  sources[`src/${name}`] = { content: readFileSync(join(here, "src", name), "utf8") };
}
const settings = {
  evmVersion: "cancun",
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};
const found = (path) => ({ contents: readFileSync(join(here, "node_modules", path), "utf8") });
const made = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings }), { import: found }));
// Warnings of libraries are theirs.
const ours = (made.errors ?? []).filter((one) => one.severity === "error" || one.sourceLocation?.file.startsWith("src/"));
for (const one of ours) console.error(one.formattedMessage);
if (ours.length > 0) process.exit(1);
mkdirSync(out, { recursive: true });
for (const path of Object.keys(sources)) {
  for (const [name, { abi, evm }] of Object.entries(made.contracts[path] ?? {})) {
    const bytecode = evm.bytecode.object;
    if (bytecode !== "") writeFileSync(join(out, `${name}.json`), JSON.stringify({ contract: name, abi, bytecode }, null, 1) + "\n");
  }
}
