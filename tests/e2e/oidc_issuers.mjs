// SPDX-License-Identifier: MIT
// Two OpenID Connect issuers on this machine: a real one (the npm package oidc-provider), and one
// that is made by hand to say whatever a test wants it to say.
import { createHash, createHmac, createSign, generateKeyPairSync, randomBytes, sign as signRaw } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const listen = (server, port) => new Promise((done) => server.listen(port, '127.0.0.1', done));
const closing = (server) => () => new Promise((done) => { server.close(done); server.closeAllConnections(); });

// PEOPLE: subject to claims; it may change while the issuer runs.
export async function realIssuer(port, { client, secret, redirect, back, people }) {
  const issuer = `http://127.0.0.1:${port}`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const warn = console.warn;
  console.warn = () => {}; // of the conveniences that only a test may have
  const provider = new Provider(issuer, {
    clients: [{
      client_id: client, client_secret: secret, redirect_uris: [redirect], post_logout_redirect_uris: [back],
      grant_types: ['authorization_code'], response_types: ['code'],
    }],
    claims: {
      openid: ['sub'], email: ['email', 'email_verified'],
      profile: ['name', 'picture', 'preferred_username', 'groups'],
    },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    pkce: { methods: ['S256'], required: () => true },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'r', use: 'sig' }] },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  });
  const server = createServer(provider.callback());
  await listen(server, port);
  console.warn = warn;
  return { issuer, close: closing(server) };
}

const part = (o) => Buffer.from(typeof o === 'string' ? o : JSON.stringify(o)).toString('base64url');
export const rsaKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
export const ecKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const jwk = (pair, more) => ({ ...pair.publicKey.export({ format: 'jwk' }), ...more });

export const rs256 = (pair) => (data) => createSign('sha256').update(data).sign(pair.privateKey);
export const es256 = (pair) => (data) => signRaw('sha256', Buffer.from(data), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
export const hs256 = (key) => (data) => createHmac('sha256', key).update(data).digest();
export function token(header, payload, sign) {
  const data = `${part(header)}.${part(payload)}`;
  return `${data}.${sign ? Buffer.from(sign(data)).toString('base64url') : ''}`;
}

// An issuer that answers with what `says` holds; a test changes that and reads `seen`.
export async function hostileIssuer(port, { client, secret, redirect }) {
  const issuer = `http://127.0.0.1:${port}`;
  const says = { configuration: {}, jwks: { keys: [] }, token: () => '', userinfo: {}, tokenStatus: 200 };
  const seen = { jwks: 0, configuration: 0, tokens: 0, refused: '', challenge: '', how: '' };

  const configuration = () => ({
    issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`, jwks_uri: `${issuer}/jwks`, ...says.configuration,
  });
  // What an honest issuer would ask of us.
  function complaint(req, form) {
    const basic = `Basic ${Buffer.from(`${encodeURIComponent(client)}:${encodeURIComponent(secret)}`).toString('base64')}`;
    seen.how = req.headers.authorization ? 'basic' : 'post';
    if (seen.how === 'basic' ? req.headers.authorization !== basic : form.get('client_id') !== client || form.get('client_secret') !== secret)
      return 'the client did not prove itself';
    if (form.get('grant_type') !== 'authorization_code' || form.get('redirect_uri') !== redirect) return 'another grant';
    const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
    return challenge === seen.challenge ? '' : 'the verifier does not fit the challenge';
  }
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const piece of req) body += piece;
    const send = (status, what) => {
      res.writeHead(status, { 'content-type': 'application/json' });
      res.end(typeof what === 'string' ? what : JSON.stringify(what));
    };
    if (req.url === '/.well-known/openid-configuration') { seen.configuration++; return send(200, configuration()); }
    if (req.url === '/jwks') { seen.jwks++; return send(200, says.jwks); }
    if (req.url === '/userinfo') return send(200, says.userinfo);
    if (req.url === '/token') {
      seen.tokens++;
      seen.refused = complaint(req, new URLSearchParams(body));
      if (seen.refused) return send(400, { error: 'invalid_request' });
      return send(says.tokenStatus, { access_token: 'at', token_type: 'Bearer', id_token: says.token() });
    }
    return send(404, {});
  });
  await listen(server, port);
  return { issuer, says, seen, close: closing(server) };
}
