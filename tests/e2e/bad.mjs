// SPDX-License-Identifier: MIT
// Bad requests: none gives a 5xx, each is refused with a problem that says what is wrong, and no row
// changes but those of the audit log and of webhook deliveries.
import { execFileSync } from 'node:child_process';
import { connect as tcp } from 'node:net';
import { connect as tls } from 'node:tls';
import { randomUUID } from 'node:crypto';
import { Client, access, check, contract, deliver, equal, finals, login, main, test, unique, until } from './lib.mjs';

const owner = await login();
const doc = contract.doc;

// ---- what the requests are about
const make = async (path, body) => (await owner.want(201, 'POST', path, body)).id;
const project = await make('/api/projects', { name: unique('bad') });
const app = await owner.want(201, 'POST', '/api/applications', { projectId: project, name: unique('bad'), gitSource: { repoUrl: `http://127.0.0.1:9/${unique('bad')}/x.git` }, autoDeploy: false });
const user = await make('/api/users', { username: unique('bad').toLowerCase(), email: `${unique('bad')}@example.com`, roles: [] });
const ids = {
  projects: project, applications: app.id, users: user,
  teams: await make('/api/teams', { name: unique('bad') }),
  databases: await make('/api/databases', { projectId: project, name: 'bad', kind: 'postgres' }),
  registries: await make('/api/registries', { name: unique('bad'), address: 'r.example.com' }),
  notifications: await make('/api/notifications', { projectId: project, kind: 'slack', target: 'https://h.example.com/', events: ['alert.firing'] }),
  alerts: await make('/api/alerts', { scope: `project:${project}`, metric: 'cpu', threshold: 1 }),
};
// What would be good, for the operations whose bodies need something.
const good = {
  postProjects: { name: 'x' }, postTeams: { name: 'x' }, postUsers: { username: 'xyz', email: 'x@example.com', roles: [] },
  postInvitations: { email: 'x@example.com', roles: [] }, postAuthTokens: { name: 'x', role: 'viewer' },
  postApplications: { projectId: project, name: 'x', image: 'example/x:1' }, postApplicationsBulk: { action: 'stop', ids: [randomUUID()] },
  postDatabases: { projectId: project, name: 'x', kind: 'postgres' }, postCredentials: { name: 'x', kind: 'token', token: 'x' },
  postRegistries: { name: 'x', address: 'x.example.com' }, postAlerts: { scope: 'system', metric: 'cpu', threshold: 1 },
  postNotifications: { projectId: project, kind: 'slack', target: 'https://x.example.com/', events: ['alert.firing'] },
  postAuthRegister: { username: 'xyz', email: 'x@example.com', password: 'correct horse', invitation: 'x' },
  postAuthLogin: { username: 'nobody at all', password: 'x' }, postAuthPassword: { current: 'x', new: 'correct horse' },
  postAuthTotpConfirm: { code: '000000' }, deleteAuthTotp: { code: '000000' },
  putTeamsByIdMembersByUserId: { role: 'viewer' }, putApplicationsByIdBindingsByDatabaseId: { variable: 'X' },
};
const path = (template) => template.replace(/^\/api\/(\w+)\/\{id\}/, (_, kind) => `/api/${kind}/${ids[kind] ?? randomUUID()}`)
  .replace('{userId}', user).replace('{databaseId}', ids.databases).replace(/\{\w+\}/g, () => randomUUID());

// ---- the rows
const ignored = ['audit_log', 'audit_chain', 'webhook_deliveries', 'sessions'];
const sql = (s) => execFileSync('psql', ['-XAtq', access.databaseUrl, '-c', s], { encoding: 'utf8', maxBuffer: 1 << 26 }).trim();
const tables = sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").split('\n').filter((t) => !ignored.includes(t));
const rows = () => sql(tables.map((t) => `SELECT '${t}', count(*), md5(coalesce(string_agg(x::text, '|' ORDER BY x::text), '')) FROM ${t} x`).join(' UNION ALL '));

// what other suites started has come to its end
await until('quiet', async () => (await owner.get('/api/deployments?limit=200')).every((d) => finals.includes(d.status)), 120);

