// SPDX-License-Identifier: MIT
// Who may do what: every operation as everybody, against the table of permissions as it is promised,
// written down here and not taken from the program.
import { randomUUID } from 'node:crypto';
import { Client, check, contract, deliver, equal, login, main, test, unique, until } from './lib.mjs';

const everybody = 'owner admin developer viewer', builders = 'owner admin developer', keepers = 'owner admin';
const allowed = {
  'project.read': everybody, 'application.read': everybody, 'deployment.read': everybody, 'database.read': everybody,
  'metrics.read': everybody, 'delivery.read': everybody,
  'project.create': builders, 'application.create': builders, 'application.update': builders,
  'application.deploy': builders, 'deployment.rollback': builders, 'deployment.cancel': builders,
  'application.delete': keepers, 'project.update': keepers, 'project.delete': keepers,
  'database.create': keepers, 'database.update': keepers, 'database.delete': keepers, 'secret.reveal': keepers,
  'credential.*': keepers, 'registry.*': keepers, 'notification.*': keepers, 'alert.*': keepers,
  'user.*': keepers, 'team.*': keepers, 'invitation.*': keepers, 'audit.read': keepers, 'metrics.scrape': keepers,
};
const may = (role, permission) => (allowed[permission] ?? allowed[permission.replace(/\..*/, '.*')]).split(' ').includes(role);

// ---- the people. `system` is their role everywhere, `here` what the project below gives them.
const root = await login();
const project = (await root.want(201, 'POST', '/api/projects', { name: unique('rbac') })).id;
const elsewhere = (await root.want(201, 'POST', '/api/projects', { name: unique('elsewhere') })).id;
const team = (await root.want(201, 'POST', '/api/teams', { name: unique('team') })).id;
const otherTeam = (await root.want(201, 'POST', '/api/teams', { name: unique('other') })).id;
await root.want(200, 'PATCH', `/api/projects/${project}`, { teamId: team });
await root.want(200, 'PATCH', `/api/projects/${elsewhere}`, { teamId: otherTeam });
let owned; // a project of its owner, in the same team

async function person(system, membership, where = team) {
  const username = unique(system).toLowerCase();
  const u = await root.want(201, 'POST', '/api/users', { username, email: `${username}@example.com`, password: 'correct horse', roles: [system] });
  if (membership) await root.want(200, 'PUT', `/api/teams/${where}/members/${u.id}`, { role: membership });
  return { username, client: await login(username, 'correct horse'), id: u.id };
}
const actors = {
  'system owner': { ...await person('owner'), system: 'owner', here: 'owner' },
  'system admin': { ...await person('admin'), system: 'admin', here: 'admin' },
  'system developer': { ...await person('developer'), system: 'developer', here: null },
  'system viewer': { ...await person('viewer'), system: 'viewer', here: null },
  'team admin': { ...await person('viewer', 'admin'), system: 'viewer', here: 'admin' },
  'team developer': { ...await person('viewer', 'developer'), system: 'viewer', here: 'developer' },
  'team viewer': { ...await person('developer', 'viewer'), system: 'developer', here: 'viewer' },
  'member of another team': { ...await person('developer', 'admin', otherTeam), system: 'developer', here: null },
};
const projectOwner = { ...await person('developer', 'viewer'), system: 'developer', here: 'admin' };
owned = (await projectOwner.client.want(201, 'POST', '/api/projects', { name: unique('owned'), teamId: team })).id;
actors['project owner'] = { ...projectOwner, project: owned };

async function token(change) {
  const t = await root.want(201, 'POST', '/api/auth/tokens', { name: unique('t'), role: 'owner', ...change });
  return { client: new Client(t.token), id: t.id };
}
const soon = new Date(Date.now() + 1500).toISOString();
const expired = await token({ expiresAt: soon });
const revoked = await token({});
await root.want(204, 'DELETE', `/api/auth/tokens/${revoked.id}`);
await until('the end of the token', async () => (await expired.client.call('GET', '/api/auth/session')).status === 401, 10);
Object.assign(actors, {
  nobody: { client: new Client(), no: 401 },
  'an expired token': { client: expired.client, no: 401 },
  'a revoked token': { client: revoked.client, no: 401 },
  'a token with less than its user': { ...await token({ role: 'viewer' }), token: true, system: 'viewer', here: 'viewer' },
  'a token of another project': { ...await token({ projectIds: [elsewhere] }), token: true, limited: true, system: 'owner', here: null },
});

