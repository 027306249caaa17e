/**
 * Verifies a bundle offline: container, signature and whose key it is, manifest, digests, program.
 *
 * It does NOT verify the zero-knowledge proofs, nor that statement, result and the links between slices are those of the
 * proofs: `proofgrid verify` does, with the proof system's own verifier. What holds after this is the network's word.
 */
import { digestOf, utf8, type Bytes } from "../bytes.js";
import type { Json } from "../canonical.js";
import { BadBundle } from "../errors.js";
import { isSpelledOnce, signerOf, toAddress } from "../signatures.js";
import { Container, type ContainerLimits, DEFAULT_LIMITS, MANIFEST, SIGNATURE } from "./container.js";
import { BYTES_MAX, type SignedKeyList, counts, keyListOf } from "./key-list.js";
import { type Manifest, filesOf, jsonOf, readManifest } from "./manifest.js";
import { Misread } from "./reading.js";

export interface VerifyOptions {
  /** The program that must have been proven: its whole digest. Without it, it is *some* program. */
  program?: string;
  /** Address of the network that must have signed. Without it, *somebody* signed. */
  network?: string;
  /** The newest list of the network's keys that you have (`readKeyList`): what it revokes counts no more. */
  keys?: SignedKeyList;
  limits?: ContainerLimits;
}

/** A bundle whose signature and digests hold. */
export interface BundleReport {
  manifest: Manifest;
  /** The SHA-256 of the whole file: how the network names it. */
  digest: string;
  /** Who signed: the network's root key, or a key of `keys`. */
  signer: string;
  /** The list of keys beside the signature, where an online key signed. */
  keys?: SignedKeyList;
  /** A sentence for each check. */
  checks: string[];
  /** Never true: this client has no verifiers of proofs. */
  proofsVerified: false;
  /** Return the bytes of one proof or verifying file, by its digest. */
  file(digest: string): Bytes;
}

interface Sealed {
  network: string;
  signer: string;
  keys?: SignedKeyList;
}

const SIGNATURE_BYTES_MAX = (1 << 10) + BYTES_MAX;

function refuse(detail: string, field: string, hint = ""): never {
  throw new BadBundle("PG-410", detail, { field, hint });
}

/**
 * Check a bundle as `proofgrid verify` does, up to the proofs, which are not verified here. Throws BadBundle: `field` names the check.
 */
export function verifyBundle(content: Bytes, options: VerifyOptions = {}): BundleReport {
  const container = Container.open(content, options.limits ?? DEFAULT_LIMITS);
  // Who signed it is known before a byte of the manifest is read as JSON.
  const spelled = container.readJson(MANIFEST);
  const sealed = checkSignature(container.readJson(SIGNATURE), digestOf(spelled));
  if (options.network !== undefined && sealed.network.toLowerCase() !== options.network.toLowerCase()) {
    refuse(`the bundle is of the network ${sealed.network}, not ${options.network}`, "network");
  }
  checkRevoked(sealed, options.keys);
  const manifest = readManifest(spelled);
  if (sealed.network !== manifest.network) refuse("the signer is not the network that the manifest names", "signature");
  const named = filesOf(manifest);
  for (const digest of [...container.digests, ...named].sort()) {
    if (!container.digests.has(digest) || !named.has(digest)) refuse(`the file ${digest} is missing, or nobody refers to it`, "container");
  }
  if (options.program !== undefined && options.program !== manifest.program.digest) {
    refuse(`the bundle proves the program ${manifest.program.digest}, not ${options.program}`, "program");
  }
  for (const digest of named) container.read(digest);
  checkPinned(manifest);
  const report: BundleReport = {
    manifest,
    digest: digestOf(content),
    signer: sealed.signer,
    checks: checksOf(manifest, sealed, named.size, options),
    proofsVerified: false,
    file: (digest) => container.read(digest),
  };
  return sealed.keys === undefined ? report : { ...report, keys: sealed.keys };
}

function checkSignature(content: Bytes, manifestDigest: string): Sealed {
  if (content.length > SIGNATURE_BYTES_MAX) refuse(`signature.json is larger than ${SIGNATURE_BYTES_MAX} bytes`, "signature");
  const value = jsonOf(content, SIGNATURE);
  const members = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  const names = Object.keys(members).filter((name) => name !== "keys").sort();
  if (names.join() !== "signature,signer") refuse("signature.json has the members signature and signer, and perhaps keys", "signature");
  const { signature, signer } = members;
  if (typeof signature !== "string" || !isSpelledOnce(signature)) refuse("a signature is 0x and 130 lower-case hex digits", "signature");
  if (typeof signer !== "string" || signerOf(utf8(`proofgrid bundle 1 ${manifestDigest}`), signature) !== signer) {
    refuse(`the manifest was not signed by ${String(signer)}, or changed since`, "signature");
  }
  return sealedBy(toAddress(signer), members["keys"] ?? null);
}

function sealedBy(signer: string, keys: Json): Sealed {
  if (keys === null) return { network: signer, signer };
  let list: SignedKeyList;
  try {
    list = keyListOf(keys, "keys");
  } catch (error) {
    if (error instanceof Misread) return refuse(`its list of keys: ${error.detail}`, "signature");
    throw error;
  }
  if (signer === list.network || !counts(list, signer, "bundles", ["active"])) {
    refuse(`${signer} is no key for bundles in the list beside its signature`, "signature");
  }
  return { network: list.network, signer, keys: list };
}

function checkRevoked(sealed: Sealed, known: SignedKeyList | undefined): void {
  if (known === undefined || known.network !== sealed.network) return;
  const newest = sealed.keys !== undefined && sealed.keys.number >= known.number ? sealed.keys : known;
  if (!counts(newest, sealed.signer, "bundles", ["active", "retired"])) {
    refuse(
      `its network has revoked the key ${sealed.signer}, or never named it (list ${newest.number})`,
      "signature",
      "ask the network for the result again; only what a key that is not revoked signed counts",
    );
  }
}

/** Every verifying file is pinned by the identity: its digest stands somewhere in it. */
function checkPinned(manifest: Manifest): void {
  const pinned = new Set<string>();
  const collect = (value: Json): void => {
    if (typeof value === "string") pinned.add(value);
    else if (Array.isArray(value)) value.forEach(collect);
    else if (typeof value === "object" && value !== null) Object.values(value).forEach(collect);
  };
  collect(manifest.program.identity);
  for (const [name, digest] of Object.entries(manifest.program.files)) {
    if (!pinned.has(digest)) throw new BadBundle("PG-400", `the file '${name}' is not the one that the identity names`, { field: "program" });
  }
}

function checksOf(manifest: Manifest, sealed: Sealed, files: number, options: VerifyOptions): string[] {
  const by = sealed.keys === undefined ? sealed.network : `${sealed.signer}, a key of ${sealed.network} (list ${sealed.keys.number})`;
  const jobs = manifest.wrapped === undefined ? `${manifest.jobs.length} proofs, each once` : `one proof, of ${manifest.wrapped.jobs} others`;
  return [
    `container: ${files} files, nothing else`,
    `signature: by ${by}`,
    `network: ${options.network === undefined ? "any (none was insisted on)" : "the expected one"}`,
    `program: ${manifest.program.digest}${options.program === undefined ? " (none was insisted on)" : ", the expected one"}`,
    `jobs: ${jobs}; prices and payments add up`,
    `files: ${files} hash to their names`,
    "program: the identity names the digest of every verifying file",
    "proofs: NOT verified here (proofgrid verify does)",
  ];
}
