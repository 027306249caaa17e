"use strict";
// A round, from its orders to its record: the same rules as rules/market, file by file, for who wants to see it happen.
// Numbers are BigInt: a price may be any up to 2^63-1. A test runs rounds through this and through Python.

const Rounds = (() => {
  const { bytesOf, joined, sha256, utf8, writeJson } = Hashes;
  const PRICE_MAX = 2n ** 63n - 1n;
  const VERSIONS = [3n, 4n];
  const least = (...all) => all.reduce((a, b) => (a < b ? a : b));
  const most = (...all) => all.reduce((a, b) => (a > b ? a : b));
  const total = (all) => all.reduce((a, b) => a + b, 0n);
  const by = (...keys) => (a, b) => {
    for (const key of keys) {
      const [one, other] = [key(a), key(b)];
      if (one !== other) return one < other ? -1 : 1;
    }
    return 0;
  };
  const isWide = (lane) => lane.split("/").length === 3;
  const map = (values) => new Map(Object.entries(values));

  // round_reading.py
  const readDemand = (bid) => ({
    id: bid.get("task_id"), limit: bid.get("limit_price"), program: bid.get("program_digest"), share: bid.get("share"),
    jobs: bid.get("jobs").map((job) => ({
      id: job.get("job_id"), units: job.get("units"), excluded: new Set(job.get("excluded")),
    })),
  });
  const readSupply = (ask) => ({
    id: ask.get("prover_id"), operator: ask.get("operator"), ask: ask.get("ask_price"), slots: ask.get("free_slots"),
    bucket: ask.get("reputation_bucket"), programs: new Set(ask.get("cached_programs")),
  });

  function readInputs(record) {
    if (record.get("format") !== "proofgrid/round" || !VERSIONS.includes(record.get("version"))) {
      throw new Error("this page replays records of versions 3 and 4; the command replays all");
    }
    const parameters = record.get("parameters"), counted = record.get("counted");
    return {
      lane: record.get("lane"), number: record.get("number"), previous: record.get("previous"),
      beacon: record.get("beacon"), draw: record.get("draw"), reference: parameters.get("reference"),
      anchor: parameters.get("anchor"), backed: parameters.get("backed"),
      demands: ["bids", "idle_bids"].flatMap((group) => record.get(group).map(readDemand)),
      supplies: ["asks", "absent", "idle_asks"].flatMap((group) => record.get(group).map(readSupply)),
      counted: counted ? { prices: counted.get("prices"), programs: new Set(counted.get("programs")) } : NOTHING,
    };
  }
  const NOTHING = { prices: [], programs: new Set() };
  const countedTotal = (counted) => total(counted.prices.map(([, bids]) => bids));

  // rank.py: the lots of all orders, by SHA-256 over the beacon and an id
  function lots(beacon) {
    const bytes = bytesOf(beacon), known = new Map();
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, bytes.length);
    return (id) => {
      if (!known.has(id)) known.set(id, sha256(joined(size, bytes, utf8(id))));
      return known.get(id);
    };
  }
  const places = (orders, ...keys) => new Map([...orders].sort(by(...keys, (one) => one.id)).map((one, i) => [one.id, BigInt(i)]));

  // exclusion.py: who meets whom, and who sits out
  function jobsFor(demands, supplies) {
    const here = supplies.map((one) => one.id), found = new Map();
    for (const demand of here.length ? demands : []) {
      const jobs = demand.jobs.filter((job) => here.some((id) => !job.excluded.has(id)));
      if (jobs.length) found.set(demand.id, jobs);
    }
    return found;
  }
  function jobCounts(demands, others) {
    const jobs = demands.flatMap((demand) => demand.jobs);
    return (id) => others + BigInt(jobs.filter((job) => !job.excluded.has(id)).length);
  }
  function sittingOut(jobs, supplies, lot) {
    if (parseInt(lot("sit out").at(-1), 16) % 4) return new Set();
    const slots = new Map(supplies.map((one) => [one.id, one.slots]));
    const hindered = [...jobs.keys()].filter((id) => [...jobs.get(id)[0].excluded].some((one) => slots.has(one)));
    if (!hindered.length) return new Set();
    const chosen = hindered.sort(by(lot))[0];
    const excluded = [...jobs.get(chosen)[0].excluded].filter((one) => slots.has(one)).sort(by((id) => lot(`${id} sits out`)));
    const share = BigInt(`0x${lot("share").slice(0, 16)}`), out = new Set();
    let left = total([...slots.values()]);
    for (const id of excluded) {
      const parts = slots.get(id) * 8n;
      if (parts > left) {
        if ((share * parts) >> 64n < left) out.add(id);
        break;
      }
      left -= parts;
      out.add(id);
    }
    return out;
  }
  function meeting(demands, supplies, countedBids) {
    const jobs = jobsFor(demands, supplies), served = demands.filter((one) => jobs.has(one.id));
    const counted = supplies.length ? countedBids : NOTHING;
    const mayRun = jobCounts(served, countedTotal(counted));
    return { demands: served, supplies: supplies.filter((one) => mayRun(one.id)), jobs, mayRun, counted };
  }

  // orders.py and round_orders.py
  const priceLimits = (reference) => reference === null ? [0n, PRICE_MAX] : [reference / 4n, least(4n * reference, PRICE_MAX)];
  function rulesOf(inputs, sellers, floor, ceil) {
    return {
      floor, ceil, reference: inputs.reference, low: sellers < 2 ? [1n, 1n] : [4n, 5n],
      high: sellers < 2 ? [1n, 1n] : [5n, 4n], share: sellers >= 4 ? [1n, 2n] : [1n, 1n],
    };
  }
  function ordersOf(inputs) {
    const lot = lots(inputs.beacon);
    const [floor, ceil] = priceLimits(isWide(inputs.lane) || inputs.anchor === null ? inputs.reference : inputs.anchor);
    const isAdmitted = (price) => floor <= least(ceil, price);
    const demands = inputs.demands.filter((one) => isAdmitted(one.limit)).sort(by((one) => one.id));
    const offered = inputs.supplies.filter((one) => one.slots && one.ask <= ceil).sort(by((one) => one.id));
    const prices = inputs.counted.prices.filter(([price]) => isAdmitted(price));
    const counted = prices.length ? { prices, programs: inputs.counted.programs } : NOTHING;
    const able = meeting(demands, offered, counted), out = sittingOut(able.jobs, able.supplies, lot);
    const met = out.size ? meeting(able.demands, able.supplies.filter((one) => !out.has(one.id)), counted) : able;

    const demanded = new Set([...met.demands.map((one) => one.program), ...met.counted.programs]);
    const holds = (supply) => [...supply.programs].some((program) => demanded.has(program));
    const askRanks = places(met.supplies, (one) => one.bucket, (one) => !holds(one), (one) => lot(one.id));
    const asks = met.supplies.map((one) => (
      { id: one.id, units: least(one.slots, met.mayRun(one.id)), price: one.ask, rank: askRanks.get(one.id) }
    ));
    const half = Number(most(1n, total(asks.map((one) => one.units)) / 2n));
    const covered = new Map([...met.jobs].map(([id, jobs]) => (
      [id, jobs.slice(0, parseInt(lot(id).at(-1), 16) % 4 === 0 ? 1 : half)]
    )));
    const bidRanks = places(met.demands, (one) => one.share, (one) => lot(one.id));
    const bids = met.demands.map((one) => (
      { id: one.id, units: BigInt(covered.get(one.id).length), price: one.limit, rank: bidRanks.get(one.id) }
    ));
    const nameless = met.counted.prices.flatMap(([price, times]) => Array(Number(times)).fill(price)).map((price, i) => (
      { id: `counted ${i}`, units: 1n, price, rank: BigInt(bids.length + i) }
    ));
    const free = inputs.supplies.filter((one) => one.slots), everybody = jobCounts(inputs.demands, countedTotal(inputs.counted));
    const [here, could] = [new Set(met.supplies), new Set(able.supplies)];
    return {
      met, demanded, lot, covered, bids, asks, allBids: [...bids, ...nameless],
      absent: able.supplies.filter((one) => !here.has(one)),
      idleDemands: inputs.demands.filter((one) => !met.jobs.has(one.id)).sort(by((one) => one.id)),
      idleSupplies: inputs.supplies.filter((one) => !could.has(one)).sort(by((one) => one.id)),
      rules: rulesOf(inputs, new Set(met.supplies.map((one) => one.operator)).size, floor, ceil),
      isWanted: able.demands.length > 0 || jobsFor(demands, free).size > 0 || (free.length > 0 && counted.prices.length > 0),
      isOffered: able.supplies.length > 0 || offered.some((one) => everybody(one.id)),
    };
  }

  // dara.py; `watch` is told where the clocks stand after every turn
  function clear(bids, asks, rules, watch = () => {}) {
    const sellers = asks.filter((one) => one.price <= rules.ceil).sort(by((one) => one.price, (one) => one.rank));
    let supply = total(sellers.map((one) => one.units)), squares = total(sellers.map((one) => one.units ** 2n));
    const largest = rules.floor <= rules.ceil ? (supply * rules.share[0]) / rules.share[1] : 0n;
    const admitted = bids.filter((one) => one.price >= rules.floor && one.units <= largest);
    const buyers = [...admitted].sort(by((one) => -one.price, (one) => one.rank));
    const byUnits = [...admitted].sort(by((one) => one.units)), gone = new Set();
    let demand = total(buyers.map((one) => one.units));
    const spareAtStart = supply - demand;
    let [buy, sell] = [rules.floor, rules.ceil];
    const [low, high] = windowOf(rules, asks.length);

    const lose = (bid) => { if (!gone.has(bid)) { gone.add(bid); demand -= bid.units; } };
    const squeezeOut = () => { while (byUnits.length && byUnits.at(-1).units > supply) lose(byUnits.pop()); watch(buy, sell, demand, supply); };
    const raise = (stop) => {
      while (gone.has(buyers.at(-1))) buyers.pop();
      const lowest = buyers.at(-1);
      if (stop !== null && lowest.price >= stop) { buy = stop; return; }
      buy = lowest.price;
      lose(buyers.pop());
    };
    const lower = (stop) => {
      const highest = sellers.at(-1);
      if (highest.price <= stop) { sell = stop; return; }
      sell = highest.price;
      sellers.pop();
      supply -= highest.units;
      squares -= highest.units ** 2n;
    };
    squeezeOut();
    while (!(demand === 0n || (buy >= sell && demand <= supply))) {
      const spare = supply - demand;
      if (spare < 0n) raise(buy < sell ? sell : null);
      else if (spare * supply >= squares) lower(buy);
      else if (sell > most(high, buy)) lower(most(high, buy));
      else if (buy < least(low, sell)) raise(least(low, sell));
      else if (spare < spareAtStart) raise(sell);
      else lower(buy);
      squeezeOut();
    }
    return outcome(buyers.filter((one) => !gone.has(one)), sellers, demand, buy, sell);
  }
  function windowOf(rules, sellers) {
    if (rules.reference === null) return [0n, PRICE_MAX];
    if (sellers < 2) return [rules.reference, rules.reference];
    const top = rules.reference * rules.high[0];
    return [(rules.reference * rules.low[0]) / rules.low[1], (top + rules.high[1] - 1n) / rules.high[1]];
  }
  function outcome(winners, sellers, demand, buy, sell) {
    const bought = winners.sort(by((one) => one.rank)).map((one) => [one.id, one.units]);
    const sold = [], stillIn = [];
    let left = demand;
    for (const ask of sellers.sort(by((one) => one.rank))) {
      const units = least(ask.units, left);
      left -= units;
      if (units) sold.push([ask.id, units]);
      stillIn.push([ask.id, ask.units - units]);
    }
    const slices = [], line = sold.map(([id, units]) => [id, units]);
    for (const [buyer, wanted] of bought) {
      for (let needed = wanted; needed;) {
        const units = least(needed, line[0][1]);
        slices.push([buyer, line[0][0], units]);
        needed -= units;
        line[0][1] -= units;
        if (!line[0][1]) line.shift();
      }
    }
    return { buy, sell, bought, sold, stillIn, slices, surplus: bought.length ? (buy - sell) * demand : 0n };
  }

  // placement.py
  function place(orders, cleared) {
    const queue = cleared.bought.flatMap(([id]) => orders.covered.get(id).map((job) => ({ ...job, task: id })));
    const slots = new Map(orders.met.supplies.map((one) => [one.id, one.slots])), sold = new Map(cleared.sold);
    const line = cleared.stillIn.map(([id]) => ({ id, sold: sold.get(id) || 0n, room: slots.get(id) }));
    const lies = line.flatMap((one, place) => Array(Number(one.sold)).fill(place));
    const chosen = queue.map((job, i) => {
      if (job.excluded.has(line[lies[i]].id)) return null;
      line[lies[i]].room -= 1n;
      return lies[i];
    });
    queue.forEach((job, i) => {
      for (let step = 1; chosen[i] === null && step < line.length; step++) {
        const other = (lies[i] + step) % line.length;
        if (!line[other].room || job.excluded.has(line[other].id)) continue;
        line[other].room -= 1n;
        chosen[i] = other;
      }
    });
    return {
      placed: queue.flatMap((job, i) => chosen[i] === null ? [] : [[job.id, job.task, line[chosen[i]].id, job.units, cleared.sell]]),
      unsold: queue.filter((_, i) => chosen[i] === null).map((job) => job.id),
    };
  }

  // reference.py, and the last step of rounds.py
  const midPrice = (cleared) => (cleared.buy + cleared.sell) / 2n;
  function firstReference(cleared, bids, asks) {
    if (cleared.bought.length) return most(midPrice(cleared), 1n);
    if (!bids.length || !asks.length) return null;
    const [lowest, highest] = [least(...asks.map((one) => one.price)), most(...bids.map((one) => one.price))];
    return highest < lowest ? null : most((lowest + highest) / 2n, 1n);
  }
  function referenceAfter(reference, cleared, bids, asks, anchor, isQuiet) {
    if (reference === null) return anchor !== null && isQuiet ? anchor : firstReference(cleared, bids, asks);
    let wanted = reference;
    if (cleared.bought.length) wanted = midPrice(cleared);
    else if (bids.length && asks.length) {
      const [lowest, highest] = [least(...asks.map((one) => one.price)), most(...bids.map((one) => one.price))];
      if (lowest <= highest) wanted = least(most(reference, lowest), highest);
    } else if (isQuiet && anchor !== null) wanted = anchor;
    const step = most(1n, reference / 8n);
    return least(most(wanted, reference - step, 1n), reference + step, PRICE_MAX);
  }
  function following(inputs, orders, cleared) {
    const isOwn = inputs.anchor !== null && !isWide(inputs.lane);
    const isQuiet = !isOwn && !(inputs.backed || (orders.isWanted && orders.isOffered));
    const next = referenceAfter(inputs.reference, cleared, orders.allBids, orders.asks, inputs.anchor, isQuiet);
    return next === null || !isOwn ? next : least(most(next, orders.rules.floor, 1n), orders.rules.ceil);
  }

  // transcript.py
  const sorted = (texts) => [...texts].sort();
  const demandRecord = (one, more = {}) => map({
    jobs: one.jobs.map((job) => map({ excluded: sorted(job.excluded), job_id: job.id, units: job.units })),
    limit_price: one.limit, program_digest: one.program, share: one.share, task_id: one.id, ...more,
  });
  function recordOf(inputs, orders, cleared, placing, next) {
    const ranked = (order) => ({ rank: order.rank, rank_hash: orders.lot(order.id), slots: order.units });
    const supplyRecord = (one, more = {}) => map({
      ask_price: one.ask, cached_programs: sorted(one.programs).filter((program) => orders.demanded.has(program)),
      free_slots: one.slots, operator: one.operator, prover_id: one.id, reputation_bucket: one.bucket, ...more,
    });
    const { demands, supplies } = orders.met, isCounted = inputs.counted.prices.length > 0;
    const header = {
      format: "proofgrid/round", version: isCounted ? 4n : 3n, lane: inputs.lane, number: inputs.number,
      previous: inputs.previous, beacon: inputs.beacon,
    };
    const { reference, anchor, backed } = inputs, rules = orders.rules;
    const others = {
      absent: orders.absent.map((one) => supplyRecord(one)), draw: inputs.draw,
      idle_asks: orders.idleSupplies.map((one) => supplyRecord(one)),
      idle_bids: orders.idleDemands.map((one) => demandRecord(one)),
      ...(isCounted && { counted: map({ prices: inputs.counted.prices, programs: sorted(inputs.counted.programs) }) }),
    };
    const sealed = {
      ...header, reference, anchor, backed, ...others,
      demands: demands.map((one) => demandRecord(one)), supplies: supplies.map((one) => supplyRecord(one)),
    };
    return map({
      ...header, ...others, next_reference: next, input_digest: sha256(utf8(writeJson(map(sealed)))),
      parameters: map({
        floor: rules.floor, ceil: rules.ceil, reference, anchor, backed, window_low: rules.low, window_high: rules.high,
        share: rules.share, cover: [1n, 2n], one_job_in: 4n,
      }),
      bids: demands.map((one, i) => demandRecord(one, {
        covered: orders.covered.get(one.id).map((job) => job.id), ...ranked(orders.bids[i]),
      })),
      asks: supplies.map((one, i) => supplyRecord(one, ranked(orders.asks[i]))),
      result: map({
        buy_price: cleared.buy, sell_price: cleared.sell, bought: cleared.bought, sold: cleared.sold,
        still_in: cleared.stillIn, slices: cleared.slices, placements: placing.placed, unsold_jobs: placing.unsold,
        surplus: total(placing.placed.map((one) => (cleared.buy - cleared.sell) * one[3])),
      }),
    });
  }

  // rounds.py: the record that these orders give, and where the clocks stood
  function run(record) {
    const inputs = readInputs(record), orders = ordersOf(inputs), turns = [];
    const cleared = clear(orders.allBids, orders.asks, orders.rules, (...turn) => turns.push(turn));
    const placing = place(orders, cleared);
    return { record: recordOf(inputs, orders, cleared, placing, following(inputs, orders, cleared)), cleared, turns };
  }

  // Where two records differ first, like result.sold[2]; null where they do not.
  function difference(one, other, path = "") {
    if (one instanceof Map && other instanceof Map) {
      const names = [...new Set([...other.keys(), ...one.keys()])];
      return names.reduce((found, name) => found || (one.has(name) && other.has(name)
        ? difference(one.get(name), other.get(name), path ? `${path}.${name}` : name) : `${path ? `${path}.` : ""}${name}`), null);
    }
    if (Array.isArray(one) && Array.isArray(other)) {
      for (let i = 0; i < Math.max(one.length, other.length); i++) {
        const found = i < Math.min(one.length, other.length) ? difference(one[i], other[i], `${path}[${i}]`) : `${path}[${i}]`;
        if (found) return found;
      }
      return null;
    }
    return one === other ? null : path || "record";
  }

  return { clear, difference, run };
})();