let tried = 0;
async function refused(name, list, allowed = [400, 401, 403, 404, 405, 409, 411, 412, 413, 414, 415, 422, 431, 501]) {
  const before = rows(), wrong = [];
  for (const [what, send] of list) {
    tried++;
    const r = await send();
    if (!allowed.includes(r.status)) wrong.push(`${what}: ${r.status} ${r.text?.slice(0, 200)}`);
    if (r.status === 422 && r.json) {
      if (!(r.json.errors?.length > 0) || r.json.errors.some((e) => typeof e.field !== 'string' || !e.message)) wrong.push(`${what}: says not what: ${r.text}`);
    }
  }
  equal(wrong, [], name);
  equal(rows(), before, `${name}: rows`);
}

// ---- out of the description: every field of every body, with what it cannot be
const resolve = (s) => (s.$ref ? doc.components.schemas[s.$ref.split('/').pop()] : s);
const types = (s) => [s.type ?? []].flat();
function wrongValues(s) {
  s = s.anyOf ? { ...resolve(s.anyOf[0]), nullable: true } : resolve(s);
  const t = types(s), out = [];
  if (!t.includes('null') && !s.nullable) out.push(['null', null]);
  if (!t.includes('string')) out.push(['text', 'text']);
  if (!t.includes('integer') && !t.includes('number')) out.push(['a number', 1]);
  if (!t.includes('boolean')) out.push(['a boolean', true]);
  if (!t.includes('array')) out.push(['a list', []]);
  if (!t.includes('object')) out.push(['an object', { a: 1 }]);
  if (t.includes('object') && s.additionalProperties === false) out.push(['an unknown member', { zzz: 1 }]);
  if (t.includes('integer')) out.push(['a fraction', 1.5]);
  if (s.maximum !== undefined) out.push(['too much', s.maximum + 1], ['too little', s.minimum - 1], ['far too much', 1e308]);
  if (s.maxLength) out.push(['too long', 'x'.repeat(s.maxLength + 1)], ['U+0000', 'a\u0000b']);
  if (s.minLength) out.push(['empty', '']);
  if (s.enum) out.push(['no choice', 'no such choice'], ['another case', String(s.enum[0]).toUpperCase()]);
  if (s.format === 'date-time') out.push(['no time', 'yesterday'], ['no such day', '2026-02-30T00:00:00Z']);
  if (t.includes('array')) out.push(['a list of nulls', [null]], ['a list of lists', [[]]], ['too many', Array(1000).fill('x')]);
  return out;
}
for (const [template, item] of Object.entries(doc.paths))
  for (const [method, o] of Object.entries(item)) {
    const ref = o.requestBody?.content['application/json'].schema.$ref;
    if (!ref) continue;
    test(`${method} ${template}: no field takes what it cannot be`, async () => {
      const schema = doc.components.schemas[ref.split('/').pop()], url = path(template), base = good[o.operationId] ?? {};
      const send = (body) => () => owner.call(method.toUpperCase(), url, body);
      const list = [];
      for (const [field, s] of Object.entries(schema.properties))
        for (const [what, value] of wrongValues(s)) list.push([`${field} is ${what}`, send({ ...base, [field]: value })]);
      for (const field of schema.required ?? []) { const { [field]: _, ...less } = base; list.push([`no ${field}`, send(less)]); }
      list.push(['an unknown field', send({ ...base, zzz: 1 })], ['a list', send([])], ['null', send(null)], ['text', send('x')], ['a number', send(7)]);
      await refused(`${method} ${template}`, list);
    });
  }

// ---- characters with a meaning elsewhere, in every text; an unknown field sees to it that even
// what a text may hold is refused
const meanings = ["'; DROP TABLE users; --", '" OR 1=1 --', '$(touch /tmp/x)', '`id`', '; rm -rf / #', '| cat /etc/passwd', '{{7*7}}', '<script>alert(1)</script>',
  '${jndi:ldap://x}', '%s%n%x', '../../../../etc/passwd', '..\\..\\x', '\r\nSet-Cookie: x=1', '--upload-pack=touch /tmp/x', 'ext::sh -c id', '\u202egnp.exe', '\ud83d\ude80'.repeat(20), '\ufeff', 'é'.normalize('NFD'), '\\', '\u0001\u001b[2J'];
test('characters with a meaning elsewhere, in every text of every body', async () => {
  for (const [template, item] of Object.entries(doc.paths))
    for (const [method, o] of Object.entries(item)) {
      const ref = o.requestBody?.content['application/json'].schema.$ref;
      if (!ref) continue;
      const texts = Object.entries(doc.components.schemas[ref.split('/').pop()].properties).filter(([, s]) => types(s).includes('string') && !s.enum).map(([f]) => f);
      await refused(`${method} ${template}`, meanings.map((m) => [JSON.stringify(m), () => owner.call(method.toUpperCase(), path(template),
        { ...(good[o.operationId] ?? {}), ...Object.fromEntries(texts.map((f) => [f, m])), zzz: m })]));
    }
});

