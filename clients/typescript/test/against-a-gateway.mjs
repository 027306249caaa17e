// What tests/acceptance/test_typescript_client.py runs on the packed client against a real gateway, which dies meanwhile.
// It says on standard output how far it is, a line of JSON each, and goes on at a line of standard input.
import { createInterface } from "node:readline";
import { NotAllowed, NotFound, Proofgrid, apiKey, hasCode, privateKey, signedTokens, verifyBundle } from "@proofgrid/client";
import { fileOf, keyFile } from "@proofgrid/client/node";
import { checkedRecipient, recipientsOf, sealRequest } from "@proofgrid/client/sealing";

const { gateway, dead, key, source, receiver, program, recipient } = JSON.parse(process.argv[2]);
const say = (what) => console.log(JSON.stringify(what));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const all = async (list) => {
  const found = [];
  for await (const one of list) found.push(one);
  return found;
};

const signer = await keyFile(key);
// The first one is nobody: whatever is asked goes on at the second.
const client = new Proofgrid({ gateways: [dead, gateway], auth: signedTokens(signer) });

let uploaded = 0;
const registered = await client.programs.register(
  { proofSystem: "toy", source: { model: await fileOf(source) }, settings: program },
  { onUpload: (_, sent) => (uploaded = sent) },
);
const hook = await client.webhooks.make(receiver, ["accepted", "done"]);
say({ step: "registered", digest: registered.digest, uploaded, hook: hook.webhook, secret: hook.secret });
await lines.next(); // the receiver has the key

const quote = await client.quotes.get({ program_digest: registered.digest, inputs: ["seven"] });
const task = await client.tasks.submit({ program_digest: registered.digest, inputs: ["seven"], limit_price: 1500, idempotency_key: "one" });
const again = await client.tasks.submit({ program_digest: registered.digest, inputs: ["seven"], limit_price: 1500, idempotency_key: "one" });
const events = [];
for await (const event of client.tasks.watch(task.task_id)) {
  if (event.cursor > 0) events.push([event.cursor, event.kind]);
  if (event.kind === "accepted") say({ step: "accepted", task: task.task_id, again: again.task_id }); // and now it is killed
}
const done = await client.tasks.wait(task.task_id);
const bundle = await client.tasks.bundle(task.task_id);
const network = (await client.network()).address;
const report = verifyBundle(bundle, { program: registered.digest, network });
const part = await client.tasks.bundleFile(task.task_id, "manifest.json");
say({ step: "done", events, state: done.state, network, checks: report.checks, digest: report.digest, told: done.bundle_digest, units: quote.units, part: part.length });

const other = verifyRefusal(bundle);
const statement = await client.money.statement();
const account = await client.money.account();
const csv = await client.money.statementCsv();
const rounds = await all(client.market.rounds({ lane: report.manifest.jobs[0].round.lane }));
const record = await all(client.market.record({ lane: report.manifest.jobs[0].round.lane }));
const programs = await all(client.programs.list());
const tasks = await all(client.tasks.list({ state: "done" }));

// A server's key, which may look and nothing else.
const made = await client.apiKeys.make({ label: "reader", scopes: ["tasks:read"] });
const reader = new Proofgrid({ gateways: gateway, auth: apiKey(made.secret) });
const seen = await reader.tasks.get(task.task_id);
const refusal = await reader.tasks.cancel(task.task_id).then(
  () => "nothing",
  (error) => (error instanceof NotAllowed ? error.code : String(error)),
);
const missing = await client.tasks.get("00000000-0000-7000-8000-000000000000").then(
  () => false,
  (error) => error instanceof NotFound && hasCode(error, "PG-132"),
);

// As a browser does.
const visitor = new Proofgrid({ gateways: gateway });
const session = await visitor.signIn(signer);
const mine = await visitor.money.account();
const resumed = await visitor.resume();
await visitor.signOut();
const after = await visitor.money.account().then(
  () => 0,
  (error) => error.status,
);

// Sealing needs no gateway: whoever started this opens it.
const terms = { network, client: signer.address, program: registered.digest, idempotencyKey: "sealed" };
const prepared = { statement: { s: 1 }, inputs: 1, jobs: [{ slice: 0, input: 0, content: new TextEncoder().encode("secret"), facts: { f: 2 } }] };
const sealed = await sealRequest(prepared, [checkedRecipient(recipient, network, Date.now())], terms);
const recipients = await recipientsOf(client, registered.digest);

say({
  step: "over",
  sealed,
  terms,
  recipients: recipients.map((one) => one.prover),
  other,
  balances: [statement.closing.balance, account.balance, mine.balance],
  csv: csv.split("\r\n").length - 4 === statement.movements.length,
  rounds: rounds.length,
  record: record.length,
  programs: programs.map((one) => one.digest),
  tasks: tasks.map((one) => one.task_id),
  reader: seen.task_id,
  refusal,
  missing,
  session: [session.address, resumed.address, after],
  keys: (await client.keys()) === undefined,
  deliveries: await delivered(),
  tested: (await client.webhooks.test(hook.webhook.endpoint_id)).delivered,
});
process.exit(0);

function verifyRefusal(content) {
  try {
    verifyBundle(content, { network: privateKey(`0x${"01".repeat(32)}`).address });
    return "";
  } catch (error) {
    return `${error.code} ${error.field}`;
  }
}

async function delivered() {
  for (;;) {
    const sent = await all(client.webhooks.deliveries(hook.webhook.endpoint_id));
    if (sent.length >= 2 && sent.every((one) => one.state === "delivered")) return sent.map((one) => one.kind).sort();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
