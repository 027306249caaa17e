// Writes src/openapi.ts anew out of the HTTP door's document: `npm run types`, or `python -m tools.openapi`, which also
// writes the document. Refusals are left out: each of them is a problem, which src/errors.ts makes an error of.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../../src/proofgrid/doors/http/openapi.json", import.meta.url);
const target = new URL("../src/openapi.ts", import.meta.url);
const text = readFileSync(source);
const document = JSON.parse(text);
for (const verbs of Object.values(document.paths)) {
  for (const operation of Object.values(verbs)) {
    if (operation.responses === undefined) continue;
    operation.responses = Object.fromEntries(Object.entries(operation.responses).filter(([status]) => status < "300"));
  }
}
const types = astToString(await openapiTS(document, { alphabetize: false }));
const head = `// Made by \`npm run types\`; do not edit.\n// SHA-256 of openapi.json: ${createHash("sha256").update(text).digest("hex")}\n\n`;
writeFileSync(target, head + types);
