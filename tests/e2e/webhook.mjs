// SPDX-License-Identifier: MIT
// GitHub's own payloads, signed here.
import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import { Client, access, check, deliver, ended, equal, login, main, sign, test, unique } from './lib.mjs';

const examples = createRequire(import.meta.url)('@octokit/webhooks-examples');
const owner = await login();
const payloads = (name) => examples.find((e) => e.name === name).examples;
const zero = '0'.repeat(40);

// Nothing answers at these addresses: a deployment that a delivery starts fails at its clone.
async function application(repoUrl, extra = {}) {
  const p = await owner.want(201, 'POST', '/api/projects', { name: unique('hooks') });
  return owner.want(201, 'POST', '/api/applications',
    { projectId: p.id, name: unique('hook'), gitSource: { repoUrl, branch: 'main' }, ...extra });
}
const count = async (app) => (await owner.get(`/api/deployments?applicationId=${app.id}`)).length;

function push(repoUrl, change = {}) {
  const example = structuredClone(payloads('push').find((e) => e.head_commit) ?? payloads('push')[0]);
  const path = repoUrl.replace(/^https?:\/\/|\.git$/g, '');
  return {
    ...example, ref: 'refs/heads/main', after: 'c0ffee'.padEnd(40, '1'), deleted: false,
    head_commit: { ...(example.head_commit ?? {}), id: 'c0ffee'.padEnd(40, '1'), message: 'Change the price' },
    repository: { ...example.repository, clone_url: repoUrl, html_url: `http://${path}`, ssh_url: `git@${path.replace('/', ':')}.git` },
    ...change,
  };
}

const repo = `http://127.0.0.1:9/${unique('acme')}/shop.git`;
const app = await application(repo);

test('every push that GitHub documents is read, signed or not, and starts nothing here', async () => {
  let n = 0;
  for (const payload of payloads('push')) {
    const r = await deliver('push', payload, 'somebody else');
    equal(r.status, 401, r.text);
    n++;
  }
  check(n > 0, 'there are no examples');
  equal(await count(app), 0);
});

test('an unknown repository and a bad proof get the same answer', async () => {
  const unknown = await deliver('push', push(`http://127.0.0.1:9/${unique('x')}/y.git`), app.webhookSecret);
  const wrong = await deliver('push', push(repo), 'wrong');
  const none = await deliver('push', push(repo), '', { signature: '' });
  const sha1 = await deliver('push', push(repo), '', { signature: `sha1=${'0'.repeat(40)}` });
  const short = await deliver('push', push(repo), '', { signature: sign(app.webhookSecret, 'x').slice(0, 20) });
  for (const r of [unknown, wrong, none, sha1, short]) {
    equal(r.status, 401);
    equal({ ...r.json, requestId: '' }, { ...unknown.json, requestId: '' });
  }
  equal(await count(app), 0);
});

test('a ping is answered', async () => {
  for (const payload of payloads('ping').filter((p) => p.repository)) {
    payload.repository.clone_url = repo;
    equal((await deliver('ping', payload, app.webhookSecret)).status, 200);
  }
});

test('a push of the branch starts a deployment of that very commit, once', async () => {
  const delivery = randomUUID();
  const first = await deliver('push', push(repo), app.webhookSecret, { delivery });
  equal(first.status, 202, first.text);
  equal(first.json.deployments.length, 1);
  const d = await owner.get(`/api/deployments/${first.json.deployments[0]}`);
  equal([d.commitSha, d.trigger, d.branch, d.commitMessage], ['c0ffee'.padEnd(40, '1'), 'webhook', 'main', 'Change the price']);
  const again = await deliver('push', push(repo), app.webhookSecret, { delivery });
  equal([again.status, again.json.deployments], [200, []]);
  equal(await count(app), 1);
});

test('one event that two webhooks bring deploys both applications, each once', async () => {
  const shared = `http://127.0.0.1:9/${unique('mono')}/repo.git`;
  const web = await application(shared);
  const api = await application(shared);
  const delivery = randomUUID();
  for (const a of [web, api]) {
    const r = await deliver('push', push(shared), a.webhookSecret, { delivery });
    equal([r.status, r.json.deployments.length], [202, 1], r.text);
    equal((await owner.get(`/api/deployments/${r.json.deployments[0]}`)).applicationId, a.id);
    equal((await deliver('push', push(shared), a.webhookSecret, { delivery })).status, 200);
    equal(await count(a), 1);
  }
});

