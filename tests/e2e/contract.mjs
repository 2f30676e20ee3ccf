// SPDX-License-Identifier: MIT
// The API's description (OpenAPI 3.1) against what the API does: a validator nobody here wrote reads
// it, every operation is called, and every answer, here and in all the other suites, must be one
// that the description has.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createHmac, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, access, check, contract, deliver, equal, login, main, test, unique, until } from './lib.mjs';

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const owner = await login();
const doc = await new Client().get('/api/openapi.json');
const json = { 'content-type': 'application/json' };

test('a validator finds nothing wrong with the description', () => {
  const dir = mkdtempSync(join(tmpdir(), 'openapi-'));
  try {
    writeFileSync(join(dir, 'openapi.json'), JSON.stringify(doc));
    execFileSync(join(here, 'node_modules/.bin/redocly'),
      ['lint', '--config', join(here, 'redocly.yaml'), join(dir, 'openapi.json')],
      { encoding: 'utf8', env: { ...process.env, REDOCLY_TELEMETRY: 'off' }, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (e) { throw new Error(`${e.stdout}${e.stderr}`); } finally { rmSync(dir, { recursive: true }); }
});

test('every schema says what is required and allows nothing else', () => {
  let objects = 0;
  for (const [name, s] of Object.entries(doc.components.schemas)) {
    equal(s.type, 'object', name);
    equal(s.additionalProperties, false, name);
    const properties = Object.keys(s.properties);
    check(properties.length > 0, `${name} has no properties`);
    check(name.endsWith('Change') || name.endsWith('Input') || (s.required ?? []).length > 0, `${name} requires nothing`);
    for (const r of s.required ?? []) check(properties.includes(r), `${name} requires ${r}`);
    for (const [p, v] of Object.entries(s.properties)) check(v.description || v.$ref || v.anyOf, `${name}.${p} says nothing`);
    objects++;
  }
  check(objects > 50, `${objects} schemas`);
});

test('every operation has an id of its own, a summary and the statuses of its kind', () => {
  const ids = new Set();
  for (const [path, item] of Object.entries(doc.paths))
    for (const [method, o] of Object.entries(item)) {
      const name = `${method} ${path}`;
      check(!ids.has(o.operationId), `${o.operationId} twice`);
      ids.add(o.operationId);
      check(o.summary && o.description, name);
      if (!o.security) check(o.responses[401] && o.responses[403], `${name}: 401, 403`);
      if (path.includes('{')) check(o.responses[404], `${name}: 404`);
      if (o.requestBody) check(o.responses[422] && o.responses[400], `${name}: 422`);
    }
  console.log(`# ${Object.keys(doc.paths).length} paths, ${ids.size} operations`);
});

// ---- every operation, once at least with success
const seen = {};
async function ok(status, method, path, body, headers = {}) {
  const r = await owner.call(method, path, body, headers);
  if (r.status !== status) throw new Error(`${method} ${path}: ${r.status} and not ${status}: ${r.text}`);
  return r.json;
}

test('accounts: registration, sessions, password, second factor', async () => {
  const name = unique('c').toLowerCase();
  const invitation = await ok(201, 'POST', '/api/invitations', { email: `${name}@example.com`, roles: ['developer'] });
  equal((await new Client().call('POST', '/api/auth/register', { username: name, email: `${name}@example.com`, password: 'correct horse', invitation: 'x' })).status, 422);
  const token = new URL(invitation.link).searchParams.get('invitation');
  const user = await new Client().want(201, 'POST', '/api/auth/register', { username: name, email: `${name}@example.com`, password: 'correct horse', invitation: token });
  equal(user.roles, ['developer']);
  const again = await new Client().call('POST', '/api/auth/register', { username: `${name}2`, email: `${name}@example.com`, password: 'correct horse', invitation: token });
  equal(again.status, 422, again.text);
  const one = await login(name, 'correct horse');
  const two = await login(name, 'correct horse');
  const sessions = await one.get('/api/auth/sessions');
  equal(sessions.length, 2);
  await one.want(204, 'DELETE', `/api/auth/sessions/${sessions.find((s) => !s.current).id}`);
  equal((await two.call('GET', '/api/auth/session')).status, 401);
  equal((await one.get('/api/auth/session')).user.username, name);
  await one.want(204, 'POST', '/api/auth/password', { current: 'correct horse', new: 'battery staple' });
  const enrolment = await one.want(200, 'POST', '/api/auth/totp');
  await one.want(204, 'POST', '/api/auth/totp/confirm', { code: totp(enrolment.secret) });
  const due = await new Client().call('POST', '/api/auth/login', { username: name, password: 'battery staple' });
  equal([due.status, due.json.totpRequired], [401, true]);
  await one.want(204, 'DELETE', '/api/auth/totp', { code: enrolment.recoveryCodes[0] });
  await one.want(204, 'POST', '/api/auth/logout');
  equal((await one.call('GET', '/api/auth/session')).status, 401);
  seen.user = user;
});

function totp(secret) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((l) => letters.indexOf(l).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000)));
  const mac = createHmac('sha1', key).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1e6).padStart(6, '0');
}

