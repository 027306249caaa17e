// Verifies a bundle offline, all but the proofs in it: `node verify.mjs FILE [PROGRAM [NETWORK]]`.
import { readFile } from "node:fs/promises";
import { BadBundle, verifyBundle } from "@proofgrid/client";

const [file, program, network] = process.argv.slice(2);
try {
  const report = verifyBundle(await readFile(file), { ...(program && { program }), ...(network && { network }) });
  console.log(report.checks.join("\n"));
} catch (error) {
  if (!(error instanceof BadBundle)) throw error;
  console.error(`NOT VALID: ${error.message}`);
  process.exitCode = 1;
}