test('form-encoded deliveries and other spellings of the repository are the same', async () => {
  const form = await deliver('push', push(repo), app.webhookSecret, { form: true });
  equal([form.status, form.json.deployments?.length], [202, 1]);
  const spelled = push(repo);
  spelled.repository.clone_url = repo.replace(/\.git$/, '/').replace('127.0.0.1', '127.0.0.1');
  const r = await deliver('push', spelled, app.webhookSecret);
  equal([r.status, r.json.deployments.length], [202, 1]);
});

test('what should not deploy does not, and says why', async () => {
  const before = await count(app);
  const tries = [
    ['push', push(repo, { ref: 'refs/heads/other' }), /other/],
    ['push', push(repo, { ref: 'refs/tags/v1' }), /no branch/],
    ['push', push(repo, { deleted: true, after: zero }), /deleted/],
    ['push', push(repo, { head_commit: { message: 'Typo [skip ci]' } }), /skip/],
    ['push', push(repo, { head_commit: { message: 'Typo [skip deploy]' } }), /skip/],
    ['issues', push(repo), /only pushes/],
  ];
  for (const [event, payload, reason] of tries) {
    const r = await deliver(event, payload, app.webhookSecret);
    equal([r.status, r.json.deployments], [202, []]);
    check(reason.test(r.json.reason), r.text);
  }
  equal(await count(app), before);
  const off = await application(`http://127.0.0.1:9/${unique('off')}/x.git`, { autoDeploy: false });
  const r = await deliver('push', push(off.gitSource.repoUrl), off.webhookSecret);
  equal([r.status, r.json.deployments, await count(off)], [202, [], 0]);
});

test('malformed deliveries are refused', async () => {
  for (const body of ['', '{', '[]', 'null']) {
    const r = await deliver('push', body, app.webhookSecret);
    check([400, 401].includes(r.status), `${body}: ${r.status}`);
  }
  const r = await deliver('push', push(repo, { after: 'x' }), app.webhookSecret);
  equal(r.status, 400);
});

test('an old secret stays good after a new one was made', async () => {
  const { webhookSecret } = await owner.want(200, 'POST', `/api/applications/${app.id}/webhook-secret`);
  const other = push(repo, { ref: 'refs/heads/other' });
  equal((await deliver('push', other, app.webhookSecret)).status, 202);
  equal((await deliver('push', other, webhookSecret)).status, 202);
});

test('a deployment whose repository does not answer ends as failed and says so', async () => {
  const [d] = await owner.get(`/api/deployments?applicationId=${app.id}`);
  const end = await ended(owner, d.id, 180);
  equal(end.status, 'failed');
  check(/127\.0\.0\.1/.test(end.error.message), JSON.stringify(end.error));
});

