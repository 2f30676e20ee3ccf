// SPDX-License-Identifier: MIT
// The HTTP contract: login, conventions, projects, applications.
import { Client, access, check, equal, login, main, test, unique } from './lib.mjs';

const nobody = new Client();
const owner = await login();
const source = { repoUrl: access.repoUrl, branch: 'main' };

async function project(client = owner) {
  return client.want(201, 'POST', '/api/projects', { name: unique('project') });
}
async function application(extra = {}, client = owner) {
  const p = await project(client);
  return client.want(201, 'POST', '/api/applications',
    { projectId: p.id, name: unique('app'), gitSource: source, ...extra });
}

test('health and readiness need no login', async () => {
  equal((await nobody.get('/healthz')).status, 'ok');
  equal((await nobody.get('/readyz')).status, 'ok');
});

test('registration is closed once there is an owner', async () => {
  const r = await nobody.call('POST', '/api/auth/register',
    { username: 'mallory', email: 'mallory@example.com', password: 'a good password' });
  equal(r.status, 403);
  equal(r.headers.get('content-type'), 'application/problem+json');
});

test('a wrong password and an unknown user get one answer', async () => {
  const wrong = await nobody.call('POST', '/api/auth/login', { username: access.username, password: 'wrong' });
  const unknown = await nobody.call('POST', '/api/auth/login', { username: unique('nobody'), password: 'wrong' });
  equal(wrong.status, 401);
  equal(unknown.status, 401);
  equal({ ...wrong.json, requestId: '' }, { ...unknown.json, requestId: '' });
  check(wrong.headers.get('www-authenticate').startsWith('Bearer'), 'no challenge');
});

test('a login gives token, cookie and CSRF token; a logout ends it at once', async () => {
  const r = await nobody.call('POST', '/api/auth/login', { username: access.username, password: access.password });
  equal(r.status, 200);
  equal(Object.keys(r.json).sort(), ['csrfToken', 'expiresAt', 'token', 'user']);
  equal(r.json.user.roles, ['owner']);
  check(!('passwordHash' in r.json.user), 'the hash is shown');
  const cookie = r.headers.get('set-cookie');
  for (const part of ['slipway_session=', 'HttpOnly', 'SameSite=Lax', 'Path=/'])
    check(cookie.includes(part), `${part} is not in ${cookie}`);
  const days = (new Date(r.json.expiresAt) - Date.now()) / 86400e3;
  check(days > 6.9 && days <= 7, `expires in ${days} days`);
  const me = new Client(r.json.token);
  equal((await me.get('/api/auth/session')).user.username, access.username);
  await me.want(204, 'POST', '/api/auth/logout');
  await me.want(401, 'GET', '/api/auth/session');
});

test('tokens that are foreign, changed or of another algorithm are refused', async () => {
  const [head, body] = owner.token.split('.');
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
  for (const token of ['', 'x', `${head}.${body}.`, `${none}.${body}.`, `${owner.token}x`, 'a.b.c'])
    await new Client(token || ' ').want(401, 'GET', '/api/projects');
  await nobody.want(401, 'GET', '/api/projects', undefined, { authorization: 'Basic b3duZXI6eA==' });
});

test('a cookie needs the CSRF token and our origin; Bearer does not', async () => {
  const r = await nobody.call('POST', '/api/auth/login', { username: access.username, password: access.password });
  const cookie = `slipway_session=${r.json.token}`;
  const body = { name: unique('csrf') };
  await nobody.want(200, 'GET', '/api/projects', undefined, { cookie });
  await nobody.want(403, 'POST', '/api/projects', body, { cookie });
  await nobody.want(403, 'POST', '/api/projects', body, { cookie, 'x-csrf-token': 'x' });
  await nobody.want(403, 'POST', '/api/projects', body,
    { cookie, 'x-csrf-token': r.json.csrfToken, origin: 'https://evil.example' });
  await nobody.want(201, 'POST', '/api/projects', body,
    { cookie, 'x-csrf-token': r.json.csrfToken, origin: access.url });
});

