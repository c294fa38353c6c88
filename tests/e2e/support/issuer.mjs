// An issuer of tokens: keys of its own, tokens signed by node:crypto, and a server for the public keys.

import { constants, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { gzipSync } from 'node:zlib';

import { handmadeOrigin } from './origin.mjs';

const rsa = ['rsa', { modulusLength: 2048 }];
const ALGORITHMS = {
  RS256: { kind: rsa, hash: 'sha256' },
  RS512: { kind: rsa, hash: 'sha512' },
  PS256: { kind: rsa, hash: 'sha256', options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
  PS384: { kind: rsa, hash: 'sha384', options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 } },
  ES256: { kind: ['ec', { namedCurve: 'P-256' }], hash: 'sha256', options: { dsaEncoding: 'ieee-p1363' } },
  ES384: { kind: ['ec', { namedCurve: 'P-384' }], hash: 'sha384', options: { dsaEncoding: 'ieee-p1363' } },
  EdDSA: { kind: ['ed25519', {}], hash: null },
};

let made = 0;

/** A key pair for one algorithm, with a name that no other has. */
export function makeKey(alg, kid = `${alg}-${++made}`) {
  const { publicKey, privateKey } = generateKeyPairSync(...ALGORITHMS[alg].kind);
  return { alg, kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

const encoded = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** What is signed of a token: `header` is added to what the key says. */
function unsigned(key, claims, header = {}) {
  return `${encoded({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })}.${encoded(claims)}`;
}

/** A token with these claims, which may be the text of a JSON document. */
export function signed(key, claims, header) {
  const text = unsigned(key, claims, header);
  const { hash, options } = ALGORITHMS[key.alg];
  return `${text}.${sign(hash, Buffer.from(text), { key: key.privateKey, ...options }).toString('base64url')}`;
}

/** A token signed with the public key as if it were a shared secret, which who confuses algorithms takes for good. */
export function signedWithPublicKey(key, claims) {
  const text = unsigned(key, claims, { alg: 'HS256' });
  const secret = JSON.stringify(key.jwk);
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** A token with no signature at all. */
export function unsecured(key, claims) {
  return `${unsigned(key, claims, { alg: 'none' })}.`;
}

/**
 * A server of key sets: `at(path, keys)` serves some under a path and gives what can be changed, `keys` and `fault`, which
 * is 'down', 'hangs', 'redirects', 'broken' or 'endless'; `asked` counts the requests that came, and `go` answers one that
 * hangs after all.
 */
export async function startKeyServer() {
  const sets = new Map();
  const server = await handmadeOrigin((incoming, outgoing) => {
    const set = sets.get(incoming.url);
    set.asked += 1;
    const whole = () => outgoing.end(JSON.stringify({ keys: set.keys.map(({ jwk }) => jwk) }));
    const answers = {
      down: () => incoming.socket.destroy(),
      hangs: () => {
        set.go = whole;
      },
      redirects: () => outgoing.writeHead(302, { location: '/elsewhere' }).end(),
      broken: () => outgoing.end('<html>'),
      // No fault: as many servers answer who is asked for it, and some who is not.
      compressed: () => {
        const bytes = gzipSync(JSON.stringify({ keys: set.keys.map(({ jwk }) => jwk) }));
        outgoing.writeHead(200, { 'content-encoding': 'gzip' }).end(bytes);
      },
      endless: () => outgoing.end(JSON.stringify({ keys: set.keys.map(({ jwk }) => jwk), more: 'x'.repeat(1 << 20) })),
    };
    (answers[set.fault] ?? whole)();
  });
  return {
    at(path, keys) {
      const set = { url: `${server.url}${path}`, keys, fault: undefined, asked: 0 };
      sets.set(path, set);
      return set;
    },
    stop: server.stop,
  };
}
