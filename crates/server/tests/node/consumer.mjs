// An automation as n8n would run it: takes webhooks, checks them with the stock library of Standard Webhooks, and reads
// the post back over the API with a personal access token. Prints its port, then one line of JSON for each message;
// ends with its standard input.
//
//   node consumer.mjs URL TOKEN
import { createRequire } from 'node:module';
import { createServer } from 'node:http';

const web = new URL('../../../../web/package.json', import.meta.url);
const { Webhook } = createRequire(web)('standardwebhooks');
const [url, token] = process.argv.slice(2);
let webhook = null;

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces).toString();
  // Where a person would paste the secret.
  if (request.url === '/secret') {
    webhook = new Webhook(body);
    return response.writeHead(204).end();
  }
  let said;
  try {
    const message = webhook.verify(body, request.headers);
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await fetch(`${url}/api/v1/posts/${message.data.id}`, { headers });
    said = { type: message.type, body: message.data.body, read: (await answer.json()).body };
    response.writeHead(204).end();
  } catch (error) {
    said = { refused: error.message };
    response.writeHead(401).end();
  }
  console.log(JSON.stringify(said));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
