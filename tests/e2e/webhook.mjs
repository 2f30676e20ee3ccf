// SPDX-License-Identifier: MIT
// GitHub's own payloads, signed here.
import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import { access, check, deliver, ended, equal, login, main, sign, test, unique } from './lib.mjs';

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

await main();
