/** Who said it: secp256k1 keys, EIP-191 signatures, addresses with their EIP-55 checksum. */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { type Bytes, utf8 } from "./bytes.js";
import { InvalidRequest } from "./errors.js";

/** What signs as one address, wherever its private key lies: a key in memory, a wallet, an HSM. */
export interface Signer {
  readonly address: string;
  /** Return the EIP-191 signature (`personal_sign`) of an ASCII text: 0x and 130 hex digits. */
  sign(text: string): string | Promise<string>;
}

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const SPELLING = /^0x[0-9a-f]{128}(1b|1c)$/;

/** Return a signer with its private key in this process. `secret`: 0x and 64 hex digits. */
export function privateKey(secret: string): Signer {
  if (!/^(0x)?[0-9a-fA-F]{64}$/.test(secret)) {
    throw new InvalidRequest("PG-101", "a private key is 0x and 64 hex digits", { field: "key" });
  }
  const key = hexToBytes(secret.replace(/^0x/, ""));
  const address = addressOfPoint(secp256k1.getPublicKey(key, false));
  return { address, sign: (text) => signWith(key, utf8(text)) };
}

/** Return a signer of an account of viem, or of anything that has `signMessage` as its accounts do. */
export function viemSigner(account: {
  address: string;
  signMessage(asked: { message: string }): Promise<string>;
}): Signer {
  return { address: account.address, sign: (text) => account.signMessage({ message: text }) };
}

/** What browsers' wallets offer (EIP-1193), such as `window.ethereum`. */
export interface Eip1193Provider {
  request(asked: { method: string; params?: unknown[] }): Promise<unknown>;
}

/** Return a signer of the wallet's first account; the wallet asks its owner for it, and before each signature. */
export async function walletSigner(provider: Eip1193Provider): Promise<Signer> {
  const accounts = await provider.request({ method: "eth_requestAccounts" });
  const address = toAddress(String((accounts as unknown[])[0] ?? ""));
  const sign = async (text: string): Promise<string> =>
    String(await provider.request({ method: "personal_sign", params: [`0x${bytesToHex(utf8(text))}`, address] }));
  return { address, sign };
}

function signWith(key: Bytes, message: Bytes): string {
  const made = secp256k1.sign(hashToSign(message), key, { prehash: false, format: "recovered" });
  return `0x${bytesToHex(made.subarray(1))}${(27 + (made[0] as number)).toString(16)}`;
}

/** Return the address whose key signed `message`; undefined when `signature` is none. */
export function signerOf(message: Bytes, signature: string): string | undefined {
  try {
    const content = hexToBytes(signature.replace(/^0x/, ""));
    if (content.length !== 65) return undefined;
    const last = content[64] as number;
    const recovery = last >= 27 ? last - 27 : last;
    const recovered = secp256k1.recoverPublicKey(
      concatBytes(Uint8Array.of(recovery), content.subarray(0, 64)),
      hashToSign(message),
      { prehash: false },
    );
    return addressOfPoint(secp256k1.Point.fromBytes(recovered).toBytes(false));
  } catch {
    return undefined; // not hex, not on the curve, an impossible v: all of them mean "nobody signed this"
  }
}

/** Is it the one spelling? Other cases of digits, and a high s, would be other bytes with the same meaning. */
export function isSpelledOnce(signature: string): boolean {
  return SPELLING.test(signature) && BigInt(`0x${signature.slice(66, 130)}`) <= HALF_ORDER;
}

function hashToSign(message: Bytes): Bytes {
  return keccak_256(concatBytes(utf8(`\x19Ethereum Signed Message:\n${message.length}`), message));
}

function addressOfPoint(point: Bytes): string {
  return checksummed(bytesToHex(keccak_256(point.subarray(1)).subarray(12)));
}

function checksummed(digits: string): string {
  const hashed = bytesToHex(keccak_256(utf8(digits)));
  return `0x${[...digits].map((one, place) => (parseInt(hashed[place] as string, 16) > 7 ? one.toUpperCase() : one)).join("")}`;
}

/** Return a text as an address with its checksum; throw InvalidRequest for what is none, or mistyped. */
export function toAddress(text: string, field = "address"): string {
  const digits = text.slice(2);
  const lowered = text.toLowerCase();
  if (!/^0x[0-9a-f]{40}$/.test(lowered)) {
    throw new InvalidRequest("PG-101", "an address is 0x and 40 hex digits", { field });
  }
  const address = checksummed(lowered.slice(2));
  const isMixed = digits !== digits.toLowerCase() && digits !== digits.toUpperCase();
  if (isMixed && digits !== address.slice(2)) {
    throw new InvalidRequest("PG-101", "the address fails its EIP-55 checksum; look for a typing error", { field });
  }
  return address;
}