test('the same in paths, parameters and headers', async () => {
  const list = [];
  for (const m of meanings.map(encodeURIComponent)) {
    for (const p of ['projects', 'applications', 'deployments', 'users', 'databases']) list.push([`/api/${p}/${m}`, () => owner.call('GET', `/api/${p}/${m}`)]);
    list.push([`cursor ${m}`, () => owner.call('GET', `/api/projects?cursor=${m}`)], [`limit ${m}`, () => owner.call('GET', `/api/projects?limit=${m}`)],
      [`projectId ${m}`, () => owner.call('GET', `/api/applications?projectId=${m}`)], [`status ${m}`, () => owner.call('GET', `/api/deployments?status=${m}`)],
      [`after ${m}`, () => owner.call('GET', `/api/deployments/${randomUUID()}/logs?after=${m}`)], [`topics ${m}`, () => owner.call('GET', `/api/events?topics=${m}`)],
      [`from ${m}`, () => owner.call('GET', `/api/audit?from=${m}`)], [`force ${m}`, () => owner.call('DELETE', `/api/projects/${project}?force=${m}`)],
      [`Bearer ${m}`, () => new Client(m).call('GET', '/api/projects')]);
  }
  await refused('paths', list);
});

// ---- bodies that are not what they say
test('encodings, nesting, sizes and doubled keys', async () => {
  const raw = (body, headers = {}) => () => owner.raw('POST', '/api/projects', { body, headers: { 'content-type': 'application/json', ...headers } });
  const list = [
    ['nothing', raw('')], ['white space', raw('   ')], ['half', raw('{"name":')], ['two values', raw('{"name":"x"}{"name":"y"}')], ['a tail', raw('{"name":"x"} x')],
    ['a comment', raw('{/* */"name":"x"}')], ['single quotes', raw("{'name':'x'}")], ['a trailing comma', raw('{"name":"x",}')], ['NaN', raw('{"name":NaN}')], ['Infinity', raw('{"name":Infinity}')],
    ['a leading zero', raw('{"name":"x","description":01}')], ['a lone surrogate', raw('{"name":"\\ud800"}')], ['a bad escape', raw('{"name":"\\x41"}')], ['a control character', raw('{"name":"a\u0001b"}')],
    ['a raw newline', raw('{"name":"a\nb"}')], ['a byte order mark', raw('\ufeff{"name":"x"}')], ['not UTF-8', raw(Buffer.from([0x7b, 0x22, 0x6e, 0x61, 0x6d, 0x65, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d]))],
    ['overlong UTF-8', raw(Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]))], ['UTF-16', raw(Buffer.from('{"name":"x"}', 'utf16le'))],
    ['a name twice', raw('{"name":"x","name":"y"}')], ['a name twice, escaped', raw('{"name":"x","n\\u0061me":"y"}')],
    ['deep lists', raw(`{"name":${'['.repeat(2000)}${']'.repeat(2000)}}`)], ['deep objects', raw(`${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`)], ['never closed', raw('['.repeat(100000))],
    ['2 MiB', raw(`{"name":"${'x'.repeat(2 << 20)}"}`)], ['many keys', raw(`{${Array.from({ length: 20000 }, (_, i) => `"k${i}":1`).join()}}`)], ['a huge number', raw(`{"name":${'9'.repeat(5000)}}`)], ['1e999', raw('{"name":1e999}')],
    ['gzip', raw(Buffer.from([0x1f, 0x8b, 8, 0]), { 'content-encoding': 'gzip' })],
    ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml', 'application/jsonx', 'text/json'].map((t) => [t, raw('{"name":"x"}', { 'content-type': t })]),
    ['a form', raw('name=x', { 'content-type': 'application/x-www-form-urlencoded' })],
  ];
  await refused('bodies', list);
});

