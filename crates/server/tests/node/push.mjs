// A browser's side of Web Push, with Node's own cryptography (RFC 8291, RFC 8292).
//
//   node push.mjs subscribe {}          makes the keys of a subscription
//   node push.mjs open CONTEXT          checks the signature of what came, opens it and prints it
import assert from 'node:assert/strict';
import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from 'node:crypto';

const [act, context] = [process.argv[2], JSON.parse(process.argv[3])];
const text = (bytes) => Buffer.from(bytes).toString('base64url');
const bytes = (base64url) => Buffer.from(base64url, 'base64url');

const acts = {
  subscribe() {
    const own = createECDH('prime256v1');
    own.generateKeys();
    return { p256dh: text(own.getPublicKey()), private: text(own.getPrivateKey()), auth: text(randomBytes(16)) };
  },

  open({ came, keys, server, origin, now }) {
    const { headers } = came;
    assert.equal(headers['content-encoding'], 'aes128gcm');
    assert.ok(Number(headers.ttl) > 0 && Number(headers.ttl) <= 86_400, 'ttl');
    const [, token, key] = headers.authorization.match(/^vapid t=([^,]+), k=(.+)$/);
    assert.equal(key, server, 'the key that the browser subscribed for');
    const [header, claims, signature] = token.split('.');
    assert.deepEqual(JSON.parse(bytes(header)), { typ: 'JWT', alg: 'ES256' });
    const { aud, exp, sub } = JSON.parse(bytes(claims));
    assert.equal(aud, origin);
    assert.ok(exp > now && exp <= now + 86_400, 'exp');
    assert.match(sub, /^(mailto:.+@|https:)/);
    const point = bytes(key);
    const jwk = { kty: 'EC', crv: 'P-256', x: text(point.subarray(1, 33)), y: text(point.subarray(33)) };
    const signer = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
    assert.ok(verify('sha256', `${header}.${claims}`, signer, bytes(signature)), 'the signature');

    const body = Buffer.from(came.body);
    const [salt, length, theirs] = [body.subarray(0, 16), body[20], body.subarray(21, 21 + body[20])];
    assert.ok(body.length <= body.readUInt32BE(16) && length === 65, 'one record');
    const own = createECDH('prime256v1');
    own.setPrivateKey(bytes(keys.private));
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), bytes(keys.p256dh), theirs]);
    const secret = hkdfSync('sha256', own.computeSecret(theirs), bytes(keys.auth), info, 32);
    const derive = (what, size) => Buffer.from(hkdfSync('sha256', secret, salt, `Content-Encoding: ${what}\0`, size));
    const sealed = body.subarray(21 + length);
    const opener = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12));
    opener.setAuthTag(sealed.subarray(-16));
    const padded = Buffer.concat([opener.update(sealed.subarray(0, -16)), opener.final()]);
    const end = padded.findLastIndex((byte) => byte !== 0);
    assert.equal(padded[end], 2, 'the delimiter of the last record');
    return JSON.parse(padded.subarray(0, end));
  },
};

console.log(JSON.stringify(acts[act](context)));
