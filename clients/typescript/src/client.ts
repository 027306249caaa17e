/** The client: one object for one network, whichever of its gateways answers. */
import { type SignedKeyList, readKeyList } from "./bundle/key-list.js";
import { type BundleReport, verifyBundle } from "./bundle/verify.js";
import type { components } from "./openapi.js";
import { ApiKeys, Market, Money, Quotes, Webhooks } from "./parts.js";
import { Programs } from "./programs.js";
import { type Session, resumeSession, signIn, signOut } from "./session.js";
import type { Signer } from "./signatures.js";
import { type Abortable, type SubmitRequest, type TaskEvent, Tasks, type WatchOptions } from "./tasks.js";
import { type Call, Transport, type TransportOptions } from "./transport.js";

export type Network = components["schemas"]["Network"];
export type NetworkStatus = components["schemas"]["NetworkStatus"];

export class Proofgrid {
  readonly programs: Programs;
  readonly tasks: Tasks;
  readonly quotes: Quotes;
  readonly money: Money;
  readonly market: Market;
  readonly webhooks: Webhooks;
  readonly apiKeys: ApiKeys;
  private readonly transport: Transport;

  constructor(options: TransportOptions) {
    this.transport = new Transport(options);
    this.programs = new Programs(this.transport);
    this.tasks = new Tasks(this.transport);
    this.quotes = new Quotes(this.transport);
    this.money = new Money(this.transport);
    this.market = new Market(this.transport);
    this.webhooks = new Webhooks(this.transport);
    this.apiKeys = new ApiKeys(this.transport);
  }

  /** What this network is: the address of its key, its proof systems and its limits. Everybody may ask. */
  async network(options: Abortable = {}): Promise<Network> {
    return await this.transport.json<Network>({ verb: "GET", path: "/v1/network", repeats: true, open: true, signal: options.signal });
  }

  /** Who is connected, and how much there is to do. */
  async status(options: Abortable = {}): Promise<NetworkStatus> {
    return await this.transport.json<NetworkStatus>({ verb: "GET", path: "/v1/status", repeats: true, signal: options.signal });
  }

  /** Return the newest list of the network's keys, its signature checked; undefined where the network has its root key only. */
  async keys(options: Abortable = {}): Promise<SignedKeyList | undefined> {
    const call = { verb: "GET", path: "/v1/network/keys", repeats: true, signal: options.signal } as const;
    const { keys } = await this.transport.json<components["schemas"]["NetworkKeys"]>(call);
    return keys === "" ? undefined : readKeyList(keys);
  }

  /**
   * Submit, wait until it is done, fetch the bundle and verify its signature and digests. The proofs in it are not verified here: `proofgrid verify`.
   *
   * Throws TaskFailed where the task ends otherwise, BadBundle for a bundle of another program or network.
   */
  async prove(request: SubmitRequest, options: WatchOptions & { onEvent?: (event: TaskEvent) => void } = {}): Promise<{ bundle: Uint8Array; report: BundleReport }> {
    const task = await this.tasks.submit(request, options);
    await this.tasks.wait(task.task_id, options);
    const bundle = await this.tasks.bundle(task.task_id, options);
    const network = await this.transport.network(options.signal);
    return { bundle, report: verifyBundle(bundle, { program: task.program_digest, network }) };
  }

  /** Sign in with a wallet (EIP-4361), for an hour: in browsers by a cookie that no script can read. From then on calls carry the session. */
  async signIn(signer: Signer, options: Abortable = {}): Promise<Session> {
    return await signIn(this.transport, signer, options.signal);
  }

  /** Go on with the session that this page's cookie is of. Throws NotAuthenticated where nobody is signed in. */
  async resume(options: Abortable = {}): Promise<Session> {
    return await resumeSession(this.transport, options.signal);
  }

  /** End the session, at every gateway. */
  async signOut(options: Abortable = {}): Promise<void> {
    await signOut(this.transport, options.signal);
  }

  /** Ask what has no method here yet: any request of the OpenAPI document, with the same credentials, failover and retries. */
  async ask<T>(call: Call): Promise<T> {
    return await this.transport.json<T>(call);
  }
}
