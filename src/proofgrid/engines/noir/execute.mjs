// Circuits are run: out of the field elements that go in come those that come out, and the whole witness as a file.
import { readFileSync, writeFileSync } from "node:fs";

import { acvm } from "@noir-lang/noir_js";

import { extractCallStack, parseDebugSymbols } from "./node_modules/@noir-lang/noir_js/lib/debug.mjs";
import { Refused } from "./refused.mjs";

const SAID_MAX = 300;

// circuit: the path of a compiled circuit; locations: of what its compiler knew of its sources, or null;
// rows: the parameters of each execution in hex, one after the other; returned: how many elements it returns;
// witness: where to write the first row's witness, or null.
export async function execute({ circuit, locations, rows, returned, witness }) {
  const { abi, bytecode } = JSON.parse(readFileSync(circuit));
  const program = Buffer.from(bytecode, "base64");
  const known = locations ? JSON.parse(readFileSync(locations)) : undefined;
  const outcomes = [];
  for (const [at, fields] of rows.entries()) {
    try {
      outcomes.push(await outcome(program, fields, returned, at === 0 ? witness : null));
    } catch (reason) {
      outcomes.push({ refused: { field: "inputs", rule: complaint(abi, known, reason) } });
    }
  }
  return { outcomes };
}

async function outcome(program, fields, returned, witness) {
  const stack = await acvm.executeProgram(program, new Map(fields.map((value, index) => [index, value])), noOracles);
  const main = stack.at(-1).witness;
  if (witness) writeFileSync(witness, acvm.compressWitnessStack(stack));
  const shown = [...acvm.getPublicWitness(program, main).entries()].sort(([one], [other]) => one - other);
  const at = (index) => {
    if (!main.has(index)) throw new Refused("inputs", "the program's ABI is not that of its circuit");
    return main.get(index);
  };
  return {
    returned: Array.from({ length: returned }, (_, index) => at(fields.length + index)),
    public: shown.map(([, value]) => value),
  };
}

// A program may print, which nobody hears; whatever else it asks would be told it by its prover alone.
async function noOracles(name) {
  if (name === "print") return [];
  throw new Refused("inputs", `the program asks an oracle, ${name.slice(0, 80)}, which nobody answers here`);
}

// What an assertion's own text says; texts that are formatted hold values of the witness and are not told.
function complaint(abi, known, reason) {
  if (reason instanceof Refused) return reason.message;
  const kind = abi.error_types?.[reason?.rawAssertionPayload?.selector];
  const place = placeOf(known, reason);
  if (kind?.error_kind === "string") return `the program refuses it: ${String(kind.string).slice(0, SAID_MAX)}${place}`;
  return `a constraint of the program fails${place}`;
}

function placeOf(known, reason) {
  try {
    const symbols = parseDebugSymbols(known.debug_symbols)[reason.acirFunctionId ?? 0];
    const calls = extractCallStack(reason, symbols, known.file_map).filter((one) => typeof one !== "string");
    const own = calls.findLast(({ filePath }) => !filePath.startsWith("std/")) ?? calls.at(-1);
    return own ? ` (${own.filePath.slice(-100)}, line ${own.line})` : "";
  } catch {
    return "";
  }
}
