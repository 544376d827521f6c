// The stock tus-js-client uploads a file, is torn away in the middle, and a new one, as after a reload, goes on from
// what the first one left in its storage. Prints {id, reached, resumed_at, moved} as JSON.
//
//   node tus.mjs URL TOKEN FILE FOLDER
import { createRequire } from 'node:module';
import { createReadStream, statSync } from 'node:fs';
import { join } from 'node:path';

const web = new URL('../../../../web/package.json', import.meta.url);
const tus = createRequire(web)('tus-js-client');
const [url, token, file, folder] = process.argv.slice(2);
const CHUNK = 1024 * 1024;
const size = statSync(file).size;

function upload(seen, more) {
  return new tus.Upload(createReadStream(file), {
    endpoint: `${url}/api/v1/uploads`,
    chunkSize: CHUNK,
    uploadSize: size,
    retryDelays: [0, 100, 500],
    headers: { Authorization: `Bearer ${token}` },
    metadata: { filename: 'milonga ñandú.mp4', filetype: 'video/mp4', alt: 'Dos bailarines' },
    urlStorage: new tus.FileUrlStorage(join(folder, 'uploads.json')),
    fingerprint: async () => `the one file of this story ${size}`,
    removeFingerprintOnSuccess: true,
    onBeforeRequest: (request) => seen.push(`${request.getMethod()} ${request.getHeader('Upload-Offset') ?? ''}`.trim()),
    ...more,
  });
}

const first = [];
const reached = await new Promise((resolve, reject) => {
  const one = upload(first, {
    onError: reject,
    onSuccess: () => reject(new Error('it was not interrupted')),
    onChunkComplete(_, accepted) {
      if (accepted >= 3 * CHUNK) {
        // Torn away while the next piece is on its way; the server is not told.
        setTimeout(() => one.abort(false).then(() => resolve(accepted)), 5);
      }
    },
  });
  one.start();
});

const second = [];
const id = await new Promise((resolve, reject) => {
  const two = upload(second, {
    onError: reject,
    onSuccess: () => resolve(two.url.split('/').at(-1)),
  });
  two.findPreviousUploads().then((previous) => {
    if (previous.length !== 1) return reject(new Error(`${previous.length} uploads are remembered`));
    two.resumeFromPreviousUpload(previous[0]);
    two.start();
  }, reject);
});
const [head, ...patches] = second;
if (head !== 'HEAD') throw new Error(`the second one began with ${head}`);
const resumed_at = Number(patches[0].split(' ')[1]);
console.log(JSON.stringify({ id, reached, resumed_at, moved: patches.length }));
