// Registers a program, has one input proven, and keeps the bundle: `node prove.mjs`.
import { writeFile } from "node:fs/promises";
import { Proofgrid, signedTokens } from "@proofgrid/client";
import { fileOf, keyFile } from "@proofgrid/client/node";

const client = new Proofgrid({
  gateways: ["http://127.0.0.1:7480"],
  auth: signedTokens(await keyFile("me.key")),
});

const program = await client.programs.register({
  proofSystem: "miden",
  source: { masm: await fileOf("sum.masm") },
  settings: { cycles_max: 1024 },
});

const { bundle, report } = await client.prove(
  { program_digest: program.digest, inputs: [{ stack: [3, 4] }], limit_price: 2000 },
  { onEvent: (event) => console.log(event.cursor, event.kind) },
);

await writeFile("answer.bundle", bundle);
console.log(report.checks.join("\n"));
