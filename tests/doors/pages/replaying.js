// Asked line by line on its input, answers line by line: what the scripts of the pages make of a round, and of hashes.
"use strict";
const { readFileSync } = require("node:fs");
const { createInterface } = require("node:readline");
const { runInThisContext } = require("node:vm");

for (const path of process.argv.slice(2)) runInThisContext(readFileSync(path, "utf8"), { filename: path });
const { Hashes, Rounds } = runInThisContext("({ Hashes, Rounds })");

const plain = (order) => ({ id: order.get("id"), units: order.get("units"), price: order.get("price"), rank: order.get("rank") });
const ANSWERS = {
  round: (record) => Rounds.run(record).record,
  difference: (record) => Rounds.difference(record, Rounds.run(record).record),
  hash: (text) => ["sha256", "keccak256"].map((name) => Hashes[name](Hashes.bytesOf(text))),
  signer: ([message, signature]) => Hashes.signerOf(Hashes.bytesOf(message), signature),
  same: (value) => value,
  clear: (asked) => {
    const rules = Object.fromEntries(asked.get("rules"));
    const found = Rounds.clear(asked.get("bids").map(plain), asked.get("asks").map(plain), rules);
    return [found.buy, found.sell, found.bought, found.sold, found.stillIn, found.slices, found.surplus];
  },
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const [what, value] = Hashes.readJson(line);
  process.stdout.write(`${Hashes.writeJson(ANSWERS[what](value))}\n`);
});