// A browser's cookie without the CSRF token that goes with it.
class Cookie extends Client {
  constructor(session) { super(); this.session = session; }
  raw(method, path, o = {}) { return super.raw(method, path, { ...o, headers: { ...o.headers, cookie: `slipway_session=${this.session}` } }); }
}
actors['a cookie without CSRF token'] = { client: new Cookie(root.token), system: 'owner', here: 'owner', cookie: true };

// ---- what is done, to what. Each row: method, path, permission, body. Permissions of what is in no
// project go by the system role. "open", "login" (anybody who is in) and "person" (no API token) need none.
const global = /^(user|team|invitation|credential|registry)\.|^(audit\.read|metrics\.scrape|project\.create)$/;
const email = () => `${unique('x')}@example.com`;
const rows = [
  ['GET', '/healthz', 'open'], ['GET', '/readyz', 'open'], ['GET', '/api/openapi.json', 'open'],
  ['POST', '/api/auth/register', 'open', () => ({}), [403]],
  ['POST', '/api/auth/login', 'open', () => ({}), [422]],
  ['GET', '/api/auth/oidc/login', 'open', null, [404]], ['GET', '/api/auth/oidc/callback', 'open', null, [404]],
  ['POST', '/api/webhooks/github', 'open', () => ({}), [401]],
  ['POST', '/api/webhooks/gitlab', 'open', () => ({}), [401]],
  ['POST', '/api/webhooks/docker', 'open', () => ({ events: [] }), [401]],
  ['GET', '/api/auth/session', 'login'], ['GET', '/api/auth/tokens', 'login'],
  ['GET', '/api/events', 'login', null, [422]], ['GET', '/api/ws', 'login', null, [503]],
  ['POST', '/api/applications/bulk', 'login', () => ({}), [422]],
  ['GET', '/api/auth/sessions', 'person'], ['DELETE', '/api/auth/sessions/{random}', 'person', null, [404]],
  ['POST', '/api/auth/password', 'person', () => ({}), [422]],
  ['POST', '/api/auth/totp', 'person'], ['POST', '/api/auth/totp/confirm', 'person', () => ({}), [422]],
  ['DELETE', '/api/auth/totp', 'person', () => ({}), [422]],
  ['POST', '/api/auth/tokens', 'person', () => ({}), [422]], ['DELETE', '/api/auth/tokens/{random}', 'person', null, [404]],
  ['POST', '/api/auth/logout', 'person'],

  ['GET', '/api/users', 'user.read'],
  ['POST', '/api/users', 'user.create', () => ({ username: unique('n'), email: email(), roles: [] }), [201]],
  ['GET', '/api/users/{user}', 'user.read'], ['PATCH', '/api/users/{user}', 'user.update', () => ({ name: 'x' })],
  ['DELETE', '/api/users/{user}', 'user.delete'],
  ['GET', '/api/teams', 'team.read'], ['POST', '/api/teams', 'team.create', () => ({ name: unique('t') })],
  ['GET', '/api/teams/{team}', 'team.read'], ['PATCH', '/api/teams/{team}', 'team.update', () => ({ name: unique('t') })],
  ['PUT', '/api/teams/{team}/members/{user}', 'team.update', () => ({ role: 'viewer' })],
  ['DELETE', '/api/teams/{team}/members/{member}', 'team.update'],
  ['DELETE', '/api/teams/{team}', 'team.delete'],
  ['GET', '/api/invitations', 'invitation.read'],
  ['POST', '/api/invitations', 'invitation.create', () => ({ email: email(), roles: [] })],
  ['DELETE', '/api/invitations/{invitation}', 'invitation.delete'],
  ['GET', '/api/audit', 'audit.read'], ['GET', '/api/metrics/prometheus', 'metrics.scrape'],
  ['GET', '/api/credentials', 'credential.read'],
  ['POST', '/api/credentials', 'credential.create', () => ({ name: unique('c'), kind: 'ssh' })],
  ['DELETE', '/api/credentials/{credential}', 'credential.delete'],
  ['GET', '/api/registries', 'registry.read'],
  ['POST', '/api/registries', 'registry.create', () => ({ name: unique('r'), address: 'r.example.com' })],
  ['PATCH', '/api/registries/{registry}', 'registry.update', () => ({ isDefault: false })],
  ['DELETE', '/api/registries/{registry}', 'registry.delete'],

  ['GET', '/api/projects', 'list'], ['POST', '/api/projects', 'project.create', () => ({ name: unique('p') })],
  ['GET', '/api/projects/{project}', 'project.read'],
  ['PATCH', '/api/projects/{project}', 'project.update', () => ({ description: 'x' })],
  ['DELETE', '/api/projects/{fresh project}', 'project.delete'],
  ['GET', '/api/applications', 'list'],
  ['POST', '/api/applications', 'application.create', (p) => ({ projectId: p, name: unique('a'), image: 'example/a:1' }), [201], 422],
  ['GET', '/api/applications/{app}', 'application.read'],
  ['PATCH', '/api/applications/{app}', 'application.update', () => ({ replicas: 2 })],
  ['DELETE', '/api/applications/{app}', 'application.delete'],
  ['POST', '/api/applications/{app}/webhook-secret', 'application.update'],
  ['POST', '/api/applications/{app}/deploy', 'application.deploy'],
  ...['start', 'stop', 'restart'].map((a) => ['POST', `/api/applications/{app}/${a}`, 'application.deploy', null, [409]]),
  ['GET', '/api/applications/{app}/logs', 'application.read'], ['GET', '/api/applications/{app}/metrics', 'metrics.read'],
  ['GET', '/api/applications/{app}/releases', 'application.read'],
  ['PUT', '/api/applications/{app}/bindings/{database}', 'application.update', () => ({ variable: 'URL' })],
  ['DELETE', '/api/applications/{app}/bindings/{bound}', 'application.update'],
  ['GET', '/api/deployments', 'list'], ['GET', '/api/deployments/{deployment}', 'deployment.read'],
  ['GET', '/api/deployments/{deployment}/logs', 'deployment.read'],
  ['POST', '/api/deployments/{deployment}/cancel', 'deployment.cancel', null, [202, 409]],
  ['POST', '/api/deployments/{deployment}/rollback', 'deployment.rollback', null, [409]],
  ['GET', '/api/databases', 'list'],
  ['POST', '/api/databases', 'database.create', (p) => ({ projectId: p, name: unique('d'), kind: 'redis' }), [201], 422],
  ['GET', '/api/databases/{database}', 'database.read'],
  ['PATCH', '/api/databases/{database}', 'database.update', () => ({ memoryLimit: 64 })],
  ['DELETE', '/api/databases/{database}', 'database.delete'],
  ...['start', 'stop', 'restart', 'rotate'].map((a) => ['POST', `/api/databases/{database}/${a}`, 'database.update']),
  ['GET', '/api/databases/{database}/connection', 'secret.reveal'],
  ['GET', '/api/metrics', 'list'], ['GET', '/api/webhooks/deliveries', 'list'],
  ['GET', '/api/webhooks/deliveries/{delivery}', 'delivery.read'],
  ['POST', '/api/webhooks/deliveries/{delivery}/explain', 'delivery.read'],
  ['POST', '/api/webhooks/deliveries/{delivery}/redeliver', 'application.deploy'],
  ['GET', '/api/notifications', 'notification.list'],
  ['POST', '/api/notifications', 'notification.create', (p) => ({ projectId: p, kind: 'email', target: 'a@example.com', events: ['deployment.failed'] }), [201], 422],
  ['PATCH', '/api/notifications/{notification}', 'notification.update', () => ({ target: 'https://i.example.com/' })],
  ['DELETE', '/api/notifications/{notification}', 'notification.delete'],
  ['POST', '/api/notifications/{notification}/test', 'notification.update', null, [503]],
  ['GET', '/api/alerts', 'alert.list'],
  ['POST', '/api/alerts', 'alert.create', (p) => ({ scope: `project:${p}`, metric: 'cpu', threshold: 1 }), [201], 422],
  ['PATCH', '/api/alerts/{alert}', 'alert.update', () => ({ threshold: 2 })],
  ['DELETE', '/api/alerts/{alert}', 'alert.delete'],
];