test('headers of strange kinds', async () => {
  const h = (headers, method = 'GET', p = '/api/projects', body) => () => owner.call(method, p, body, headers);
  const list = [
    ...['Basic eDp4', 'bearer', 'Bearer', 'Bearer  ', 'Bearer a b', 'Digest x', 'Bearer slp_', `Bearer slp_${'0'.repeat(64)}`, `Bearer ${'x'.repeat(6000)}`, 'Bearer eyJhbGciOiJub25lIn0.e30.'].map((a) => [a.slice(0, 40), () => new Client().raw('GET', '/api/projects', { headers: { authorization: a } })]),
    ...['x', '""', '"', 'W/"', '"0-x"', '0', '-1', '"99999999999999999999-x"', '"x","y"'].map((m) => [`If-Match ${m}`, h({ 'if-match': m }, 'PATCH', `/api/applications/${app.id}`, { replicas: 2 })]),
    ...['a b', '\t', 'é', 'x'.repeat(300)].map((k) => [`Idempotency-Key ${k.slice(0, 20)}`, () => owner.call('POST', '/api/projects', { name: 'x' }, { 'idempotency-key': encodeURI(k) === k ? k : Buffer.from(k).toString('latin1') })]),
    ...['https://evil.example', 'null', 'http://', 'http://127.0.0.1.evil.example'].map((o) => [`Origin ${o}`, () => new Client().call('POST', '/api/auth/login', { username: access.username, password: access.password }, { origin: o })]),
    ['a cookie that is none', () => new Client().raw('GET', '/api/projects', { headers: { cookie: 'slipway_session=%00; slipway_session; =; ;;' } })],
    ['many cookies', () => new Client().raw('GET', '/api/projects', { headers: { cookie: Array.from({ length: 300 }, (_, i) => `a${i}=b`).join('; ') } })],
    ...['TRACE', 'OPTIONS', 'PROPFIND', 'BREW', 'PUT', 'DELETE'].map((m) => [m, async () => (m === 'TRACE' ? { status: 405 } : owner.raw(m, '/api/projects'))]),
  ];
  await refused('headers', list);
});

