"use strict";
// Holds a round again in this browser, out of its public record alone, and says what is equal and what is not.

(() => {
  const section = document.getElementById("replay");
  const button = section.querySelector("button");
  const told = section.querySelector("[role=status]");

  function line(isRight, text) {
    const item = document.createElement("li");
    item.className = isRight ? "state state-done" : "state state-failed";
    item.textContent = text;
    return item;
  }

  const short = (address) => `${address.slice(0, 6)}…${address.slice(-4)}`;

  const perMillion = (price) => {
    const thousandths = price.toString().padStart(4, "0");
    return `${thousandths.slice(0, -3)}.${thousandths.slice(-3)}`.replace(/\.?0+$/, "");
  };

  function clocks(turns) {
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const name of ["Turn", "Buyers’ clock", "Sellers’ clock", "Wanted", "Offered"]) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = name;
      head.append(cell);
    }
    const body = table.createTBody();
    turns.slice(-200).forEach(([buy, sell, demand, supply], place) => {
      const row = body.insertRow();
      const number = Math.max(0, turns.length - 200) + place;
      for (const text of [number, perMillion(buy), perMillion(sell), demand, supply]) row.insertCell().textContent = text;
    });
    const scroll = document.createElement("div");
    scroll.className = "scroll";
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "Where the clocks stood");
    scroll.append(table);
    const details = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = "Where the clocks stood, turn by turn";
    details.append(summary, scroll);
    return details;
  }

  function checked(text, { hash, signature, signers, buy, sell }) {
    const digest = Hashes.sha256(Hashes.utf8(text));
    const signer = Hashes.signerOf(Hashes.bytesOf(digest), signature);
    const record = Hashes.readJson(text), replayed = Rounds.run(record);
    const where = Rounds.difference(record, replayed.record);
    const isShown = String(replayed.cleared.buy) === buy && String(replayed.cleared.sell) === sell;
    return [replayed, [
      line(digest === hash, digest === hash ? "The record has the digest that was published." : `The record’s digest is ${digest}.`),
      signers.split(" ").includes(signer)
        ? line(true, `${short(signer)} signed it, which speaks for this network’s rounds.`)
        : line(false, signer ? `${signer} signed it, which does not speak for this network.` : "Nobody signed it."),
      line(where === null, where === null ? "Its orders, cleared again here, give every field of it." : `Cleared again here, ${where} is another.`),
      line(isShown, isShown ? "They give the prices that this page shows." : "They give other prices than this page shows."),
    ]];
  }

  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    told.textContent = "Reading the record…";
    try {
      const answer = await fetch(section.dataset.record, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(`the gateway says ${answer.status}`);
      const [replayed, lines] = checked(await answer.text(), section.dataset);
      const list = document.createElement("ul");
      list.className = "plainlist";
      list.append(...lines);
      const { bought } = replayed.cleared;
      const end = document.createElement("p");
      end.textContent = bought.length
        ? `The clocks met after ${replayed.turns.length - 1} turns: clients pay ${perMillion(replayed.cleared.buy)}, operators get ${perMillion(replayed.cleared.sell)} per million PU.`
        : `Nobody trades: the clocks stood still after ${replayed.turns.length - 1} turns.`;
      told.replaceChildren(list, end, clocks(replayed.turns));
    } catch (error) {
      told.replaceChildren(line(false, `That did not work: ${error.message}.`));
    }
    button.disabled = false;
  });
})();
