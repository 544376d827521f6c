// Makes src/api/events.ts, the types of what goes over the socket, from docs/asyncapi.json.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const file = (path) => new URL(path, import.meta.url);
const { components, operations } = JSON.parse(readFileSync(file('../../docs/asyncapi.json'), 'utf8'));

const schemas = { ...components.schemas };
const [pushes, messages] = [[], []];
const message = (reference) => components.messages[reference.$ref.split('/').pop()];
for (const [key, operation] of Object.entries(operations)) {
  const { name, payload } = message(operation.messages[0]);
  const named = (kind) => `components['schemas']['${kind}_${key}']`;
  if (operation.action === 'send') {
    schemas[`push_${key}`] = payload;
    pushes.push(`  /** ${operation.summary}. */\n  '${name}': ${named('push')};`);
  } else {
    schemas[`say_${key}`] = payload;
    schemas[`ack_${key}`] = message(operation.reply.messages[0]).payload;
    messages.push(`  /** ${operation.summary}. */\n  '${name}': { say: ${named('say')}; ack: ${named('ack')} };`);
  }
}

const document = { openapi: '3.1.0', info: { title: 'events', version: '1' }, paths: {}, components: { schemas } };
const types = astToString(await openapiTS(document));
mkdirSync(file('../src/api/'), { recursive: true });
writeFileSync(
  file('../src/api/events.ts'),
  `${types}
/** What the server pushes, by name. */
export interface Pushes {
${pushes.join('\n')}
}

/** What a client says, by name, and the ack. */
export interface Messages {
${messages.join('\n')}
}
`,
);