// ---- GitLab, by its documentation's payloads
function gitlab(url, change = {}) {
  const path = url.replace(/^https?:\/\/|\.git$/g, '');
  return {
    object_kind: 'push', event_name: 'push', before: '95790bf891e76fee5e1747ab589903a6a1f80f22', after: 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7',
    ref: 'refs/heads/main', ref_protected: true, checkout_sha: 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7', user_id: 4, user_name: 'Jane', user_username: 'jane',
    project_id: 15, project: { id: 15, name: 'Shop', web_url: `http://${path}`, git_ssh_url: `git@${path}.git`, git_http_url: url, namespace: 'Acme', visibility_level: 0, path_with_namespace: 'acme/shop', default_branch: 'main' },
    commits: [
      { id: 'b6568db1bc1dcd7f8b4d5a946b0b91f9dacd7327', message: 'Update the catalogue', timestamp: '2026-01-12T14:27:31+02:00', added: ['a'], modified: [], removed: [] },
      { id: 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7', message: 'Fix the readme', timestamp: '2026-01-12T14:30:31+02:00', added: [], modified: ['README'], removed: [] },
    ],
    total_commits_count: 2, push_options: {}, repository: { name: 'Shop', git_http_url: url, visibility_level: 0 }, ...change,
  };
}
const lab = (payload, token, event = 'Push Hook', headers = {}) => new Client().raw('POST', '/api/webhooks/gitlab', {
  body: JSON.stringify(payload), headers: { 'content-type': 'application/json', 'user-agent': 'GitLab/17.0', 'x-gitlab-event': event, 'x-gitlab-event-uuid': randomUUID(), ...(token === null ? {} : { 'x-gitlab-token': token }), ...headers },
});

test('GitLab: a push deploys its commit once; what should not deploy says why', async () => {
  const url = `http://127.0.0.1:9/${unique('lab')}/shop.git`;
  const a = await application(url);
  for (const [token, status] of [['wrong', 401], ['', 401], [null, 401], [a.webhookSecret.slice(1), 401]])
    equal((await lab(gitlab(url), token)).status, status, String(token));
  const uuid = { 'x-gitlab-event-uuid': randomUUID() };
  const r = await lab(gitlab(url), a.webhookSecret, 'Push Hook', uuid);
  equal([r.status, r.json.deployments.length], [202, 1], r.text);
  const d = await owner.get(`/api/deployments/${r.json.deployments[0]}`);
  equal([d.commitSha, d.commitMessage, d.branch], ['da1560886d4f094c3e6c9ef40349f7d38b5d27d7', 'Fix the readme', 'main']);
  equal((await lab(gitlab(url), a.webhookSecret, 'Push Hook', uuid)).status, 200);
  const tries = [
    ['Push Hook', { ref: 'refs/heads/other' }, /other/], ['Push Hook', { after: zero, checkout_sha: null, commits: [] }, /deleted/],
    ['Push Hook', { commits: [{ id: 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7', message: 'Typo [skip ci]' }] }, /skip/],
    ['Tag Push Hook', { object_kind: 'tag_push', ref: 'refs/tags/v1.0.0' }, /no branch/], ['Note Hook', { object_kind: 'note' }, /only pushes/],
  ];
  for (const [event, change, reason] of tries) {
    const answer = await lab(gitlab(url, change), a.webhookSecret, event);
    equal([answer.status, answer.json.deployments], [202, []], answer.text);
    check(reason.test(answer.json.reason), answer.text);
  }
  equal(await count(a), 1);
});

test('the Docker Hub: an image application is deployed again by name and tag', async () => {
  const p = await owner.want(201, 'POST', '/api/projects', { name: unique('hub') });
  const name = unique('acme/shop').toLowerCase();
  const a = await owner.want(201, 'POST', '/api/applications', { projectId: p.id, name: 'shop', image: name });
  const hub = (repo, tag) => ({ callback_url: `https://registry.hub.docker.com/u/${repo}/hook/x/`, push_data: { pushed_at: 1767225600, pusher: 'jane', tag }, repository: { name: 'shop', namespace: 'acme', repo_name: repo, repo_url: `https://hub.docker.com/r/${repo}`, status: 'Active', is_private: false } });
  const send = (payload, token, query = '') => new Client().raw('POST', `/api/webhooks/docker${query}`, { body: JSON.stringify(payload), headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) } });
  equal((await send(hub(name, 'latest'), 'wrong')).status, 401);
  const other = await send(hub(name, 'v2'), a.webhookSecret);
  equal([other.status, other.json.deployments], [202, []]);
  check(/no application is deployed from 'docker\.io\/.*:v2'/.test(other.json.reason), other.text);
  const r = await send(hub(name, 'latest'), null, `?token=${a.webhookSecret}`);
  equal([r.status, r.json.deployments.length], [202, 1], r.text);
  for (const bad of [{}, { push_data: {} }, { repository: { repo_name: 1 }, push_data: { tag: 'x' } }]) equal((await send(bad, a.webhookSecret)).status, 400);
  await owner.want(204, 'DELETE', `/api/projects/${p.id}?force=true`);
});

test('why a push did nothing has an answer', async () => {
  const url = `http://127.0.0.1:9/${unique('why')}/x.git`;
  const a = await application(url);
  await deliver('push', push(url), 'a forgotten secret');
  const [refused] = await owner.get(`/api/webhooks/deliveries?applicationId=${a.id}`);
  equal([refused.outcome, refused.commitSha, refused.ref], ['refused', 'c0ffee'.padEnd(40, '1'), 'refs/heads/main']);
  check(/proof fits no application/.test(refused.reason), refused.reason);
  const whole = await owner.get(`/api/webhooks/deliveries/${refused.id}`);
  check(!JSON.stringify(whole).includes('sha256='), 'the signature is kept');
  equal(JSON.parse(whole.body).after, 'c0ffee'.padEnd(40, '1'));
  // a delivery whose proof failed does not use the sender's id up
  const delivery = randomUUID();
  equal((await deliver('push', push(url), 'wrong', { delivery })).status, 401);
  equal((await deliver('push', push(url), a.webhookSecret, { delivery })).status, 202);
});

await main();