test('errors are problem documents that carry the request id', async () => {
  const r = await owner.call('GET', '/api/nothing', undefined, { 'x-request-id': 'my-request-1' });
  equal(r.status, 404);
  equal(r.headers.get('x-request-id'), 'my-request-1');
  equal(Object.keys(r.json), ['type', 'title', 'status', 'detail', 'requestId']);
  equal(r.json.requestId, 'my-request-1');
  const made = await owner.call('GET', '/api/projects', undefined, { 'x-request-id': 'bad id\u007f'.slice(0, 6) });
  check(/^[0-9a-f-]{36}$/.test(made.headers.get('x-request-id')), 'no id was made');
  const method = await owner.call('DELETE', '/api/projects');
  equal(method.status, 405);
  check(method.headers.get('allow').includes('POST'), 'no Allow header');
});

test('projects are made, read, listed, changed and deleted', async () => {
  const p = await project();
  equal(Object.keys(p), ['id', 'name', 'description', 'ownerId', 'teamId', 'createdAt', 'updatedAt']);
  check(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(p.createdAt), p.createdAt);
  equal(await owner.get(`/api/projects/${p.id}`), p);
  const changed = await owner.want(200, 'PATCH', `/api/projects/${p.id}`, { description: 'new' });
  equal([changed.name, changed.description], [p.name, 'new']);
  check((await owner.get('/api/projects')).some((x) => x.id === p.id), 'not in the list');
  await owner.want(204, 'DELETE', `/api/projects/${p.id}`);
  await owner.want(404, 'GET', `/api/projects/${p.id}`);
  check(!(await owner.get('/api/projects')).some((x) => x.id === p.id), 'still in the list');
});

test('lists come in pages, newest first', async () => {
  const made = [];
  for (let i = 0; i < 5; i++) made.unshift((await project()).id);
  const got = [];
  let path = '/api/projects?limit=2';
  while (path && got.length < 5) {
    const r = await owner.call('GET', path);
    equal(r.status, 200);
    check(r.json.length <= 2, 'a page is too long');
    got.push(...r.json.map((p) => p.id));
    path = /<(.*)>; rel="next"/.exec(r.headers.get('link') ?? '')?.[1];
  }
  equal(got.slice(0, 5), made);
  for (const bad of ['limit=0', 'limit=201', 'limit=x', 'cursor=x'])
    await owner.want(422, 'GET', `/api/projects?${bad}`);
});

test('ETags answer 304 and guard changes', async () => {
  const p = await project();
  const r = await owner.call('GET', `/api/projects/${p.id}`);
  const etag = r.headers.get('etag');
  equal((await owner.call('GET', `/api/projects/${p.id}`, undefined, { 'if-none-match': etag })).status, 304);
  await owner.want(200, 'PATCH', `/api/projects/${p.id}`, { description: '1' }, { 'if-match': etag });
  await owner.want(412, 'PATCH', `/api/projects/${p.id}`, { description: '2' }, { 'if-match': etag });
  await owner.want(412, 'DELETE', `/api/projects/${p.id}`, undefined, { 'if-match': etag });
  equal((await owner.get(`/api/projects/${p.id}`)).description, '1');
});

test('an application\'s ETag guards what was written, and not what a deployment does', async () => {
  const a = await application();
  const path = `/api/applications/${a.id}`;
  const tag = async () => (await owner.call('GET', path)).headers.get('etag');
  const first = await tag();
  equal((await owner.call('GET', path, undefined, { 'if-none-match': first })).status, 304);
  await owner.want(202, 'POST', `${path}/deploy`, { commitSha: 'abcdef1' });
  equal((await owner.call('GET', path, undefined, { 'if-none-match': first })).status, 200);
  await owner.want(200, 'PATCH', path, { replicas: 2 }, { 'if-match': first });
  await owner.want(412, 'PATCH', path, { replicas: 3 }, { 'if-match': first });
  await owner.want(412, 'PATCH', path, { replicas: 3 }, { 'if-match': '"x"' });
  await owner.want(412, 'DELETE', path, undefined, { 'if-match': first });
  await owner.want(204, 'DELETE', path, undefined, { 'if-match': await tag() });
});