test('users, teams, invitations, tokens, audit log', async () => {
  const name = unique('u').toLowerCase();
  const u = await ok(201, 'POST', '/api/users', { username: name, email: `${name}@example.com`, password: 'correct horse', roles: ['viewer'], name: 'Ute' });
  await ok(200, 'GET', `/api/users/${u.id}`);
  check((await ok(200, 'GET', '/api/users')).some((x) => x.id === u.id), 'not in the list');
  equal((await ok(200, 'PATCH', `/api/users/${u.id}`, { name: null, disabled: true })).disabled, true);
  const team = await ok(201, 'POST', '/api/teams', { name: unique('team') });
  equal((await ok(200, 'PUT', `/api/teams/${team.id}/members/${u.id}`, { role: 'viewer' })).members.length, 1);
  await ok(200, 'GET', `/api/teams/${team.id}`);
  await ok(200, 'GET', '/api/teams');
  await ok(200, 'PATCH', `/api/teams/${team.id}`, { name: unique('team') });
  await ok(204, 'DELETE', `/api/teams/${team.id}/members/${u.id}`);
  await ok(204, 'DELETE', `/api/teams/${team.id}`);
  await ok(204, 'DELETE', `/api/users/${u.id}`);
  const i = await ok(201, 'POST', '/api/invitations', { email: 'x@example.com', roles: [] });
  check((await ok(200, 'GET', '/api/invitations')).some((x) => x.id === i.id && x.link === undefined), 'not in the list');
  await ok(204, 'DELETE', `/api/invitations/${i.id}`);
  const t = await ok(201, 'POST', '/api/auth/tokens', { name: 'ci', role: 'viewer', expiresAt: '2099-01-01T00:00:00Z' });
  check(/^slp_[0-9a-f]{64}$/.test(t.token), t.token);
  const robot = new Client(t.token);
  equal((await robot.get('/api/auth/session')).csrfToken, null);
  await robot.get('/api/auth/tokens');
  await ok(200, 'GET', '/api/auth/tokens?all=true');
  await ok(204, 'DELETE', `/api/auth/tokens/${t.id}`);
  equal((await robot.call('GET', '/api/projects')).status, 401);
  const log = await ok(200, 'GET', `/api/audit?resource=user:${u.id}`);
  equal(log.map((e) => [e.action, e.outcome]), [['user.delete', 'success'], ['user.update', 'success'], ['user.create', 'success']]);
  equal(log[2].change.password, '***');
  const lines = await owner.call('GET', '/api/audit?action=team.', undefined, { accept: 'application/x-ndjson' });
  check(lines.text.trim().split('\n').every((l) => JSON.parse(l).action.startsWith('team.')), lines.text);
});

