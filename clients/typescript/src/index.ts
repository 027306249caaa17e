/** @proofgrid/client: have zero-knowledge proofs made by a network of provers. Runs in Node.js 20+ and in browsers. */
export { type Auth, type Asked, apiKey, gatewayName, makeToken, signedTokens } from "./auth.js";
export { digestOf } from "./bytes.js";
export { type Json, type JsonObject, canonicalJson } from "./canonical.js";
export { type Network, type NetworkStatus, Proofgrid } from "./client.js";
export { ERROR_CODES, type ErrorCode } from "./codes.js";
export {
  BadBundle,
  BadSignature,
  Conflict,
  InsufficientFunds,
  InvalidRequest,
  NotAllowed,
  NotAuthenticated,
  NotFound,
  ProofgridError,
  RateLimited,
  TaskFailed,
  TooLarge,
  Unavailable,
  hasCode,
} from "./errors.js";
export type { FileSource, OnProgress, Uploadable } from "./files.js";
export type { components, operations, paths } from "./openapi.js";
export type * from "./parts.js";
export type { ArtifactRef, Program, RegisterOptions, RegisterRequest } from "./programs.js";
export type { Session } from "./session.js";
export { type Eip1193Provider, type Signer, privateKey, signerOf, toAddress, viemSigner, walletSigner } from "./signatures.js";
export { type Abortable, type SubmitRequest, type Task, type TaskEvent, type WatchOptions, freshKey } from "./tasks.js";
export type { Call, TransportOptions } from "./transport.js";
export { type WebhookDelivery, type WebhookHeaders, verifyWebhook } from "./webhooks.js";
export { type ContainerLimits, DEFAULT_LIMITS } from "./bundle/container.js";
export { type NamedKey, type SignedKeyList, counts, newer, readKeyList } from "./bundle/key-list.js";
export type { BundleJob, BundleProgram, BundleTask, Manifest } from "./bundle/manifest.js";
export { type BundleReport, type VerifyOptions, verifyBundle } from "./bundle/verify.js";
