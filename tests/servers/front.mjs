// SPDX-License-Identifier: MIT
// What differs between web servers in front of slipway-web, and must not: byte by byte, over TLS.
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { Client, access, check, equal, login, main, sign, sleep, test, unique, until } from '../e2e/lib.mjs';

const { hostname, port, host } = new URL(access.url);
const ca = readFileSync(process.env.NODE_EXTRA_CA_CERTS);
const log = () => readFileSync(join(process.env.SLIPWAY_TEST_FRONT, 'access.log'), 'utf8');
const owner = await login();
const bearer = `Authorization: Bearer ${owner.token}\r\n`;

function dial() {
  const socket = connect({ host: hostname, port, ca });
  socket.setEncoding('latin1');
  socket.text = '';
  socket.on('data', (d) => { socket.text += d; });
  socket.done = new Promise((resolve) => { socket.on('close', resolve); socket.on('error', () => {}); });
  return socket;
}
function parse(text) {
  const at = text.indexOf('\r\n\r\n');
  check(at > 0, `no answer: ${JSON.stringify(text.slice(0, 200))}`);
  const [line, ...rest] = text.slice(0, at).split('\r\n');
  const headers = Object.fromEntries(rest.map((h) => [h.slice(0, h.indexOf(':')).toLowerCase(), h.slice(h.indexOf(':') + 1).trim()]));
  let body = text.slice(at + 4);
  if (headers['transfer-encoding'] === 'chunked') {
    let out = '';
    for (;;) {
      const end = body.indexOf('\r\n');
      const n = parseInt(body.slice(0, end), 16);
      if (!n) break;
      out += body.slice(end + 2, end + 2 + n);
      body = body.slice(end + 4 + n);
    }
    body = out;
  }
  let json;
  try { json = JSON.parse(body); } catch { json = undefined; }
  return { status: Number(line.split(' ')[1]), headers, body, json };
}
// Sends these bytes and reads to the end.
async function raw(text) {
  const socket = dial();
  socket.write(text, 'latin1');
  await socket.done;
  return parse(socket.text);
}
const get = (target, headers = '') => raw(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${headers}\r\n`);

test('paths arrive as they were sent: encoded slashes, double slashes, a trailing slash', async () => {
  const name = unique('path');
  const project = await owner.want(201, 'POST', '/api/projects', { name });
  equal((await get(`/api/projects/${project.id}`, bearer)).status, 200);
  equal((await get(`/api/projects%2F${project.id}`, bearer)).status, 404, 'an encoded slash is no separator');
  equal((await get(`/api/projects/..%2Fprojects/${project.id}`, bearer)).status, 404);
  equal((await get(`/api/%70rojects/${project.id}`, bearer)).status, 200, 'an encoded letter is that letter');
  // what a client sends is what Slipway judges: all three give its own answer
  const twice = await get(`/api//projects/${project.id}`, bearer);
  const trailing = await get(`/api/projects/${project.id}/`, bearer);
  equal([twice.status, trailing.status], [400, 200]);
  equal([twice.headers['x-request-id'], trailing.headers['x-request-id']].filter(Boolean).length, 2, 'answered by Slipway itself');
});