test('projects, applications, deployments, releases', async () => {
  const p = await ok(201, 'POST', '/api/projects', { name: unique('contract') });
  await ok(200, 'GET', `/api/projects/${p.id}`);
  await ok(200, 'GET', '/api/projects?limit=1');
  await ok(200, 'PATCH', `/api/projects/${p.id}`, { description: 'x' });
  const app = await ok(201, 'POST', '/api/applications', { projectId: p.id, name: unique('app'), gitSource: { repoUrl: access.repoUrl } });
  check(app.webhookSecret, 'no secret');
  await ok(200, 'GET', `/api/applications/${app.id}`);
  await ok(200, 'GET', `/api/applications?projectId=${p.id}`);
  await ok(200, 'PATCH', `/api/applications/${app.id}`, { envVars: [{ key: 'A', value: 'b', isSecret: true }] });
  await ok(200, 'POST', `/api/applications/${app.id}/webhook-secret`);
  await ok(200, 'GET', `/api/applications/${app.id}/logs?tail=10`);
  await ok(200, 'GET', `/api/applications/${app.id}/metrics?step=60`);
  await ok(200, 'GET', `/api/applications/${app.id}/releases`);
  await ok(200, 'GET', `/api/applications/${access.applicationId}/logs?tail=5&since=2026-01-01T00:00:00Z`);
  for (const action of ['start', 'stop', 'restart']) equal((await owner.call('POST', `/api/applications/${app.id}/${action}`)).status, 409);
  const bulk = await ok(200, 'POST', '/api/applications/bulk', { action: 'deploy', ids: [app.id, randomUUID(), 'x'] });
  equal(bulk.map((r) => r.status), [202, 404, 404]);
  await ok(202, 'POST', `/api/deployments/${bulk[0].deploymentId}/cancel`);
  const d = await ok(202, 'POST', `/api/applications/${app.id}/deploy`, { branch: 'main' });
  await ok(200, 'GET', `/api/deployments/${d.id}`);
  await ok(200, 'GET', `/api/deployments?applicationId=${app.id}&limit=1`);
  await ok(200, 'GET', `/api/deployments/${d.id}/logs`);
  equal((await owner.call('POST', `/api/deployments/${d.id}/rollback`, {})).status, 409);
  await until('the end', async () => ['success', 'failed'].includes((await owner.get(`/api/deployments/${d.id}`)).status), 120);
  await until('running', async () => (await owner.get(`/api/applications/${app.id}`)).status === 'running', 60);
  for (const action of ['stop', 'start', 'restart']) await ok(202, 'POST', `/api/applications/${app.id}/${action}`);
  const second = await ok(202, 'POST', `/api/applications/${app.id}/deploy`);
  await until('the end', async () => ['success', 'failed'].includes((await owner.get(`/api/deployments/${second.id}`)).status), 120);
  await ok(202, 'POST', `/api/deployments/${second.id}/rollback`, { to: d.id });
  await ok(200, 'GET', `/api/metrics?projectId=${p.id}`);
  const scrape = await owner.raw('GET', '/api/metrics/prometheus');
  check(/^slipway_deployments\{status="success"\} [1-9]/m.test(scrape.text), scrape.text);
  await ok(204, 'DELETE', `/api/applications/${app.id}?volumes=true`);
  await ok(204, 'DELETE', `/api/projects/${p.id}?force=true`);
});