// ---- fresh things to do it to
const made = async (path, body) => (await root.want(201, 'POST', path, body)).id;
const repoUrl = () => `http://127.0.0.1:9/${unique('x')}/y.git`;
const newApp = (p) => root.want(201, 'POST', '/api/applications', { projectId: p, name: unique('a'), gitSource: { repoUrl: repoUrl() }, autoDeploy: false });
const shared = {};
const things = {
  random: () => randomUUID(),
  project: (p) => p,
  'fresh project': async (p, actor) => {
    if (actor.project) return (await actor.client.want(201, 'POST', '/api/projects', { name: unique('p') })).id;
    return made('/api/projects', { name: unique('p'), teamId: team });
  },
  user: () => made('/api/users', { username: unique('v'), email: email(), roles: [] }),
  team: () => made('/api/teams', { name: unique('t') }),
  member: async (p, actor, path) => {
    const u = await things.user();
    await root.want(200, 'PUT', `/api/teams/${path.split('/')[3]}/members/${u}`, { role: 'viewer' });
    return u;
  },
  invitation: () => made('/api/invitations', { email: email(), roles: [] }),
  credential: () => made('/api/credentials', { name: unique('c'), kind: 'token', token: 'x' }),
  registry: () => made('/api/registries', { name: unique('r'), address: 'r.example.com' }),
  app: async (p) => (await newApp(p)).id,
  database: (p) => made('/api/databases', { projectId: p, name: unique('d'), kind: 'postgres' }),
  bound: async (p, actor, path) => {
    const id = await things.database(p);
    await root.want(200, 'PUT', `/api/applications/${path.split('/')[3]}/bindings/${id}`, { variable: 'URL' });
    return id;
  },
  deployment: async (p) => {
    shared[p] ??= (await root.want(202, 'POST', `/api/applications/${(await newApp(p)).id}/deploy`, {})).id;
    return shared[p];
  },
  delivery: async (p) => {
    const app = await newApp(p);
    await deliver('push', { ref: 'refs/heads/main', after: '1'.repeat(40), repository: { clone_url: app.gitSource.repoUrl } }, app.webhookSecret);
    return (await root.get(`/api/webhooks/deliveries?applicationId=${app.id}`))[0].id;
  },
  notification: (p) => made('/api/notifications', { projectId: p, kind: 'slack', target: 'https://h.example.com/', events: ['alert.firing'] }),
  alert: (p) => made('/api/alerts', { scope: `project:${p}`, metric: 'memory', threshold: 1 }),
};

