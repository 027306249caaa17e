// In a page that a gateway serves, or that has the gateway's name: sign in with the visitor's wallet, then submit and follow.
import { Proofgrid, walletSigner } from "@proofgrid/client";

export async function proveInPage(programDigest, inputs, show) {
  const client = new Proofgrid({ gateways: location.origin });
  await client.signIn(await walletSigner(window.ethereum));
  const task = await client.tasks.submit({ program_digest: programDigest, inputs });
  for await (const event of client.tasks.watch(task.task_id)) show(event);
  return await client.tasks.bundle(task.task_id);
}