test('databases, bindings, credentials, registries, notifications, alerts', async () => {
  const p = await ok(201, 'POST', '/api/projects', { name: unique('contract') });
  const app = await ok(201, 'POST', '/api/applications', { projectId: p.id, name: 'a', image: 'example/a:1' });
  for (const kind of ['postgres', 'mysql', 'mariadb', 'mongodb', 'redis']) {
    const db = await ok(201, 'POST', '/api/databases', { projectId: p.id, name: unique(kind), kind });
    equal(db.status, 'pending');
    const c = await ok(200, 'GET', `/api/databases/${db.id}/connection`);
    check(c.url.includes(c.password) && c.host === db.serviceName, c.url);
    await ok(202, 'POST', `/api/databases/${db.id}/rotate`);
    check((await ok(200, 'GET', `/api/databases/${db.id}/connection`)).password !== c.password, 'the same password');
    for (const action of ['start', 'stop', 'restart']) await ok(202, 'POST', `/api/databases/${db.id}/${action}`);
    await ok(200, 'PATCH', `/api/databases/${db.id}`, { memoryLimit: 64 });
    await ok(200, 'GET', `/api/databases/${db.id}`);
    await ok(200, 'PUT', `/api/applications/${app.id}/bindings/${db.id}`, { variable: 'DATABASE_URL' });
    equal((await owner.call('DELETE', `/api/databases/${db.id}`)).status, 409);
    await ok(204, 'DELETE', `/api/applications/${app.id}/bindings/${db.id}`);
    await ok(204, 'DELETE', `/api/databases/${db.id}?volumes=true`);
  }
  await ok(200, 'GET', '/api/databases');
  const token = await ok(201, 'POST', '/api/credentials', { name: unique('t'), kind: 'token', username: 'x', token: 'hush' });
  equal(token.token, undefined);
  const ssh = await ok(201, 'POST', '/api/credentials', { name: unique('s'), kind: 'ssh' });
  check(/^ssh-ed25519 [A-Za-z0-9+/=]+ slipway:/.test(ssh.publicKey), ssh.publicKey);
  await ok(200, 'GET', '/api/credentials');
  await ok(200, 'PATCH', `/api/applications/${app.id}`, { gitSource: { repoUrl: access.repoUrl, credentialId: token.id } });
  equal((await owner.call('DELETE', `/api/credentials/${token.id}`)).status, 409);
  await ok(200, 'PATCH', `/api/applications/${app.id}`, { gitSource: { repoUrl: access.repoUrl } });
  for (const c of [token, ssh]) await ok(204, 'DELETE', `/api/credentials/${c.id}`);
  const registry = await ok(201, 'POST', '/api/registries', { name: unique('r'), address: 'registry.example.com:5000', username: 'u', password: 'p' });
  await ok(200, 'GET', '/api/registries');
  await ok(200, 'PATCH', `/api/registries/${registry.id}`, { username: 'v' });
  await ok(204, 'DELETE', `/api/registries/${registry.id}`);
  const n = await ok(201, 'POST', '/api/notifications', { projectId: p.id, kind: 'webhook', target: 'https://hooks.example.com/x', events: ['deployment.failed'] });
  check(n.secret, 'no secret');
  await ok(200, 'GET', `/api/notifications?projectId=${p.id}`);
  await ok(200, 'PATCH', `/api/notifications/${n.id}`, { events: ['deployment.success'] });
  await ok(503, 'POST', `/api/notifications/${n.id}/test`);
  await ok(204, 'DELETE', `/api/notifications/${n.id}`);
  for (const scope of ['system', `project:${p.id}`, `application:${app.id}`]) {
    const a = await ok(201, 'POST', '/api/alerts', { scope, metric: 'cpu', threshold: 90 });
    equal([a.scope, a.state, a.forSeconds], [scope, 'ok', 60]);
    await ok(200, 'PATCH', `/api/alerts/${a.id}`, { threshold: 80 });
    check((await ok(200, 'GET', '/api/alerts')).some((x) => x.id === a.id), 'not in the list');
    await ok(204, 'DELETE', `/api/alerts/${a.id}`);
  }
  await ok(204, 'DELETE', `/api/projects/${p.id}?force=true`);
});