async function address(template, p, actor) {
  let path = template;
  for (let m; (m = /\{([^}]+)\}/.exec(path)) !== null;)
    path = path.slice(0, m.index) + await things[m[1]](p, actor, path.slice(0, m.index)) + path.slice(m.index + m[0].length);
  return path;
}

// What is promised: a status, or "yes" with the statuses that count as one.
function promised([method, template, permission, , yes, hidden], actor) {
  if (permission === 'open') return yes ?? [200];
  if (actor.no) return [actor.no];
  if (actor.cookie && method !== 'GET') return [403];
  if (permission === 'person' && actor.token) return [403];
  const good = yes ?? [200, 201, 202, 204];
  if (['login', 'person', 'list'].includes(permission)) return good;
  // everybody may ask for what they manage; it may be nothing
  if (permission.endsWith('.list')) return actor.token && !may(actor.system, permission) ? [403] : good;
  if (global.test(permission)) return may(actor.system, permission) && !actor.limited ? good : [403];
  // the role of an API token is asked before it is looked whether the thing is there
  if (actor.token && !may(actor.system, permission)) return [403];
  if (!actor.here) return [hidden ?? 404];
  // who may not even read a thing does not hear that it is there
  const unread = /^(notification|alert)\./.test(permission) && template.includes('{');
  return may(actor.here, permission) ? good : [unread ? 404 : 403];
}

for (const [name, actor] of Object.entries(actors))
  test(`as ${name}: every operation answers as promised`, async () => {
    const p = actor.project ?? project;
    const wrong = [];
    for (const row of rows) {
      const [method, template, permission, body] = row;
      const path = await address(template, p, actor);
      const last = path === '/api/auth/logout' && actor.username;
      const client = last ? await login(actor.username, 'correct horse') : actor.client;
      const r = await client.call(method, path, body ? body(p) : undefined);
      const want = promised(row, actor);
      if (!want.includes(r.status)) wrong.push(`${method} ${template} (${permission}): ${r.status} and not ${want}: ${r.text.slice(0, 200)}`);
    }
    equal(wrong, []);
  });

