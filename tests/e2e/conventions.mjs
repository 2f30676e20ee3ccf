// SPDX-License-Identifier: MIT
// What holds for every resource: repeating, bulk actions, conditions, pages, and that every change
// is in the audit log.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Client, check, equal, login, main, test, unique, until } from './lib.mjs';

const owner = await login();
const project = (await owner.want(201, 'POST', '/api/projects', { name: unique('conventions') })).id;
const app = (more = {}) => owner.want(201, 'POST', '/api/applications',
  { projectId: project, name: unique('a'), gitSource: { repoUrl: `http://127.0.0.1:9/${unique('x')}/y.git` }, ...more });

// ---- Idempotency-Key
const repeat = (client, path, body, key) => client.call('POST', path, body, { 'idempotency-key': key });

test('the same key, path and body give the first answer again and do nothing twice', async () => {
  const key = randomUUID(), body = { name: unique('once') };
  const first = await repeat(owner, '/api/projects', body, key);
  const second = await repeat(owner, '/api/projects', body, key);
  equal([first.status, second.status], [201, 201]);
  equal(second.text, first.text);
  equal(second.headers.get('location'), first.headers.get('location'));
  equal([first.headers.get('idempotency-replayed'), second.headers.get('idempotency-replayed')], [null, 'true']);
  equal((await owner.get('/api/projects?limit=200')).filter((p) => p.name === body.name).length, 1);
});

test('another body is 409; another path or caller has keys of its own', async () => {
  const key = randomUUID(), body = { name: unique('k') };
  equal((await repeat(owner, '/api/projects', body, key)).status, 201);
  const other = await repeat(owner, '/api/projects', { name: unique('other') }, key);
  equal(other.status, 409, other.text);
  equal((await repeat(owner, '/api/teams', body, key)).status, 201);
  const token = (await owner.want(201, 'POST', '/api/auth/tokens', { name: 'k', role: 'admin' })).token;
  const robot = await repeat(new Client(token), '/api/projects', body, key); // a caller of its own
  equal([robot.status, robot.headers.get('idempotency-replayed')], [201, null]);
  const name = unique('k').toLowerCase();
  await owner.want(201, 'POST', '/api/users', { username: name, email: `${name}@example.com`, password: 'correct horse', roles: ['developer'] });
  const second = await repeat(await login(name, 'correct horse'), '/api/projects', body, key);
  equal([second.status, second.headers.get('idempotency-replayed')], [201, null]);
});

test('what is shown once is not shown again', async () => {
  const cases = [
    ['/api/auth/tokens', { name: unique('t'), role: 'viewer' }, ['token']],
    ['/api/applications', { projectId: project, name: unique('a'), image: 'example/a:1' }, ['webhookSecret']],
    ['/api/invitations', { email: `${unique('i')}@example.com`, roles: [] }, ['link']],
    ['/api/notifications', { projectId: project, kind: 'webhook', target: 'https://h.example.com/', events: ['alert.firing'] }, ['secret']],
  ];
  for (const [path, body, secrets] of cases) {
    const key = randomUUID();
    const first = await repeat(owner, path, body, key);
    const second = await repeat(owner, path, body, key);
    equal([first.status, second.status], [201, 201], first.text);
    for (const s of secrets) {
      check(first.json[s], `${path}: no ${s}`);
      equal(second.json[s], null, path);
      check(!second.text.includes(first.json[s]), path);
    }
  }
});

test('ten at once with one key make one', async () => {
  const key = randomUUID(), body = { name: unique('race') };
  const answers = await Promise.all(Array.from({ length: 10 }, () => repeat(owner, '/api/projects', body, key)));
  equal(new Set(answers.map((a) => a.text)).size, 1);
  equal(answers.filter((a) => a.headers.get('idempotency-replayed') === null).length, 1);
});

test('what was refused may be tried again; a bad key is refused', async () => {
  const key = randomUUID();
  equal((await repeat(owner, '/api/projects', { name: '' }, key)).status, 422);
  equal((await repeat(owner, '/api/projects', { name: unique('ok') }, key)).status, 201);
  for (const bad of ['', 'a b', 'x'.repeat(256)]) {
    const r = await repeat(owner, '/api/projects', { name: unique('bad') }, bad);
    if (bad === '' && r.status === 201) continue; // fetch leaves an empty header out
    equal(r.status, 422, r.text);
  }
});

