// Compiles a contract, deploys it into an EVM of its own if it is called, and calls it: {source, contract, calls} in,
// {code, answers} out.
// An answer is {returned, gas}; `returned` is null where the call reverts.
import { readFileSync } from "node:fs";
import { createEVM } from "@ethereumjs/evm";
import solc from "solc";

const GAS = 30_000_000n;
const { source, contract, calls } = JSON.parse(readFileSync(0, "utf8"));
const settings = { optimizer: { enabled: true, runs: 1 }, outputSelection: { "*": { "*": ["evm.bytecode.object"] } } };
const input = { language: "Solidity", sources: { "it.sol": { content: source } }, settings };
const made = JSON.parse(solc.compile(JSON.stringify(input)));
const wrong = (made.errors ?? []).filter((one) => one.severity === "error");
if (wrong.length > 0) throw new Error(wrong.map((one) => one.formattedMessage).join("\n"));

const bytes = (hex) => Uint8Array.from(Buffer.from(hex.replace(/^0x/, ""), "hex"));
const code = made.contracts["it.sol"][contract].evm.bytecode.object;
const answers = [];
if (calls.length > 0) {
  const evm = await createEVM({ allowUnlimitedContractSize: true });
  const deployed = await evm.runCall({ data: bytes(code), gasLimit: GAS });
  if (deployed.execResult.exceptionError) throw new Error(`not deployed: ${deployed.execResult.exceptionError.error}`);
  for (const call of calls) answers.push(await answerOf(evm, deployed.createdAddress, call));
}
process.stdout.write(JSON.stringify({ code: `0x${code}`, answers }));

async function answerOf(evm, to, call) {
  const { execResult } = await evm.runCall({ to, data: bytes(call), gasLimit: GAS });
  const returned = execResult.exceptionError ? null : "0x" + Buffer.from(execResult.returnValue).toString("hex");
  return { returned, gas: Number(execResult.executionGasUsed) };
}