test('one place has one owner, however its path is written', async () => {
  const host = `${unique('h')}.example.com`;
  const a = await application({ domains: [{ host, path: '/api/' }] });
  equal(a.domains, [{ host, path: '/api' }]);
  const r = await owner.call('PATCH', `/api/applications/${a.id}`, { domains: [{ host, path: '/x' }, { host, path: '/x/' }] });
  equal(r.status, 422);
  await owner.want(409, 'POST', '/api/applications',
    { projectId: a.projectId, name: unique('x'), gitSource: source, domains: [{ host, path: '/api' }] });
});

test('another address of the same server may log in, another site may not', async () => {
  const body = { username: access.username, password: access.password };
  const local = access.url.replace('127.0.0.1', 'localhost');
  const r = await new Client().raw('POST', '/api/auth/login', { base: local, body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', origin: local } });
  equal(r.status, 200, r.text);
  for (const path of ['/api/auth/login', '/api/auth/register'])
    await nobody.want(403, 'POST', path, body, { origin: 'http://evil.example' });
});

test('an application has the documented shape and defaults', async () => {
  const made = await application({ envVars: [{ key: 'A', value: '1' }, { key: 'S', value: 'hush', isSecret: true }] });
  check(/^[0-9a-f]{64}$/.test(made.webhookSecret), 'no webhook secret');
  const a = await owner.get(`/api/applications/${made.id}`);
  check(!('webhookSecret' in a), 'the webhook secret is shown again');
  equal(a.gitSource, { repoUrl: access.repoUrl, branch: 'main', credentialId: null });
  equal(a.envVars, [{ key: 'A', value: '1', isSecret: false }, { key: 'S', value: null, isSecret: true }]);
  equal([a.status, a.pendingChanges, a.replicas, a.memoryLimit, a.cpuLimit, a.port, a.dockerfile, a.contextPath],
    ['pending', false, 1, 512, 1, 8080, 'Dockerfile', '.']);
  equal(a.healthCheck, null);
  equal(a.restartPolicy, { condition: 'on-failure', maxAttempts: 3, window: 120 });
  equal(a.updateConfig, { parallelism: 1, delay: 10, monitor: 30, failureAction: 'rollback', order: 'start-first' });
  equal([a.buildArgs, a.volumes, a.ports, a.domains, a.labels, a.capabilities, a.deployments],
    [{}, [], [], [], {}, [], []]);
  equal([a.target, a.pull, a.autoDeploy, a.user, a.readOnly], [null, true, true, null, false]);
});

test('a health check object gets the defaults for what it leaves out', async () => {
  const a = await application({ healthCheck: { interval: 5 } });
  equal(a.healthCheck, { command: 'curl -f http://localhost/ || exit 1', interval: 5, timeout: 10, retries: 3 });
});

test('volumes and fixed ports make stop-first the default order', async () => {
  const a = await application({ volumes: [{ source: 'data', target: '/data' }] });
  equal(a.updateConfig.order, 'stop-first');
  const b = await application({ ports: [{ published: 9000, target: 80 }],
    updateConfig: { order: 'start-first' } });
  equal(b.updateConfig.order, 'start-first');
});

test('a secret stays when null is sent and goes when it is left out', async () => {
  const a = await application({ envVars: [{ key: 'S', value: 'hush', isSecret: true }] });
  const kept = await owner.want(200, 'PATCH', `/api/applications/${a.id}`,
    { envVars: [{ key: 'S', value: null, isSecret: true }, { key: 'B', value: '2' }] });
  equal(kept.envVars, [{ key: 'S', value: null, isSecret: true }, { key: 'B', value: '2', isSecret: false }]);
  const r = await owner.call('PATCH', `/api/applications/${a.id}`,
    { envVars: [{ key: 'NEW', value: null, isSecret: true }] });
  equal(r.status, 422);
  equal(r.json.errors[0].field, 'envVars[0].value');
  equal((await owner.get(`/api/applications/${a.id}`)).envVars.length, 2);
});

test('names are unique in a project, domains everywhere', async () => {
  const host = `${unique('h')}.example.com`;
  const a = await application({ domains: [{ host }] });
  await owner.want(409, 'POST', '/api/applications',
    { projectId: a.projectId, name: a.name.toUpperCase(), gitSource: source });
  await owner.want(409, 'POST', '/api/applications',
    { projectId: a.projectId, name: unique('x'), gitSource: source, domains: [{ host }] });
  equal((await owner.get(`/api/applications?projectId=${a.projectId}`)).length, 1);
  const same = await application({ name: a.name });
  check(same.serviceName !== a.serviceName, 'two services of one name');
});

test('webhook secrets are made anew', async () => {
  const a = await application();
  const r = await owner.want(200, 'POST', `/api/applications/${a.id}/webhook-secret`);
  check(/^[0-9a-f]{64}$/.test(r.webhookSecret) && r.webhookSecret !== a.webhookSecret, 'not a new one');
});

test('what is not there is 404, whatever the id looks like', async () => {
  for (const id of ['x', '00000000-0000-7000-8000-000000000000', '..%2f..', '%00', "1'--"]) {
    const r = await owner.call('GET', `/api/applications/${id}`);
    check([400, 404].includes(r.status), `${id}: ${r.status}`);
  }
  await owner.want(404, 'POST', '/api/applications/00000000-0000-7000-8000-000000000000/deploy', {});
});

// ---- bad input: each is refused with the field's name, and nothing is changed
const bad = [
  [{ name: 5 }, 'name'], [{ name: '' }, 'name'], [{ name: 'x'.repeat(101) }, 'name'], [{ name: 'a\u0000b' }, 'name'],
  [{ name: 'a\nb' }, 'name'], [{ nme: 'x' }, 'nme'], [{ replicas: 0 }, 'replicas'], [{ replicas: 1.5 }, 'replicas'],
  [{ replicas: '2' }, 'replicas'], [{ replicas: null }, 'replicas'], [{ memoryLimit: 1 }, 'memoryLimit'],
  [{ cpuLimit: -1 }, 'cpuLimit'], [{ port: 70000 }, 'port'], [{ pull: 'yes' }, 'pull'],
  [{ dockerfile: '../../etc/passwd' }, 'dockerfile'], [{ dockerfile: '/etc/passwd' }, 'dockerfile'],
  [{ contextPath: 'a/../../b' }, 'contextPath'], [{ gitSource: {} }, 'gitSource.repoUrl'],
  [{ gitSource: { repoUrl: 'file:///etc' } }, 'gitSource.repoUrl'],
  [{ gitSource: { repoUrl: 'ext::sh -c id' } }, 'gitSource.repoUrl'],
  [{ gitSource: { repoUrl: '/srv/git/x' } }, 'gitSource.repoUrl'],
  [{ gitSource: { repoUrl: 'https://user:pw@host/x' } }, 'gitSource.repoUrl'],
  [{ gitSource: { ...source, branch: '-x' } }, 'gitSource.branch'],
  [{ gitSource: { ...source, branch: 'a..b' } }, 'gitSource.branch'],
  [{ image: 'web:1' }, 'image'], [{ envVars: {} }, 'envVars'], [{ envVars: [{ key: '1A', value: '' }] }, 'envVars[0].key'],
  [{ envVars: [{ key: 'A', value: 1 }] }, 'envVars[0].value'],
  [{ envVars: [{ key: 'A', value: 'x' }, { key: 'A', value: 'y' }] }, 'envVars[1].key'],
  [{ healthCheck: { interval: 0 } }, 'healthCheck.interval'], [{ healthCheck: 'curl' }, 'healthCheck'],
  [{ restartPolicy: { condition: 'always' } }, 'restartPolicy.condition'],
  [{ updateConfig: { monitor: 0 } }, 'updateConfig.monitor'], [{ updateConfig: { order: 'x' } }, 'updateConfig.order'],
  [{ volumes: [{ source: '/etc', target: '/x' }] }, 'volumes[0].source'],
  [{ volumes: [{ source: 'v', target: 'x' }] }, 'volumes[0].target'],
  [{ ports: [{ published: 1 }] }, 'ports[0].target'], [{ domains: [{ host: 'A B' }] }, 'domains[0].host'],
  [{ domains: [{ host: 'a.example', path: '/x;}' }] }, 'domains[0].path'],
  [{ labels: { 'dokploy.project': 'x' } }, 'labels.dokploy.project'], [{ labels: { a: 1 } }, 'labels.a'],
  [{ capabilities: ['net_admin'] }, 'capabilities[0]'], [{ capabilities: ['ALL'] }, 'capabilities[0]'],
  [{ capabilities: ['SYS_ADMIN'] }, 'capabilities[0]'], [{ user: 'a b' }, 'user'],
  [{ buildArgs: { 'A-B C': 'x' } }, 'buildArgs.A-B C'], [{ target: '' }, 'target'],
  [{ projectId: '00000000-0000-7000-8000-000000000000' }, 'projectId'],
];
test(`${bad.length} bad applications name their field and change nothing`, async () => {
  const p = await project();
  for (const [change, field] of bad) {
    const body = { projectId: p.id, name: 'good', gitSource: source, ...change };
    const r = await owner.call('POST', '/api/applications', body);
    equal(r.status, 422, JSON.stringify(change));
    check(r.json.errors.some((e) => e.field === field), `${JSON.stringify(change)}: ${r.text}`);
    check(!/<|\bpw\b/.test(r.json.errors.map((e) => e.message).join()), r.text);
  }
  equal(await owner.get(`/api/applications?projectId=${p.id}`), []);
});

test('all bad fields come at once', async () => {
  const r = await owner.call('POST', '/api/applications', { replicas: 0, port: 0, zzz: 1 });
  equal(r.status, 422);
  equal(r.json.errors.map((e) => e.field).sort(), ['name', 'port', 'projectId', 'replicas', 'zzz']);
});

test('bodies that are no JSON, no UTF-8, too deep or too large are refused', async () => {
  const post = (body, type = 'application/json') =>
    owner.raw('POST', '/api/projects', { body, headers: { 'content-type': type } });
  for (const body of ['', '{', '{"name":}', '{"name":"x"} x', "{'name':'x'}", '[', '{"name":NaN}',
    Buffer.from([0x7b, 0x22, 0x6e, 0x61, 0x6d, 0x65, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]), '['.repeat(5000)])
    equal((await post(body)).status, 400, String(body).slice(0, 40));
  equal((await post('{"name":"x"}', 'text/plain')).status, 400);
  for (const body of ['[]', '"x"', '5', 'null']) equal((await post(body)).status, 422, body);
  equal((await post(`[${'{},'.repeat(250000)}{}]`)).status, 413);
  const big = await post(`{"name":"${'x'.repeat(1024 * 1024)}"}`);
  equal(big.status, 413);
  equal(big.json.title, 'Content Too Large');
});

test('text goes in and comes out as it was written', async () => {
  for (const name of ['grüße 🚢', "'; DROP TABLE projects; --", '<script>alert(1)</script>', '{{name}}', '%s%n', '$(id)', '\\"']) {
    const p = await owner.want(201, 'POST', '/api/projects', { name });
    equal((await owner.get(`/api/projects/${p.id}`)).name, name);
    await owner.want(204, 'DELETE', `/api/projects/${p.id}`);
  }
});

test('paths that climb, hide or break are refused', async () => {
  for (const path of ['/api/../api/projects/..%2f', '/api/%2e%2e/x', '/api//projects', '/api/projects/%ff', '/api/projects/%zz', '/api/projects/a%00b']) {
    const r = await owner.raw('GET', path);
    check([400, 404].includes(r.status), `${path}: ${r.status}`);
  }
});

await main();
