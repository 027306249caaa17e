/**
 * What can go wrong. Every refusal of a gateway has a stable code (PG-101), and so has what this client finds itself.
 *
 * Which class an error has says what to do; `code` says what happened, `field` where, `hint` what would help.
 */
import { ERROR_CODES, type ErrorCode } from "./codes.js";

export interface ErrorFacts {
  field?: string;
  hint?: string;
  /** After so many milliseconds trying again can help. */
  waitMs?: number;
  /** Of the answer that told it; 0: no gateway did. */
  status?: number;
  cause?: unknown;
}

/** Something went wrong. Each class below is one; `kind` is the name of the same error in Python. */
export class ProofgridError extends Error {
  readonly code: string;
  readonly detail: string;
  readonly field: string;
  readonly hint: string;
  readonly waitMs: number;
  readonly status: number;

  constructor(code: ErrorCode | (string & {}), detail: string, facts: ErrorFacts = {}) {
    const where = facts.field ? ` [${facts.field}]` : "";
    const hint = facts.hint ? ` Hint: ${facts.hint}` : "";
    super(`${code}${where} ${detail}${hint}`, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.code = code;
    this.detail = detail;
    this.field = facts.field ?? "";
    this.hint = facts.hint ?? "";
    this.waitMs = facts.waitMs ?? 0;
    this.status = facts.status ?? 0;
  }

  get kind(): string {
    return (ERROR_CODES as Record<string, string>)[this.code] ?? "ProofgridError";
  }
}

/** The request breaks a rule (400): change it. */
export class InvalidRequest extends ProofgridError {}
/** The credential is missing or good for nothing (401). */
export class NotAuthenticated extends ProofgridError {}
/** The account does not hold enough (402). */
export class InsufficientFunds extends ProofgridError {}
/** This key may not (403). */
export class NotAllowed extends ProofgridError {}
/** There is no such thing, or it is not yours (404). */
export class NotFound extends ProofgridError {}
/** It stands against what there is (409): a key used for another request, a task that is not finished. */
export class Conflict extends ProofgridError {}
/** It is too large (413). */
export class TooLarge extends ProofgridError {}
/** Too much at once (429), longer than this client's patience. */
export class RateLimited extends ProofgridError {}
/** No gateway could answer, longer than this client's patience. */
export class Unavailable extends ProofgridError {}
/** A task ended without a result: failed or cancelled. `taskId` names it. */
export class TaskFailed extends ProofgridError {
  readonly taskId: string;

  constructor(code: string, detail: string, facts: ErrorFacts & { taskId: string }) {
    super(code, detail, facts);
    this.taskId = facts.taskId;
  }
}
/** A bundle is not what it says, or not by whom it says (PG-410, PG-400). */
export class BadBundle extends ProofgridError {}
/** A delivery of a webhook is not from where it says (PG-202). */
export class BadSignature extends ProofgridError {}

const BY_STATUS: Record<number, typeof ProofgridError> = {
  400: InvalidRequest,
  401: NotAuthenticated,
  402: InsufficientFunds,
  403: NotAllowed,
  404: NotFound,
  405: InvalidRequest,
  409: Conflict,
  411: InvalidRequest,
  413: TooLarge,
  415: InvalidRequest,
  416: InvalidRequest,
  429: RateLimited,
  502: Unavailable,
  503: Unavailable,
  504: Unavailable,
};

/** Return the error that an answer tells; `text` is its body, whoever wrote it. */
export function errorOf(status: number, text: string, retryAfter: string | null = null): ProofgridError {
  let told: Record<string, unknown> = {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) told = value as Record<string, unknown>;
  } catch {
    // A proxy in between speaks its own language.
  }
  const words = (name: string): string => (typeof told[name] === "string" ? (told[name] as string) : "");
  const facts: ErrorFacts = { field: words("field"), hint: words("hint"), status, waitMs: waitOf(told["wait_ms"], retryAfter) };
  const code = words("code") || (status === 429 ? "PG-429" : status >= 502 && status <= 504 ? "PG-301" : "PG-000");
  const detail = words("detail") || `the answer has status ${status}, and no problem of ours in it`;
  return new (BY_STATUS[status] ?? ProofgridError)(code, detail, facts);
}

function waitOf(waitMs: unknown, retryAfter: string | null): number {
  if (typeof waitMs === "number" && waitMs > 0) return waitMs;
  if (retryAfter === null) return 0;
  if (/^\d{1,6}$/.test(retryAfter.trim())) return Number(retryAfter) * 1000;
  const moment = Date.parse(retryAfter);
  return Number.isNaN(moment) ? 0 : Math.max(0, moment - Date.now());
}

/** Is it an error with this code? */
export function hasCode(error: unknown, code: ErrorCode): error is ProofgridError {
  return error instanceof ProofgridError && error.code === code;
}