// ---- bulk
test('bulk gives each its own status and is never all or nothing', async () => {
  const apps = [await app(), await app(), await app()];
  const results = await owner.want(200, 'POST', '/api/applications/bulk',
    { action: 'delete', ids: [apps[0].id, randomUUID(), 'nonsense', apps[1].id, apps[0].id] });
  equal(results.map((r) => r.status), [204, 404, 404, 204, 404]);
  check(results[1].detail && results[3].detail === null, JSON.stringify(results));
  equal((await owner.call('GET', `/api/applications/${apps[0].id}`)).status, 404);
  equal((await owner.call('GET', `/api/applications/${apps[2].id}`)).status, 200);
  const deployed = await owner.want(200, 'POST', '/api/applications/bulk', { action: 'deploy', ids: [apps[2].id] });
  await owner.get(`/api/deployments/${deployed[0].deploymentId}`);
  for (const body of [{}, { action: 'explode', ids: [apps[2].id] }, { action: 'stop', ids: [] }, { action: 'stop', ids: [1] }, { action: 'stop', ids: Array(101).fill('x') }])
    equal((await owner.call('POST', '/api/applications/bulk', body)).status, 422, JSON.stringify(body));
});

// ---- conditions and pages
test('an ETag answers 304 until something changes, and guards a change', async () => {
  const user = unique('e').toLowerCase();
  const made = [
    ['/api/projects', { name: unique('e') }, { name: unique('f') }],
    ['/api/teams', { name: unique('e') }, { name: unique('f') }],
    ['/api/users', { username: user, email: `${user}@example.com`, roles: [] }, { name: 'F' }],
    ['/api/databases', { projectId: project, name: unique('e'), kind: 'redis' }, { memoryLimit: 64 }],
    ['/api/applications', { projectId: project, name: unique('e'), image: 'example/e:1' }, { replicas: 3 }],
  ];
  for (const [path, body, change] of made) {
    const one = `${path}/${(await owner.want(201, 'POST', path, body)).id}`;
    const first = await owner.call('GET', one);
    const tag = first.headers.get('etag');
    check(/^"[^"]+"$/.test(tag), `${path}: ${tag}`);
    const same = await owner.call('GET', one, undefined, { 'if-none-match': tag });
    equal([same.status, same.text, same.headers.get('etag')], [304, '', tag], path);
    equal((await owner.call('GET', one, undefined, { 'if-none-match': `W/"x", ${tag}` })).status, 304, path);
    equal((await owner.call('GET', one, undefined, { 'if-none-match': '"x"' })).status, 200, path);
    equal((await owner.call('PATCH', one, change, { 'if-match': '"0-stale"' })).status, 412, path);
    equal((await owner.call('GET', one, undefined, { 'if-none-match': tag })).status, 304, path);
    const changed = await owner.call('PATCH', one, change, { 'if-match': tag });
    equal(changed.status, 200, changed.text);
    equal((await owner.call('GET', one, undefined, { 'if-none-match': tag })).status, 200, path);
    equal((await owner.call('DELETE', one, undefined, { 'if-match': tag })).status, 412, path);
    equal((await owner.call('DELETE', one, undefined, { 'if-match': (await owner.call('GET', one)).headers.get('etag') })).status, 204, path);
  }
});

test('a list is walked by its links, every element once, the newest first', async () => {
  for (let i = 0; i < 7; i++) await app({ image: 'example/p:1', gitSource: null });
  const all = await owner.get(`/api/applications?projectId=${project}&limit=200`);
  const walked = [];
  let url = `/api/applications?projectId=${project}&limit=3`, pages = 0;
  while (url) {
    const r = await owner.call('GET', url);
    equal(r.status, 200, r.text);
    walked.push(...r.json.map((x) => x.id));
    url = /^<([^>]+)>; rel="next"$/.exec(r.headers.get('link') ?? '')?.[1];
    check(++pages < 50, 'no end');
  }
  equal(walked, all.map((x) => x.id));
  equal([...walked].sort().reverse(), walked);
  for (const q of ['limit=0', 'limit=201', 'limit=x', 'cursor=x', 'limit=-1', 'limit=1e2', 'limit='])
    equal((await owner.call('GET', `/api/projects?${q}`)).status, 422, q);
});

test('a write is seen by the very next read of anybody', async () => {
  const a = await app();
  const clients = [owner, await login(), await login()];
  for (let i = 1; i <= 40; i++) {
    await clients[i % 3].want(200, 'PATCH', `/api/applications/${a.id}`, { replicas: i });
    const seen = await Promise.all(clients.flatMap((c) => [
      c.get(`/api/applications/${a.id}`), c.get(`/api/applications?projectId=${project}`).then((l) => l.find((x) => x.id === a.id)),
      c.get('/api/applications').then((l) => l.find((x) => x.id === a.id) ?? { replicas: i })]));
    equal(seen.map((s) => s.replicas), seen.map(() => i), `write ${i}`);
  }
});

