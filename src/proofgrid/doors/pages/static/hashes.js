"use strict";
// What a signed record of a round is checked with: whole numbers of any size in JSON, SHA-256, Keccak-256, secp256k1.
// A page over plain HTTP has no crypto.subtle, and no browser knows the last two, so they are written out; none of it
// handles a secret, so none of it needs to take the same time for every input.

const Hashes = (() => {
  const hex = (bytes) => Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
  const bytesOf = (digits) => Uint8Array.from(digits.match(/../g) || [], (one) => parseInt(one, 16));
  const utf8 = (text) => new TextEncoder().encode(text);
  const big = (bytes) => BigInt(`0x${hex(bytes) || "0"}`);

  function joined(...parts) {
    const whole = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
    let at = 0;
    for (const part of parts) { whole.set(part, at); at += part.length; }
    return whole;
  }

  // SHA-256 (FIPS 180-4): the constants are the first 32 bits of roots of the first primes.
  const PRIMES = [];
  for (let one = 2; PRIMES.length < 64; one++) if (PRIMES.every((prime) => one % prime)) PRIMES.push(one);
  const rootBits = (prime, power) => { // floor(prime^(1/power) * 2^32) mod 2^32, exactly
    const wanted = BigInt(prime) << BigInt(32 * power);
    let low = 0n, high = 1n << 40n;
    while (low < high) {
      const middle = (low + high + 1n) >> 1n;
      if (middle ** BigInt(power) <= wanted) low = middle; else high = middle - 1n;
    }
    return Number(low & 0xffffffffn);
  };
  const ROUND = PRIMES.map((prime) => rootBits(prime, 3));
  const START = PRIMES.slice(0, 8).map((prime) => rootBits(prime, 2));

  function padded(bytes, last, block, lengthBytes) {
    const size = Math.ceil((bytes.length + 1 + lengthBytes) / block) * block;
    const whole = new Uint8Array(size);
    whole.set(bytes);
    whole[bytes.length] = last;
    return whole;
  }

  function sha256(bytes) {
    const whole = padded(bytes, 0x80, 64, 8);
    const view = new DataView(whole.buffer);
    view.setUint32(whole.length - 8, Math.floor(bytes.length / 0x20000000));
    view.setUint32(whole.length - 4, (bytes.length * 8) >>> 0);
    const state = Uint32Array.from(START), words = new Uint32Array(64);
    const turned = (word, by) => (word >>> by) | (word << (32 - by));
    for (let at = 0; at < whole.length; at += 64) {
      for (let i = 0; i < 16; i++) words[i] = view.getUint32(at + 4 * i);
      for (let i = 16; i < 64; i++) {
        const a = words[i - 15], b = words[i - 2];
        words[i] = words[i - 16] + words[i - 7] + (turned(a, 7) ^ turned(a, 18) ^ (a >>> 3))
          + (turned(b, 17) ^ turned(b, 19) ^ (b >>> 10));
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 64; i++) {
        const first = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + ROUND[i] + words[i];
        const second = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) >>> 0, c, b, a, (first + second) >>> 0];
      }
      [a, b, c, d, e, f, g, h].forEach((one, i) => { state[i] += one; });
    }
    return hex(new Uint8Array(state.buffer.byteLength).map((_, i) => state[i >> 2] >>> (24 - 8 * (i & 3))));
  }

  // Keccak-256, as Ethereum pads it: 24 turns over 25 lanes of 64 bits.
  const LANE = (1n << 64n) - 1n;
  const left = (lane, by) => by ? ((lane << by) | (lane >> (64n - by))) & LANE : lane;
  const IOTA = [];
  for (let turn = 0, bits = 1; turn < 24; turn++) {
    let constant = 0n;
    for (let j = 0; j < 7; j++) {
      if (bits & 1) constant |= 1n << ((1n << BigInt(j)) - 1n);
      bits = (bits << 1) ^ (bits & 0x80 ? 0x171 : 0);
    }
    IOTA.push(constant);
  }

  function permute(lanes) {
    for (const constant of IOTA) {
      const columns = [0, 1, 2, 3, 4].map((x) => lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]);
      for (let i = 0; i < 25; i++) lanes[i] ^= columns[(i + 4) % 5] ^ left(columns[(i + 1) % 5], 1n);
      let [x, y, held] = [1, 0, lanes[1]];
      for (let step = 0; step < 24; step++) {
        [x, y] = [y, (2 * x + 3 * y) % 5];
        const next = lanes[x + 5 * y];
        lanes[x + 5 * y] = left(held, BigInt((((step + 1) * (step + 2)) / 2) % 64));
        held = next;
      }
      for (let row = 0; row < 25; row += 5) {
        const five = lanes.slice(row, row + 5);
        for (let i = 0; i < 5; i++) lanes[row + i] = five[i] ^ ((LANE ^ five[(i + 1) % 5]) & five[(i + 2) % 5]);
      }
      lanes[0] ^= constant;
    }
  }

  function keccak256(bytes) {
    const whole = padded(bytes, 0x01, 136, 0);
    whole[whole.length - 1] |= 0x80;
    const lanes = Array(25).fill(0n);
    for (let at = 0; at < whole.length; at += 136) {
      for (let i = 0; i < 17; i++) lanes[i] ^= big(whole.slice(at + 8 * i, at + 8 * i + 8).reverse());
      permute(lanes);
    }
    return lanes.slice(0, 4).map((lane) => hex(bytesOf(lane.toString(16).padStart(16, "0")).reverse())).join("");
  }

  // secp256k1 (SEC 2): whose key made a signature.
  const P = (1n << 256n) - (1n << 32n) - 977n;
  const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const G = [
    0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
    0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
  ];
  const mod = (value, of) => ((value % of) + of) % of;

  function power(base, exponent, of) {
    let result = 1n;
    for (let square = mod(base, of), rest = exponent; rest; rest >>= 1n, square = (square * square) % of) {
      if (rest & 1n) result = (result * square) % of;
    }
    return result;
  }

  function sum(one, other) { // null is the point at infinity
    if (!one) return other;
    if (!other) return one;
    if (one[0] === other[0] && one[1] !== other[1]) return null;
    const slope = one[0] === other[0]
      ? mod(3n * one[0] * one[0] * power(2n * one[1], P - 2n, P), P)
      : mod((other[1] - one[1]) * power(mod(other[0] - one[0], P), P - 2n, P), P);
    const x = mod(slope * slope - one[0] - other[0], P);
    return [x, mod(slope * (one[0] - x) - one[1], P)];
  }

  function times(point, factor) {
    let result = null;
    for (let twice = point, rest = factor; rest; rest >>= 1n, twice = sum(twice, twice)) {
      if (rest & 1n) result = sum(result, twice);
    }
    return result;
  }

  // The address whose key signed a message (EIP-191), in small letters; null: nobody's did.
  function signerOf(message, signature) {
    if (!/^0x[0-9a-f]{128}(1b|1c)$/.test(signature)) return null;
    const [r, s] = [BigInt(`0x${signature.slice(2, 66)}`), BigInt(`0x${signature.slice(66, 130)}`)];
    if (!r || r >= N || !s || s > N / 2n) return null;
    const digest = keccak256(joined(utf8(`\x19Ethereum Signed Message:\n${message.length}`), message));
    const square = (power(r, 3n, P) + 7n) % P;
    let y = power(square, (P + 1n) / 4n, P);
    if ((y * y) % P !== square) return null;
    if (Number(y & 1n) !== (signature.endsWith("1c") ? 1 : 0)) y = P - y;
    const inverse = power(r, N - 2n, N);
    const key = sum(times([r, y], mod(s * inverse, N)), times(G, mod(-BigInt(`0x${digest}`) * inverse, N)));
    if (!key) return null;
    const point = bytesOf(key.map((one) => one.toString(16).padStart(64, "0")).join(""));
    return `0x${keccak256(point).slice(24)}`;
  }

  // JSON whose numbers are whole and of any size: Number would round prices above 2^53.
  function readJson(text) {
    const token = /\s*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|(-?(?:0|[1-9]\d*))(?![.\deE])|(true|false|null))/y;
    const next = () => {
      const found = token.exec(text);
      if (!found) throw new SyntaxError("this is no JSON of whole numbers and texts");
      return found;
    };
    const needed = (sign) => { if (next()[1] !== sign) throw new SyntaxError(`a ${sign} is missing`); };
    const peek = () => { const at = token.lastIndex, found = next(); token.lastIndex = at; return found[1]; };
    function value() {
      const [, sign, quoted, number, word] = next();
      if (quoted !== undefined) return JSON.parse(quoted);
      if (number !== undefined) return BigInt(number);
      if (word !== undefined) return JSON.parse(word);
      if (sign === "[") return items("]", value);
      if (sign !== "{") throw new SyntaxError("a value is missing");
      return new Map(items("}", () => { const name = value(); needed(":"); return [name, value()]; }));
    }
    function items(end, read) {
      const found = [];
      if (peek() === end) { needed(end); return found; }
      for (;;) {
        found.push(read());
        const sign = next()[1];
        if (sign === end) return found;
        if (sign !== ",") throw new SyntaxError("a comma is missing");
      }
    }
    const whole = value();
    if (text.slice(token.lastIndex).trim()) throw new SyntaxError("something follows");
    return whole;
  }

  // Canonical JSON: names sorted, no spaces, ASCII.
  const quoted = (text) => JSON.stringify(text).replace(/[\u007f-\uffff]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);

  function writeJson(value) {
    if (value instanceof Map) {
      const names = [...value.keys()].sort((a, b) => (a < b ? -1 : 1));
      return `{${names.map((name) => `${quoted(name)}:${writeJson(value.get(name))}`).join(",")}}`;
    }
    if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
    return typeof value === "string" ? quoted(value) : String(value);
  }

  return { bytesOf, joined, keccak256, readJson, sha256, signerOf, utf8, writeJson };
})();
