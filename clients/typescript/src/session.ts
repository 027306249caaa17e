/** Sign-In with Ethereum (EIP-4361): a wallet signs a message of the gateway, and gets a session of an hour. */
import type { Auth } from "./auth.js";
import { NotAuthenticated } from "./errors.js";
import type { Signer } from "./signatures.js";
import type { Transport } from "./transport.js";

/** Who is signed in. */
export interface Session {
  address: string;
  roles: string[];
  /** What requests that change something bring along. */
  csrf: string;
  expiresMs: number;
}

interface Told {
  address: string;
  roles: string[];
  csrf: string;
  expires_ms: number;
}

const COOKIE = "proofgrid_session";

/**
 * Sign a wallet in at the transport's gateway; from then on its calls carry the session. Throws NotAuthenticated for a message that asks to sign for
 * another place.
 */
export async function signIn(transport: Transport, signer: Signer, signal?: AbortSignal): Promise<Session> {
  const asked = await transport.json<{ message: string }>({
    verb: "POST",
    path: "/v1/sign-in/nonce",
    json: { address: signer.address },
    repeats: true,
    open: true,
    signal,
  });
  checkMessage(asked.message, transport.gateway, signer.address);
  const signature = await signer.sign(asked.message);
  // Where cookies are kept by the browser the answer shows none; elsewhere this client keeps it.
  const before = transport.auth;
  transport.auth = new SessionAuth("", "");
  try {
    const [told, answer] = await transport.whole<Told>(
      { verb: "POST", path: "/v1/sign-in", json: { message: asked.message, signature }, repeats: false, signal },
      async (one) => (await one.json()) as Told,
    );
    transport.auth = new SessionAuth(told.csrf, cookieOf(answer));
    return sessionOf(told);
  } catch (error) {
    transport.auth = before;
    throw error;
  }
}

/** Return the session that this page's cookie is of, and go on with it. Throws NotAuthenticated where nobody is signed in. */
export async function resumeSession(transport: Transport, signal?: AbortSignal): Promise<Session> {
  if (!(transport.auth instanceof SessionAuth)) transport.auth = new SessionAuth("", "");
  const told = await transport.json<Told>({ verb: "GET", path: "/v1/session", repeats: true, signal });
  transport.auth = new SessionAuth(told.csrf, (transport.auth as SessionAuth).cookie);
  return sessionOf(told);
}

/** End the session, at every gateway. */
export async function signOut(transport: Transport, signal?: AbortSignal): Promise<void> {
  await transport.send({ verb: "POST", path: "/v1/sign-out", repeats: false, signal });
  transport.auth = undefined;
}

/** What carries a session. While signing in it carries nothing, and lets a browser take the cookie. */
export class SessionAuth implements Auth {
  readonly sendsCookies = true;

  constructor(
    private readonly csrf: string,
    /** Of runtimes that keep no cookies; empty: the browser has it. */
    readonly cookie: string,
  ) {}

  headers(asked: { verb: string }): Record<string, string> {
    const headers: Record<string, string> = {};
    if (this.cookie !== "") headers["Cookie"] = this.cookie;
    if (asked.verb !== "GET" && this.csrf !== "") headers["X-CSRF-Token"] = this.csrf;
    return headers;
  }
}

/** What a stranger makes a wallet sign must be for the stranger's own place, or it could sign in elsewhere with it. */
function checkMessage(message: string, gateway: URL, address: string): void {
  const [first, second] = message.split("\n");
  const domain = / wants you to sign in with your Ethereum account:$/.test(first ?? "") ? (first as string).split(" ")[0] : undefined;
  if (domain?.replace(/^[a-z][a-z0-9+.-]*:\/\//i, "") !== gateway.host || second !== address) {
    throw new NotAuthenticated("PG-203", `it asks to sign for ${String(domain)}, this is ${gateway.host}`, { field: "message.domain" });
  }
}

function cookieOf(answer: Response): string {
  const set = answer.headers.getSetCookie?.() ?? [];
  const found = set.map((one) => one.split(";")[0] as string).find((one) => one.startsWith(`${COOKIE}=`));
  return found ?? "";
}

function sessionOf(told: Told): Session {
  return { address: told.address, roles: told.roles, csrf: told.csrf, expiresMs: told.expires_ms };
}