// ---- the audit log
const newest = async (resource) => (await owner.get(`/api/audit?resource=${resource}&limit=1`))[0];

test('every kind of change is in the audit log, with who, what, from where and the outcome', async () => {
  const me = (await owner.get('/api/auth/session')).user;
  const a = await app({ envVars: [{ key: 'PASSWORD', value: 'hush hush', isSecret: true }] });
  const r = await owner.call('PATCH', `/api/applications/${a.id}`, { replicas: 2 }, { 'x-request-id': 'audit-test-1' });
  equal(r.status, 200);
  const e = await newest(`application:${a.id}`);
  equal([e.action, e.outcome, e.actor, e.actorId, e.requestId, e.change], ['application.update', 'success', me.username, me.id, 'audit-test-1', { replicas: 2 }]);
  check(e.address && Date.parse(e.at) > Date.now() - 60000, JSON.stringify(e));
  const made = (await owner.get(`/api/audit?resource=application:${a.id}`)).find((x) => x.action === 'application.create');
  equal(made.change.envVars, [{ key: 'PASSWORD', value: '***', isSecret: true }]);
  check(!JSON.stringify(await owner.get('/api/audit?limit=200')).includes('hush hush'), 'a secret is in the audit log');
  // refused attempts
  const name = unique('v').toLowerCase();
  const v = await owner.want(201, 'POST', '/api/users', { username: name, email: `${name}@example.com`, password: 'correct horse', roles: ['viewer'] });
  const viewer = await login(name, 'correct horse');
  equal((await viewer.call('POST', '/api/projects', { name: 'x' })).status, 403);
  equal((await viewer.call('DELETE', `/api/users/${me.id}`)).status, 403);
  const denied = (await owner.get(`/api/audit?actor=${v.id}`)).map((x) => [x.action, x.outcome]);
  equal(denied, [['user.delete', 'denied'], ['project.create', 'denied'], ['auth.success', 'success']]);
  equal((await new Client().call('POST', '/api/auth/login', { username: name, password: 'wrong' })).status, 401);
  equal((await owner.get(`/api/audit?actor=${name}&action=auth.failed`))[0].outcome, 'denied');
  await viewer.want(204, 'POST', '/api/auth/logout');
  equal((await owner.get(`/api/audit?actor=${v.id}&action=session.invalidated`)).length, 1);
});

test('the log is chained, and the command says that nobody touched it', async () => {
  const state = process.env.SLIPWAY_TEST_STATE;
  const verify = (...args) => execFileSync(join(state, 'prefix/bin/slipway'), ['--config', join(state, 'slipway.conf'), 'audit', 'verify', ...args], { encoding: 'utf8' });
  const out = await until('the chain', () => { const o = verify(); return !/wait for the worker/.test(o) && o; }, 30);
  const head = /^\d+:[0-9a-f]{64}$/m.exec(out)[0];
  await app();
  await until('a longer chain', () => !verify('--head', head).includes(head), 30);
  let broken = '';
  try { verify('--head', head.replace(/.$/, (c) => (c === '0' ? '1' : '0'))); } catch (e) { broken = e.stdout; }
  check(/^BROKEN at entry \d+: the chain had another head/.test(broken), broken);
});

test('the programs use database roles of their own, which cannot change the log', async () => {
  const state = process.env.SLIPWAY_TEST_STATE;
  const { readFileSync } = await import('node:fs');
  const url = /^database\.url = (.*)$/m.exec(readFileSync(join(state, 'web.conf'), 'utf8'))[1];
  check(url.startsWith('postgresql://slipway_web:'), url);
  const sql = (s) => execFileSync('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', url, '-c', s], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  check(Number(sql('SELECT count(*) FROM audit_log')) > 10, 'nothing there');
  for (const s of ["UPDATE audit_log SET actor = 'x'", 'DELETE FROM audit_log', 'TRUNCATE audit_log', 'DROP TABLE audit_log', 'ALTER TABLE users ADD COLUMN x int']) {
    let refused = '';
    try { sql(s); } catch (e) { refused = e.stderr; }
    check(/permission denied|must be owner/.test(refused), `${s}: ${refused}`);
  }
  equal(sql("SELECT string_agg(DISTINCT usename, ' ' ORDER BY usename) FROM pg_stat_activity WHERE application_name IN ('slipway-web', 'slipway-worker')").trim(), 'slipway_web slipway_worker');
});

await main();
