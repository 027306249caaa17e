// Takes deliveries of a webhook and prints those that are new: `node webhook-receiver.mjs whpk_… [PORT]`.
// The key is the webhook's public key, which is no secret; its secret (whsec_…) does as well.
import { createServer } from "node:http";
import { BadSignature, verifyWebhook } from "@proofgrid/client";

const [key, port = "8400"] = process.argv.slice(2);
const seen = new Set(); // a delivery comes at least once: your database knows better than this

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  try {
    const delivery = verifyWebhook(key, request.headers, Buffer.concat(parts));
    if (!seen.has(delivery.id)) console.log(JSON.stringify(delivery));
    seen.add(delivery.id);
    response.writeHead(204).end();
  } catch (error) {
    response.writeHead(error instanceof BadSignature ? 401 : 500).end();
  }
});
server.listen(Number(port), "127.0.0.1", () => console.log(`listening ${server.address().port}`));