test('a chunked body without a length', async () => {
  const name = unique('chunked');
  const json = JSON.stringify({ name });
  const chunks = [json.slice(0, 5), json.slice(5)].map((c) => `${c.length.toString(16)}\r\n${c}\r\n`).join('');
  const r = await raw(`POST /api/projects HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${bearer}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
  equal([r.status, r.json?.name], [201, name], r.body);
});

test('a length and chunks at once do not smuggle a second request', async () => {
  const before = (await owner.get('/api/projects?limit=1'))[0]?.id;
  const inner = `POST /api/projects HTTP/1.1\r\nHost: ${host}\r\n${bearer}Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{"name":"smuggled"} `;
  const r = await raw(`POST /api/projects HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${bearer}Content-Type: application/json\r\nContent-Length: ${5 + inner.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`);
  check(r.status >= 400 && r.status < 500, `${r.status}`);
  equal((await owner.get('/api/projects?limit=1'))[0]?.id, before);
});

test('Authorization is passed', async () => {
  equal((await get('/api/auth/session', bearer)).status, 200);
  equal((await get('/api/auth/session')).status, 401);
});

test('"Proxy:" is not taken for our proxy', async () => {
  const r = await get('/api/auth/session', `${bearer}Proxy: http://127.0.0.1:9/\r\n`);
  equal(r.status, 200);
});

test('a header with underscores is not the one with dashes', async () => {
  const id = `under-${randomUUID()}`;
  const dashed = await get('/healthz', `X-Request-Id: ${id}\r\n`);
  equal(dashed.headers['x-request-id'], id, 'the dashed one counts');
  const under = await get('/healthz', `X_Request_Id: ${id}\r\n`);
  check(under.status === 200 || under.status === 400, `${under.status}`);
  check(under.headers['x-request-id'] !== id, 'the underscored one was taken for it');
});

test('a webhook of 5 MB is taken, an API body of 2 MB is not', async () => {
  const payload = JSON.stringify({ zen: 'x'.repeat(5e6), repository: { clone_url: access.repoUrl } });
  const hook = await new Client().raw('POST', '/api/webhooks/github', {
    body: payload,
    headers: { 'content-type': 'application/json', 'x-github-event': 'ping', 'x-github-delivery': randomUUID(), 'x-hub-signature-256': sign(access.webhookSecret, payload) },
  });
  equal(hook.status, 200, hook.text.slice(0, 200));
  const big = await owner.call('POST', '/api/projects', { name: 'x', description: 'y'.repeat(2e6) });
  equal([big.status, big.json?.status], [413, 413], big.text.slice(0, 200));
  const huge = await new Client().raw('POST', '/api/webhooks/github', {
    body: randomBytes(28 << 20), headers: { 'content-type': 'application/json' },
  }).catch(() => ({ status: 413 })); // a server may close before it has read it all
  equal(huge.status, 413);
});

test('HEAD has the headers of GET and no body', async () => {
  const g = await get('/api/projects', bearer);
  const h = await raw(`HEAD /api/projects HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${bearer}\r\n`);
  equal([h.status, h.body, h.headers['content-type']], [200, '', g.headers['content-type']]);
});

test('If-None-Match and If-Match reach Slipway', async () => {
  const project = await owner.want(201, 'POST', '/api/projects', { name: unique('tag') });
  const path = `/api/projects/${project.id}`;
  const g = await get(path, bearer);
  check(g.headers.etag, 'no ETag');
  const again = await get(path, `${bearer}If-None-Match: ${g.headers.etag}\r\n`);
  equal([again.status, again.body], [304, '']);
  equal(again.headers.etag, g.headers.etag);
  equal((await owner.call('PATCH', path, { name: unique('tag') }, { 'if-match': '"other"' })).status, 412);
});

test('every method that the API has gets through', async () => {
  const project = await owner.want(201, 'POST', '/api/projects', { name: unique('method') });
  await owner.want(200, 'PATCH', `/api/projects/${project.id}`, { description: 'x' });
  equal((await owner.call('PUT', `/api/projects/${project.id}`, {})).status, 405);
  await owner.want(204, 'DELETE', `/api/projects/${project.id}`);
});

test('stalled uploads do not keep the others waiting', async () => {
  const stalled = Array.from({ length: 24 }, () => {
    const socket = dial();
    socket.write(`POST /api/webhooks/github HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"a":"`);
    return socket;
  });
  await Promise.all(stalled.map((s) => new Promise((done) => { s.once('secureConnect', done); })));
  await sleep(1000);
  const answers = await Promise.all(Array.from({ length: 16 }, () => get('/api/auth/session', bearer)));
  equal(answers.map((a) => a.status), answers.map(() => 200));
  // all of that while the uploads were still there
  equal(stalled.filter((s) => s.destroyed || s.text).length, 0);
  for (const s of stalled) s.destroy();
});

test('tokens are not in the access log', async () => {
  const token = `t0k3n${randomBytes(12).toString('hex')}`;
  await get(`/api/webhooks/docker?token=${token}`);
  await get(`/api/auth/oidc/callback?code=${token}&state=${token}`, `Referer: https://example.com/?token=${token}\r\n`);
  await get('/api/auth/session', `Authorization: Bearer ${token}\r\nX-Gitlab-Token: ${token}\r\nCookie: slipway_session=${token}\r\n`);
  const mark = unique('mark');
  await get(`/api/${mark}`);
  const text = await until('the log', () => { const l = log(); return l.includes(mark) && l; }, 10);
  check(text.includes('/api/webhooks/docker') && text.includes('/api/auth/oidc/callback'), 'the requests are not logged');
  check(!text.includes(token), 'a token is in the log');
});

test('static files come from the web server, with their types', async () => {
  const css = await get('/static/app.css');
  equal([css.status, css.headers['content-type'].split(';')[0], css.headers['cache-control'], css.headers['x-content-type-options']],
    [200, 'text/css', 'no-cache', 'nosniff']);
  check(css.body.length > 1000 && !css.headers['x-request-id'], 'it came from Slipway');
  const svg = await get('/static/icons.svg');
  equal(svg.headers['content-type'].split(';')[0], 'image/svg+xml');
  const icon = await get('/favicon.ico');
  equal([icon.status, icon.headers['content-type'].split(';')[0]], [200, 'image/svg+xml']);
  const again = await get('/static/app.css', css.headers.etag ? `If-None-Match: ${css.headers.etag}\r\n` : `If-Modified-Since: ${css.headers['last-modified']}\r\n`);
  equal(again.status, 304);
  for (const path of ['/static/', '/static/nothing.css', '/static/../slipway.conf', '/static/%2e%2e/sql/0001_accounts.sql'])
    check([403, 404, 400].includes((await get(path)).status), `${path}: ${(await get(path)).status}`);
});

// Caddy does that by itself, and on port 80 alone.
if (process.env.SLIPWAY_TEST_SERVER !== 'caddy') test('http leads to https', async () => {
  const { get: ask } = await import('node:http');
  const r = await new Promise((done, no) => ask({ host: hostname, port: Number(port) + 10, path: '/projects', headers: { host: '127.0.0.1' } }, done).on('error', no));
  r.resume();
  equal(r.statusCode, 301);
  check(r.headers.location.startsWith('https://127.0.0.1') && r.headers.location.endsWith('/projects'), r.headers.location);
});

await main();
