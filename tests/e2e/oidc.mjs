// SPDX-License-Identifier: MIT
// Logging in through an issuer: a real one in a real browser, and one that lies.
import { execFileSync } from 'node:child_process';
import { access, check, Client, equal, login, main, test, unique } from './lib.mjs';
import { launch } from '../browser/harness.mjs';
import { ecKey, es256, hostileIssuer, hs256, jwk, realIssuer, rs256, rsaKey, token } from './oidc_issuers.mjs';

const state = process.env.SLIPWAY_TEST_STATE;
const client = 'slip way', secret = 's3cret:+%&';
const redirect = `${access.url}/api/auth/oidc/callback`;
const owner = await login();
const browser = await launch();
const people = {};
const real = await realIssuer(9400, { client, secret, redirect, back: `${access.url}/login`, people });
const liar = await hostileIssuer(9401, { client, secret, redirect });

const up = (...args) => execFileSync(process.env.SLIPWAY_TEST_UP, ['--state', state, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
const configure = (settings) => up(...Object.entries(settings).flatMap(([key, value]) => ['--set', `oidc.${key}=${value}`]));
const sql = (text) => execFileSync('psql', [access.databaseUrl, '-qAtc', text], { encoding: 'utf8' }).trim();
const sessions = () => Number(sql('SELECT count(*) FROM sessions'));
// What is kept of the issuer, its keys and the last look for new ones: a fresh start without a wait.
function forget() {
  const script = "for _, k in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', k) end return 1";
  const { port, password } = new URL(access.redisUrl);
  execFileSync('redis-cli', ['-p', port, 'EVAL', script, '0', 'slipway:oidc:*'], { env: { ...process.env, REDISCLI_AUTH: password } });
}
const users = async () => (await owner.get('/api/users?limit=200'));
const userOf = async (email) => (await users()).find((u) => u.email === email);
async function lastAudit(requestId) {
  const entries = await owner.get('/api/audit?limit=20');
  return entries.find((e) => e.requestId === requestId);
}

// ---- a real issuer, in a browser without JavaScript

async function visitor() {
  const context = await browser.newContext({ javaScriptEnabled: false });
  return { context, page: await context.newPage() };
}
async function signIn(page, who, { consent = true, next = '' } = {}) {
  await page.goto(`${access.url}/login${next}`);
  await page.click('a:has-text("Sign in with")');
  await page.fill('[name=login]', who);
  await page.fill('[name=password]', 'any');
  await page.click('button[type=submit]');
  if (consent) await page.click('button[type=submit]');
}
const path = (page) => new URL(page.url()).pathname;

test('without an issuer there is no button, and the addresses are not there', async () => {
  const v = await visitor();
  await v.page.goto(`${access.url}/login`);
  equal(await v.page.locator('a:has-text("Sign in with")').count(), 0, 'buttons');
  const r = await new Client().call('GET', '/api/auth/oidc/login');
  equal(r.status, 404);
  check(r.json.detail.includes('oidc.issuer'), r.json.detail);
  equal((await new Client().call('GET', '/api/auth/oidc/callback?code=x&state=y')).status, 404);
  await v.context.close();
  configure({
    issuer: real.issuer, client_id: client, client_secret: secret, name: 'Yard SSO', registration: 'open',
    roles_claim: 'groups', roles: 'ops=admin,dev=developer', role: 'none',
  });
});

let annaId;
test('a first login makes an account with the roles of the claim', async () => {
  people.a1 = { email: 'anna.o@example.com', email_verified: true, name: 'Anna Ohm', preferred_username: 'anna.o', groups: ['dev'] };
  const v = await visitor();
  await signIn(v.page, 'a1', { next: '?next=/deployments' });
  equal(path(v.page), '/deployments', 'where it leads');
  check((await v.page.locator('.who').innerText()).includes('developer'), 'the role is not shown');
  const anna = await userOf('anna.o@example.com');
  equal([anna.username, anna.name, anna.roles], ['anna.o', 'Anna Ohm', ['developer']]);
  annaId = anna.id;
  equal(sql(`SELECT issuer || ' ' || subject FROM user_identities WHERE user_id = '${annaId}'`), `${real.issuer} a1`);
  const entries = await owner.get(`/api/audit?action=auth.success&actor=${annaId}`);
  equal(entries.length, 1, 'entries of the audit log');
  // an account without a password says so
  await v.page.goto(`${access.url}/settings/profile`);
  check((await v.page.locator('main').innerText()).includes('signs in through its issuer'), 'it has a password');
  await v.context.close();
});

test('the next login finds the account by its subject, and takes the roles of now', async () => {
  const v = await visitor(), w = await visitor();
  await signIn(v.page, 'a1');
  equal(path(v.page), '/projects');
  const before = (await users()).length;
  people.a1 = { email: 'other@example.com', email_verified: false, name: 'Anna Volt', preferred_username: 'somebody', groups: ['ops'] };
  await signIn(w.page, 'a1');
  equal(path(w.page), '/projects');
  check((await w.page.locator('.who').innerText()).includes('admin'), 'the role is the old one');
  equal((await users()).length, before, 'the number of users');
  const anna = await owner.get(`/api/users/${annaId}`);
  equal([anna.username, anna.email, anna.name, anna.roles], ['anna.o', 'anna.o@example.com', 'Anna Volt', ['admin']]);
  await v.page.goto(`${access.url}/projects`); // other roles end what was begun with the old ones
  equal(path(v.page), '/login', 'the older session leads to');
  await v.context.close();
  await w.context.close();
});

test('signing out ends the login at the issuer as well', async () => {
  const v = await visitor();
  await signIn(v.page, 'a1');
  const [cookie] = (await v.context.cookies(access.url)).filter((c) => c.name === 'slipway_session');
  await v.page.click('button:has-text("Sign out")');
  await v.page.waitForURL(`${real.issuer}/**`);
  await v.page.click('button[value=yes]');
  await v.page.waitForURL(`${access.url}/login**`);
  equal((await new Client(cookie.value).call('GET', '/api/auth/session')).status, 401);
  equal(sql("SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL AND id_token IS NOT NULL"), '0', 'tokens kept of ended sessions');
  // at the issuer nobody is logged in any more: it asks again
  await v.page.click('a:has-text("Sign in with")');
  equal(await v.page.locator('[name=login]').count(), 1, 'login forms of the issuer');
  await v.context.close();
});

test('POST /api/auth/logout of such a session is 204', async () => {
  const v = await visitor();
  await signIn(v.page, 'a1');
  const [cookie] = (await v.context.cookies(access.url)).filter((c) => c.name === 'slipway_session');
  equal((await new Client(cookie.value).call('POST', '/api/auth/logout')).status, 204);
  equal((await new Client(cookie.value).call('GET', '/api/auth/session')).status, 401);
  await v.context.close();
});

test('a verified address leads to the account that has it', async () => {
  const name = unique('ben');
  const ben = await owner.want(201, 'POST', '/api/users', { username: name, email: `${name}@example.com`, password: 'correct horse', roles: ['viewer'] });
  people.b1 = { email: `${name}@EXAMPLE.com`, email_verified: true, groups: ['dev'] };
  const v = await visitor();
  await signIn(v.page, 'b1');
  equal(path(v.page), '/projects');
  check((await v.page.locator('.who').innerText()).includes(name), 'it is another account');
  equal((await owner.get(`/api/users/${ben.id}`)).roles, ['developer']);
  // somebody else who has the address later is somebody else
  people.b2 = { email: `${name}@example.com`, email_verified: true, groups: ['ops'] };
  const w = await visitor();
  await signIn(w.page, 'b2');
  check((await w.page.locator('main').innerText()).includes('belongs to another person'), await w.page.locator('main').innerText());
  equal((await w.context.cookies(access.url)).filter((c) => c.name === 'slipway_session').length, 0, 'sessions');
  await v.context.close();
  await w.context.close();
});

test('who gets no role, is disabled, or refuses at the issuer is told', async () => {
  people.c1 = { email: 'carl@example.com', email_verified: true, groups: ['sales'] };
  const v = await visitor();
  await signIn(v.page, 'c1');
  equal(await v.page.locator('h1').innerText(), 'Sign-in refused');
  check((await v.page.locator('main').innerText()).includes('no role'), 'the reason is not shown');
  equal(await userOf('carl@example.com'), undefined);
  await owner.want(200, 'PATCH', `/api/users/${annaId}`, { disabled: true });
  await v.context.clearCookies();
  await signIn(v.page, 'a1');
  check((await v.page.locator('main').innerText()).includes('disabled'), 'a disabled account got in');
  await owner.want(200, 'PATCH', `/api/users/${annaId}`, { disabled: false });
  await v.context.clearCookies();
  await v.page.goto(`${access.url}/login`);
  await v.page.click('a:has-text("Sign in with")');
  await v.page.click('a:has-text("Cancel")');
  check((await v.page.locator('main').innerText()).includes('access_denied'), 'the refusal is not shown');
  await v.context.close();
});

// ---- an issuer that lies; by HTTP

const key = rsaKey(), curve = ecKey();
let subject, email;
const now = () => Math.floor(Date.now() / 1000);

// One login up to the callback. The options change what the issuer or the browser says.
async function attempt({ claims = {}, header = {}, sign = rs256(key), raw, answer = {}, cookie, again } = {}) {
  subject = unique('s');
  email = `${subject}@example.com`;
  const begun = again ?? await new Client().raw('GET', '/api/auth/oidc/login');
  equal(begun.status, 302, 'the status of the login');
  const to = new URL(begun.headers.get('location'));
  const asked = to.searchParams;
  liar.seen.challenge = asked.get('code_challenge');
  const payload = {
    iss: liar.issuer, aud: client, sub: subject, nonce: asked.get('nonce'), iat: now(), exp: now() + 300,
    email, email_verified: true, groups: ['dev'], ...claims,
  };
  for (const name of Object.keys(payload)) if (payload[name] === undefined) delete payload[name];
  liar.says.userinfo = { sub: subject };
  liar.says.token = () => raw?.(payload) ?? token({ alg: 'RS256', kid: 'k1', ...header }, payload, sign);
  const query = new URLSearchParams({ state: asked.get('state'), code: 'c', ...answer });
  const jar = cookie ?? begun.headers.get('set-cookie').split(';')[0];
  const r = await new Client().raw('GET', `/api/auth/oidc/callback?${query}`, { headers: { cookie: jar } });
  return { ...r, begun, asked, jar };
}
async function accepted(options) {
  const r = await attempt(options);
  if (r.status !== 302) throw new Error(`${r.status}: ${r.text} ${liar.seen.refused}`);
  equal(r.headers.get('location'), '/projects', 'where it leads');
  const session = /slipway_session=([^;]+); Path=\/; HttpOnly; SameSite=Lax/.exec(r.headers.get('set-cookie'))[1];
  equal((await new Client(session).get('/api/auth/session')).user.email, email);
  return r;
}
async function refused(why, options) {
  const before = sessions(), people_ = (await users()).length;
  const r = await attempt(options);
  if (r.status !== 401) throw new Error(`${r.status} and not 401: ${r.text}`);
  equal(r.headers.get('content-type'), 'application/problem+json');
  check(!(r.headers.get('set-cookie') ?? '').includes('slipway_session'), 'there is a session cookie');
  equal(sessions(), before, 'sessions');
  equal((await users()).length, people_, 'users');
  const entry = await lastAudit(r.headers.get('x-request-id'));
  check(entry, 'there is no entry of the audit log');
  equal([entry.action, entry.outcome], ['auth.failed', 'denied']);
  check(entry.change.reason.includes(why), `the reason is "${entry.change.reason}"`);
  check(r.json.detail.includes(why), `the detail is "${r.json.detail}"`);
  return r;
}

test('what an honest login sends is as the specifications want it', async () => {
  configure({ issuer: liar.issuer });
  forget();
  liar.says.jwks = { keys: [jwk(key, { kid: 'k1', use: 'sig', alg: 'RS256' }), jwk(curve, { kid: 'e1' })] };
  const r = await accepted();
  equal(liar.seen.how, 'basic');
  const { asked } = r;
  equal([asked.get('response_type'), asked.get('client_id'), asked.get('redirect_uri'), asked.get('scope'), asked.get('code_challenge_method')],
    ['code', client, redirect, 'openid email profile', 'S256']);
  check(asked.get('state').length >= 43 && asked.get('nonce').length >= 43, 'state or nonce are short');
  check(/HttpOnly; SameSite=Lax/.test(r.begun.headers.get('set-cookie')), 'the cookie can be read');
  await accepted({ header: { alg: 'ES256', kid: 'e1' }, sign: es256(curve) });
  await accepted({ claims: { aud: [client, 'other'], azp: client } });
  await accepted({ claims: { iat: now() + 30, exp: now() + 300 } }); // clocks differ
});

test('configuration and keys are asked for once and kept', async () => {
  const { configuration, jwks } = liar.seen;
  await accepted();
  await accepted();
  equal([liar.seen.configuration, liar.seen.jwks], [configuration, jwks]);
});

test('client_secret_post is used where the issuer takes nothing else', async () => {
  liar.says.configuration = { token_endpoint_auth_methods_supported: ['client_secret_post'] };
  forget();
  await accepted();
  equal(liar.seen.how, 'post');
  liar.says.configuration = {};
  forget();
});

test('an open redirect is not to be had', async () => {
  for (const next of ['//evil.example/', 'https://evil.example/', '/\\evil.example', 'javascript:alert(1)']) {
    const again = await new Client().raw('GET', `/api/auth/oidc/login?next=${encodeURIComponent(next)}`);
    equal((await attempt({ again })).headers.get('location'), '/projects', next);
  }
});

test('a token that is not signed is refused', async () => {
  for (const alg of ['none', 'None', 'NONE']) await refused('not RS256 or ES256', { header: { alg }, sign: null });
});
test('HS256 with the public key is refused', async () => {
  const pem = key.publicKey.export({ type: 'spki', format: 'pem' });
  const keys = [pem, pem.trim(), JSON.stringify(jwk(key, { kid: 'k1' })), Buffer.from(jwk(key).n, 'base64url'), secret];
  for (const k of keys) await refused("its algorithm is 'HS256'", { header: { alg: 'HS256' }, sign: hs256(k) });
});
test('a wrong nonce is refused', async () => {
  for (const nonce of ['another', '', undefined]) await refused('nonce', { claims: { nonce } });
});
test('a state is good once', async () => {
  const first = await accepted();
  await refused('unknown, too old, or was ended', { again: first.begun });
  await refused('unknown, too old, or was ended', { answer: { state: 'f'.repeat(64) } });
  await refused('not begun in this browser', { answer: { state: '' } });
});
test('the state of another browser is refused, and spoilt', async () => {
  const other = await new Client().raw('GET', '/api/auth/oidc/login');
  const cookie = other.headers.get('set-cookie').split(';')[0];
  const mine = await new Client().raw('GET', '/api/auth/oidc/login');
  await refused('begun in another browser', { again: mine, cookie });
  await refused('unknown, too old, or was ended', { again: mine });
  await refused('not begun in this browser', { cookie: 'x=y' });
});
test('a foreign audience is refused', async () => {
  for (const aud of ['somebody', ['somebody'], [], '', undefined]) await refused('for somebody else', { claims: { aud } });
  await refused('for several', { claims: { aud: [client, 'somebody'] } });
});
test('a wrong azp is refused', async () => {
  await refused('made for somebody else', { claims: { azp: 'somebody' } });
  await refused('made for somebody else', { claims: { aud: [client, 'somebody'], azp: 'somebody' } });
});
test('an expired token is refused', async () => {
  await refused('expired', { claims: { iat: now() - 1000, exp: now() - 120 } });
  await refused('until when', { claims: { exp: undefined } });
});
test('a token of the future is refused', async () => {
  await refused('in the future', { claims: { iat: now() + 3600, exp: now() + 7200 } });
  await refused('not good yet', { claims: { nbf: now() + 3600 } });
});
test('a bad signature is refused', async () => {
  await refused('signature', { sign: rs256(rsaKey()) });
  await refused('signature', { raw: (p) => { const [h, , s] = token({ alg: 'RS256', kid: 'k1' }, p, rs256(key)).split('.'); return [h, Buffer.from(JSON.stringify({ ...p, sub: 'root' })).toString('base64url'), s].join('.'); } });
  await refused('the token is refused', { header: { alg: 'ES256', kid: 'k1' } });
});
test('a wrong issuer is refused, in the token, in the answer and in the configuration', async () => {
  await refused('another issuer', { claims: { iss: 'https://evil.example' } });
  await refused('another issuer', { answer: { iss: 'https://evil.example' } });
  liar.says.configuration = { authorization_response_iss_parameter_supported: true };
  forget();
  await refused('another issuer'); // it promised to say who it is
  await accepted({ answer: { iss: liar.issuer } });
  liar.says.configuration = { issuer: 'https://evil.example' };
  forget();
  const r = await new Client().raw('GET', '/api/auth/oidc/login');
  equal(r.status, 401);
  check((await lastAudit(r.headers.get('x-request-id'))).change.reason.includes('of another issuer'), 'no reason');
  liar.says.configuration = { token_endpoint: 'http://evil.example/token' };
  equal((await new Client().raw('GET', '/api/auth/oidc/login')).status, 401);
  liar.says.configuration = {};
});
test('an e-mail address that is not verified is refused', async () => {
  for (const email_verified of [false, undefined, 'true', 1]) await refused('verified', { claims: { email_verified } });
  await refused('verified', { claims: { email: undefined } });
  // that nothing is verified is said, too
  await refused('verified', { claims: { email: undefined }, raw(payload) { liar.says.userinfo.email_verified = true; return token({ alg: 'RS256', kid: 'k1' }, payload, rs256(key)); } });
});
test('what the userinfo endpoint says of somebody else is refused', async () => {
  await refused('of somebody else', {
    raw(payload) {
      liar.says.userinfo = { sub: 'root' };
      return token({ alg: 'RS256', kid: 'k1' }, payload, rs256(key));
    },
  });
});
test('a malformed token, and none, are refused', async () => {
  for (const text of ['', 'x', 'a.b.c', '..', 'e30.e30.e30', `${'A'.repeat(20000)}.B.C`, 'a b', 7])
    await refused('', { raw: () => text });
  liar.says.tokenStatus = 400;
  await refused('with 400');
  liar.says.tokenStatus = 200;
});

test('a new key is found after a rotation; an unknown one is looked for once a minute', async () => {
  const next = rsaKey();
  await accepted();
  liar.says.jwks = { keys: [jwk(next, { kid: 'k2' })] };
  const before = liar.seen.jwks;
  await accepted({ header: { kid: 'k2' }, sign: rs256(next) });
  equal(liar.seen.jwks, before + 1, 'looks at the keys');
  await refused('no such key', { header: { kid: 'k3' }, sign: rs256(rsaKey()) });
  await refused('no such key'); // the old one is gone
  equal(liar.seen.jwks, before + 1, 'looks at the keys');
  await accepted({ header: { kid: 'k2' }, sign: rs256(next) });
});
test('huge and malformed keys are refused, and the good ones that were kept stay', async () => {
  const good = { keys: [jwk(key, { kid: 'k1' })] };
  const bad = [
    ['larger than', `{"keys":[],"x":"${'a'.repeat(400000)}"}`], ['no JWKS', 'not JSON'], ['no JWKS', '[]'], ['no JWKS', '{"keys":7}'],
    ['keys, 64 are the most', JSON.stringify({ keys: Array(65).fill({}) })], ['no JWKS', `{"keys":${'['.repeat(5000)}`],
    ['no such key', '{"keys":[7,null,{}]}'], ['no such key', JSON.stringify({ keys: [{ kty: 'oct', kid: 'k1', k: 'AAAA' }] })],
    ['damaged or too small', JSON.stringify({ keys: [{ kty: 'RSA', kid: 'k1', n: 'AAAA', e: 'AQAB' }] })],
  ];
  for (const [why, jwks] of bad) {
    forget();
    liar.says.jwks = jwks;
    await refused(why);
  }
  forget();
  liar.says.jwks = good;
  await accepted();
  liar.says.jwks = 'not JSON';
  await refused('no JWKS', { header: { kid: 'k9' }, sign: rs256(rsaKey()) });
  await accepted();
});

test('with open registration of ours an address is not taken for a person', async () => {
  const name = unique('dora');
  await owner.want(201, 'POST', '/api/users', { username: name, email: `${name}@example.com`, password: 'correct horse', roles: ['viewer'] });
  up('--set', 'web.registration=open');
  await refused('another account has this e-mail address', { claims: { email: `${name}@example.com` } });
  up('--unset', 'web.registration');
});

test('with closed registration nobody new gets in', async () => {
  configure({ registration: 'closed' });
  await refused('oidc.registration is closed');
});

test('an issuer that is away is 503', async () => {
  await liar.close();
  forget();
  const r = await new Client().raw('GET', '/api/auth/oidc/login');
  equal(r.status, 503);
  check(r.headers.get('retry-after'), 'there is no Retry-After');
  await real.close();
  await browser.close();
});

await main();