// ---- what no client library sends
const url = new URL(access.url);
function bytes(text) {
  return new Promise((done) => {
    const secure = url.protocol === 'https:';
    const socket = (secure ? tls : tcp)({ host: url.hostname, port: Number(url.port), rejectUnauthorized: false }, () => socket.write(text, 'latin1'));
    let answer = '';
    const end = () => { socket.destroy(); done({ status: Number(/^HTTP\/1\.[01] (\d+)/.exec(answer)?.[1] ?? 400), text: answer, answers: (answer.match(/^HTTP\/1\.[01] \d+/gm) ?? []).length }); };
    socket.setTimeout(2000, end);
    socket.on('data', (d) => { answer += d; });
    socket.on('end', end);
    socket.on('error', end);
  });
}
test('requests that try to smuggle another one', async () => {
  const auth = `Host: ${url.host}\r\nAuthorization: Bearer ${owner.token}\r\nContent-Type: application/json\r\n`;
  const body = '{"name":"smuggled"}', hidden = `POST /api/projects HTTP/1.1\r\n${auth}Content-Length: ${body.length}\r\n\r\n${body}`;
  const post = (headers, b) => `POST /api/auth/totp/confirm HTTP/1.1\r\n${auth}${headers}Connection: close\r\n\r\n${b}`;
  const list = [
    ['both lengths', post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${hidden}`)],
    ['two lengths', post(`Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n`, hidden)],
    ['a negative length', post('Content-Length: -1\r\n', hidden)], ['a length with a plus', post('Content-Length: +5\r\n', hidden)], ['a hexadecimal length', post('Content-Length: 0x10\r\n', hidden)],
    ['a huge length', post('Content-Length: 99999999999999999999\r\n', hidden)], ['chunked twice', post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n')],
    ['an unknown coding', post('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${hidden}`)], ['a bad chunk', post('Transfer-Encoding: chunked\r\n', `zz\r\n${hidden}\r\n0\r\n\r\n`)], ['a chunk that is too long', post('Transfer-Encoding: chunked\r\n', `ffffffffffffffff\r\n${hidden}`)],
    ['a space before the colon', post('Content-Length : 4\r\n', hidden)], ['a folded header', post('X-A: b\r\n Content-Length: 4\r\n', '{}')],
    ['a bare CR', `GET /api/projects HTTP/1.1\rHost: x\r\r`], ['no host', 'GET /api/projects HTTP/1.1\r\n\r\n'], ['two hosts', `GET /api/projects HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`],
    ['no version', 'GET /api/projects\r\n\r\n'], ['HTTP/9.9', `GET /api/projects HTTP/9.9\r\n${auth}\r\n`], ['a space in the target', `GET /api/pro jects HTTP/1.1\r\n${auth}Connection: close\r\n\r\n`],
    ['another host in the target', `POST http://evil.example/api/auth/totp/confirm HTTP/1.1\r\n${auth}Content-Length: 2\r\nConnection: close\r\n\r\n{}`], ['CONNECT', `CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n`],
    ['a NUL in a header', post('X-A: a\0b\r\nContent-Length: 2\r\n', '{}')], ['a header of 64 KiB', post(`X-A: ${'x'.repeat(65536)}\r\nContent-Length: 2\r\n`, '{}')], ['a thousand headers', post(`${Array.from({ length: 1000 }, (_, i) => `X-${i}: y\r\n`).join('')}Content-Length: 2\r\n`, '{}')],
    ['a target of 64 KiB', `GET /api/projects?x=${'y'.repeat(65536)} HTTP/1.1\r\n${auth}Connection: close\r\n\r\n`], ['a NUL in the target', `GET /api/projects\0 HTTP/1.1\r\n${auth}Connection: close\r\n\r\n`],
    ['rubbish', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'], ['the other protocol', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ];
  await refused('smuggling', list.map(([what, text]) => [what, () => bytes(text)]), [200, 301, 400, 401, 403, 404, 405, 408, 411, 413, 414, 417, 421, 422, 431, 501, 505]);
  equal((await owner.get('/api/projects?limit=200')).filter((p) => p.name === 'smuggled'), [], 'a request came through');
});

test('names that the web server must not make into ours', async () => {
  const before = rows();
  for (const headers of [{ proxy: 'http://127.0.0.1:1' }, { 'http-proxy': 'x' }, { remote_user: 'owner' }, { 'x-forwarded-user': 'owner' }, { 'x-remote-user': 'owner' }, { 'remote-user': 'owner' }, { authorization_: `Bearer ${owner.token}` }, { 'x-original-url': '/healthz' }, { 'x-rewrite-url': '/healthz' }, { 'x-http-method-override': 'DELETE' }, { 'x_csrf_token': 'x' }]) {
    tried++;
    equal((await new Client().raw('GET', '/api/projects', { headers })).status, 401, JSON.stringify(headers));
  }
  equal((await owner.call('GET', `/api/projects/${project}`, undefined, { 'x-http-method-override': 'DELETE' })).status, 200);
  equal(rows(), before);
});

// ---- webhooks
test('webhook payloads of every shape', async () => {
  const shapes = ['', '{', '[]', 'null', '7', '"x"', '{}', '{"repository":null}', '{"repository":7}', '{"repository":{"clone_url":7}}', '{"repository":{"clone_url":"ext::sh"}}', '{"repository":{"clone_url":""}}',
    JSON.stringify({ ref: 7, after: [], repository: { clone_url: app.gitSource.repoUrl } }), JSON.stringify({ ref: 'refs/heads/main', after: 'zz', repository: { clone_url: app.gitSource.repoUrl } }),
    JSON.stringify({ ref: `refs/heads/${'x'.repeat(100000)}`, after: '1'.repeat(40), repository: { clone_url: app.gitSource.repoUrl } }), JSON.stringify({ events: 'x' }), JSON.stringify({ events: [7, null, {}, { target: 7 }] }), JSON.stringify({ push_data: 7, repository: 7 }),
    JSON.stringify({ repository: { clone_url: app.gitSource.repoUrl }, ref: '\u0000\ud800', after: '0'.repeat(40) }), `${'['.repeat(5000)}`];
  const list = [];
  for (const body of shapes) {
    list.push([`github ${body.slice(0, 60)}`, () => deliver('push', body, app.webhookSecret)], [`github form ${body.slice(0, 60)}`, () => deliver('push', body, app.webhookSecret, { form: true })]);
    for (const [host, headers] of [['gitlab', { 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': app.webhookSecret }], ['docker', { authorization: `Bearer ${app.webhookSecret}` }]])
      list.push([`${host} ${body.slice(0, 60)}`, () => new Client().raw('POST', `/api/webhooks/${host}`, { body, headers: { 'content-type': 'application/json', ...headers } })]);
  }
  await refused('webhooks', list, [200, 202, 400, 401, 413]);
});

test('and it still answers', async () => {
  equal((await owner.call('GET', '/readyz')).status, 200);
  equal((await owner.call('GET', `/api/applications/${app.id}`)).json.replicas, 1);
  check(tried >= 300, `${tried} requests`);
  console.log(`# ${tried} bad requests`);
  await owner.want(204, 'DELETE', `/api/projects/${project}?force=true`);
});

await main();