test('webhooks and their deliveries', async () => {
  const p = await ok(201, 'POST', '/api/projects', { name: unique('contract') });
  const repoUrl = `http://127.0.0.1:9/${unique('x')}/y.git`;
  const app = await ok(201, 'POST', '/api/applications', { projectId: p.id, name: 'a', gitSource: { repoUrl }, autoDeploy: false });
  const push = { ref: 'refs/heads/main', after: '1'.repeat(40), repository: { clone_url: repoUrl }, commits: [] };
  equal((await deliver('push', push, app.webhookSecret)).status, 202);
  equal((await deliver('ping', push, app.webhookSecret)).status, 200);
  equal((await deliver('push', push, 'wrong')).status, 401);
  const lab = await new Client().raw('POST', '/api/webhooks/gitlab', { body: JSON.stringify({ ...push, project: { git_http_url: repoUrl } }), headers: { ...json, 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': app.webhookSecret } });
  equal(lab.status, 202, lab.text);
  const docker = await new Client().raw('POST', '/api/webhooks/docker?token=x', { body: JSON.stringify({ events: [] }), headers: json });
  equal(docker.status, 401, docker.text);
  const image = `example.com/${unique('i')}`;
  const pulled = await ok(201, 'POST', '/api/applications', { projectId: p.id, name: 'i', image: `${image}:1`, autoDeploy: false });
  const hub = await new Client().raw('POST', '/api/webhooks/docker', { body: JSON.stringify({ push_data: { tag: '1' }, repository: { repo_name: image } }), headers: { ...json, authorization: `Bearer ${pulled.webhookSecret}` } });
  equal([hub.status, hub.json.reason], [202, 'automatic deployment is off'], hub.text);
  const list = await ok(200, 'GET', `/api/webhooks/deliveries?applicationId=${app.id}`);
  equal(list.map((d) => d.outcome), ['ignored', 'refused', 'ping', 'ignored']);
  const one = await ok(200, 'GET', `/api/webhooks/deliveries/${list[3].id}`);
  equal([one.headers['X-Hub-Signature-256'], JSON.parse(one.body).ref], ['***', 'refs/heads/main']);
  equal((await ok(200, 'POST', `/api/webhooks/deliveries/${one.id}/explain`)).outcome, 'ignored');
  equal((await owner.call('POST', `/api/webhooks/deliveries/${list[1].id}/redeliver`)).status, 409);
  await ok(200, 'PATCH', `/api/applications/${app.id}`, { autoDeploy: true });
  equal((await ok(200, 'POST', `/api/webhooks/deliveries/${one.id}/explain`)).applications, [app.id]);
  const r = await ok(202, 'POST', `/api/webhooks/deliveries/${one.id}/redeliver`);
  equal([r.outcome, r.deployments.length, r.redeliveryOf], ['deployed', 1, one.id]);
  await ok(204, 'DELETE', `/api/projects/${p.id}?force=true`);
});

test('the rest: health, and logging in through an issuer that is not there', async () => {
  await ok(200, 'GET', '/healthz');
  await ok(200, 'GET', '/readyz');
  const [p] = await ok(200, 'GET', '/api/projects?limit=1');
  equal((await owner.call('GET', `/api/events?topics=project:${p.id},logs:application:${access.applicationId}?after=3`)).status, 503);
  equal((await owner.call('GET', `/api/events?topics=project:${randomUUID()}`)).status, 404);
  for (const topics of ['', 'x', `project:${p.id}?after=3`, `logs:application:${access.applicationId}?after=x`])
    equal((await owner.call('GET', `/api/events?topics=${encodeURIComponent(topics)}`)).status, 422, topics);
  equal((await owner.call('GET', '/api/ws')).status, 503);
  equal((await owner.call('GET', '/api/ws', undefined, { origin: 'https://elsewhere.example' })).status, 403);
  for (const path of ['login', 'callback']) equal((await new Client().call('GET', `/api/auth/oidc/${path}`)).status, 404);
});

// The issuer has its own suite; this version sends neither notifications nor live updates.
const otherwise = { getAuthOidcLogin: 404, getAuthOidcCallback: 404, postNotificationsByIdTest: 503, getEvents: 503, getWs: 503 };
test('every operation was called, and gave its success', () => {
  for (const [path, item] of Object.entries(doc.paths))
    for (const [method, o] of Object.entries(item)) {
      const statuses = contract.seen.get(o.operationId) ?? new Set();
      const wanted = otherwise[o.operationId] ? [otherwise[o.operationId]] : Object.keys(o.responses).map(Number).filter((s) => s < 300);
      check(wanted.some((s) => statuses.has(s)), `${method} ${path}: ${[...statuses]}`);
    }
});

await main();
