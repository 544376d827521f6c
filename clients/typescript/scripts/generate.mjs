// Makes src/api/schema.ts from docs/openapi.json and src/api/events.ts from docs/asyncapi.json: what goes over HTTP and
// over the socket. Runs in any folder whose node_modules hold openapi-typescript: this package's own, or the web app's.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { default: openapiTS, astToString } = createRequire(`${process.cwd()}/package.json`)('openapi-typescript');

const file = (path) => new URL(path, import.meta.url);
const read = (path) => JSON.parse(readFileSync(file(path), 'utf8'));
const write = (name, text) => writeFileSync(file(`../src/api/${name}`), text);
mkdirSync(file('../src/api/'), { recursive: true });

// What has a default may be left out of a request; answers do not rest on it.
const types = async (document) => astToString(await openapiTS(document, { defaultNonNullable: false }));

write('schema.ts', await types(read('../../../docs/openapi.json')));

const { components, operations } = read('../../../docs/asyncapi.json');
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
write(
  'events.ts',
  `${await types(document)}
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
