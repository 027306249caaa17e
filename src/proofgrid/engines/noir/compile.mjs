// Noir packages become circuits. A package's files are given as texts; the compiler sees them, and no disk.
import { posix } from "node:path";

import { compile_program, createFileManager } from "@noir-lang/noir_wasm";

import { Refused } from "./refused.mjs";

const ROOT = "/package";
const SAID_MAX = 1500;

// files: path -> text, of a whole tree; folder: where the package to compile lies in it.
export async function compile({ files, folder }) {
  const tree = new Map(Object.entries(files).map(([path, text]) => [posix.join(ROOT, path), text]));
  const manager = new (createFileManager(ROOT).constructor)(inMemory(tree), ROOT);
  let made;
  try {
    made = await compile_program(manager, posix.join(ROOT, folder), () => {}, () => {});
  } catch (reason) {
    throw new Refused("source.package", `it does not compile: ${said(reason)}`);
  }
  const { abi, bytecode, noir_version, debug_symbols, file_map } = made.program;
  return { abi, bytecode, noir_version, debug_symbols, file_map: relative(file_map) };
}

function said(reason) {
  const text = reason?.message ?? String(reason);
  return text.replaceAll(`${ROOT}/`, "").replaceAll(":-1: ", ": ").replace(/\s*\n\s*/g, "; ").trim().slice(0, SAID_MAX);
}

function relative(fileMap) {
  const named = ([number, { path, ...rest }]) => [number, { path: path.replace(`${ROOT}/`, ""), ...rest }];
  return Object.fromEntries(Object.entries(fileMap).map(named));
}

// What the compiler asks of a disk, answered from memory; nothing is ever written.
function inMemory(tree) {
  const refuse = async () => {
    throw new Error("a package is not written to");
  };
  const read = async (path, encoding) => {
    if (!tree.has(path)) throw new Error(`there is no ${path}`);
    return encoding ? tree.get(path) : Buffer.from(tree.get(path));
  };
  return {
    existsSync: (path) => tree.has(path),
    readFile: read,
    readdir: async (folder) => [...tree.keys()].filter((path) => path.startsWith(`${folder}/`)),
    mkdir: refuse,
    writeFile: refuse,
    rename: refuse,
  };
}