test('no operation is left out', () => {
  const key = (m, p) => `${m} ${p.replace(/\{[^}]*\}/g, '{}')}`;
  const here = new Set(rows.map(([m, p]) => key(m, p)));
  const there = Object.entries(contract.doc.paths).flatMap(([p, item]) => Object.keys(item).map((m) => key(m.toUpperCase(), p)));
  equal(there.filter((k) => !here.has(k)), [], 'not walked');
  equal([...here].filter((k) => !there.includes(k)), [], 'not described');
  console.log(`# ${rows.length} operations as ${Object.keys(actors).length}`);
});

test('lists hold what one may see and nothing else', async () => {
  await things.app(project);
  await things.database(project);
  for (const [name, actor] of Object.entries(actors)) {
    if (actor.no) continue;
    const p = actor.project ?? project;
    const projects = (await actor.client.get('/api/projects?limit=200')).map((x) => x.id);
    equal(projects.includes(p), actor.here !== null, `${name}: the project`);
    const everything = ['owner', 'admin'].includes(actor.system) || name.startsWith('a token with less') ? !actor.limited : false;
    if (!everything && name !== 'member of another team' && !actor.limited) check(!projects.includes(elsewhere), `${name}: another team's project`);
    for (const list of ['applications', 'databases']) {
      const found = await actor.client.get(`/api/${list}?projectId=${project}&limit=200`);
      equal(found.length > 0, actor.here !== null, `${name}: ${list}`);
    }
  }
});

test('only an owner makes, changes or removes an owner, and the last one stays', async () => {
  const admin = actors['system admin'].client, owner = actors['system owner'];
  equal((await admin.call('POST', '/api/users', { username: unique('o'), email: email(), roles: ['owner'] })).status, 403);
  equal((await admin.call('PATCH', `/api/users/${owner.id}`, { disabled: true })).status, 403);
  equal((await admin.call('PATCH', `/api/users/${owner.id}`, { password: 'another password' })).status, 403);
  equal((await admin.call('DELETE', `/api/users/${owner.id}`)).status, 403);
  equal((await admin.call('PATCH', `/api/users/${actors['system admin'].id}`, { roles: ['owner'] })).status, 403);
  equal((await admin.call('POST', '/api/invitations', { email: email(), roles: ['owner'] })).status, 403);
  const owners = (await root.get('/api/users?limit=200')).filter((u) => u.roles.includes('owner') && !u.disabled);
  const me = (await root.get('/api/auth/session')).user.id;
  for (const o of owners.filter((u) => u.id !== me)) await root.want(200, 'PATCH', `/api/users/${o.id}`, { roles: ['viewer'] });
  const last = await root.call('PATCH', `/api/users/${me}`, { roles: ['admin'] });
  equal(last.status, 409, last.text);
});

test('a token is no stronger than its maker, and dies with the right that it had', async () => {
  const dev = await person('developer');
  equal((await dev.client.call('POST', '/api/auth/tokens', { name: 'x', role: 'admin' })).status, 422);
  equal((await dev.client.call('POST', '/api/auth/tokens', { name: 'x', role: 'metrics' })).status, 403);
  equal((await dev.client.call('POST', '/api/auth/tokens', { name: 'x', role: 'developer', projectIds: [project] })).status, 422);
  const t = new Client((await dev.client.want(201, 'POST', '/api/auth/tokens', { name: 'x', role: 'developer' })).token);
  await t.want(201, 'POST', '/api/projects', { name: unique('p') });
  await root.want(200, 'PATCH', `/api/users/${dev.id}`, { roles: ['viewer'] });
  equal((await t.call('POST', '/api/projects', { name: unique('p') })).status, 403);
  await root.want(200, 'PATCH', `/api/users/${dev.id}`, { disabled: true });
  equal((await t.call('GET', '/api/projects')).status, 401);
});

test('a changed role, a new password and disabling end the sessions at once', async () => {
  for (const change of [{ roles: ['admin'] }, { password: 'battery staple' }, { disabled: true }]) {
    const u = await person('viewer');
    await u.client.get('/api/projects');
    await root.want(200, 'PATCH', `/api/users/${u.id}`, change);
    equal((await u.client.call('GET', '/api/projects')).status, 401, JSON.stringify(change));
  }
});

await main();
