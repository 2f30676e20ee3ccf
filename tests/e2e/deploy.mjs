// SPDX-License-Identifier: MIT
// From a push to a running service, and what happens when something is wrong.
import { access, check, deliver, ended, equal, git, login, main, poller, sleep, test, unique, until } from './lib.mjs';
import { Repo, application, engine, server, service, web } from './repo.mjs';

const owner = await login();
const deploy = async (app, body = {}) => (await owner.want(202, 'POST', `/api/applications/${app.id}/deploy`, body)).id;
const run = async (app, body) => ended(owner, await deploy(app, body));
const text = async (url) => (await fetch(url, { headers: { connection: 'close' } })).text();

function pushed(repoUrl, sha, message) {
  return { ref: 'refs/heads/main', before: '0'.repeat(40), after: sha, deleted: false,
    head_commit: { id: sha, message }, repository: { full_name: 'slipway/sample', clone_url: repoUrl } };
}
async function failed(app, body, pattern, step) {
  const d = await run(app, body);
  equal(d.status, 'failed', JSON.stringify(d));
  check(pattern.test(d.error.message), `${d.error.message} does not match ${pattern}`);
  if (step) equal(d.error.step, step, d.error.message);
  return d;
}

test('a signed push deploys version 2 without a failed request', async () => {
  const dir = access.repoPath;
  const n = Number(git(dir, 'rev-list', '--count', 'HEAD')) + 1;
  const page = `<!doctype html><title>Sample</title><p id="version">test version ${n}</p>`;
  (await import('node:fs')).writeFileSync(`${dir}/index.html`, page);
  git(dir, 'commit', '-qam', `Show test version ${n}`);
  git(dir, 'push', '-q', 'origin', 'main');
  const sha = git(dir, 'rev-parse', 'HEAD');
  const client = poller(access.sampleUrl);
  await sleep(300);
  const r = await deliver('push', pushed(access.repoUrl, sha, `Show test version ${n}`), access.webhookSecret);
  equal(r.status, 202, r.text);
  const d = await ended(owner, r.json.deployments[0]);
  equal(d.status, 'success', JSON.stringify(d.error));
  await until('the new version', async () => (await text(access.sampleUrl)) === page, 10);
  await sleep(2500); // the old task has ended by now
  const seen = await client.stop();
  equal(seen.failures, []);
  check(seen.requests > 50, `only ${seen.requests} requests`);
  equal([d.commitSha, d.progress, d.trigger, d.steps.map((s) => [s.name, s.outcome])],
    [sha, 100, 'webhook', ['clone', 'build', 'push', 'deploy', 'verdict'].map((s) => [s, 'success'])]);
  check(d.image.includes(`:${sha.slice(0, 7)}`), d.image);
  const app = await owner.get(`/api/applications/${access.applicationId}`);
  equal([app.status, app.pendingChanges], ['running', false]);
  const s = await service(app.serviceName);
  check(s.Spec.TaskTemplate.ContainerSpec.Image.includes(sha.slice(0, 7)), 'the image does not name the commit');
  check(s.Spec.TaskTemplate.ContainerSpec.Image.includes('@sha256:'), 'the image is not pinned');
  const logs = await owner.get(`/api/deployments/${d.id}/logs`);
  check(logs.length > 5, 'there is hardly any output');
  logs.forEach((l, i) => equal(l.line, i + 1));
  equal(await owner.get(`/api/deployments/${d.id}/logs?after=${logs.length}`), []);
});

test('the commit that was asked for is built, not the tip', async () => {
  const repo = new Repo(web('one'));
  const first = git(repo.dir, 'rev-parse', 'HEAD');
  repo.commit({ 'index.html': 'two\n' });
  const host = `${unique('h')}.example.com`;
  const app = await application(owner, repo, { domains: [{ host }] });
  const d = await run(app, { commitSha: first.slice(0, 9) });
  equal([d.status, d.commitSha], ['success', first], JSON.stringify(d.error));
  await until('the first version', async () => {
    const { get } = await import('node:http');
    const body = await new Promise((done, no) => get(access.sampleUrl, { headers: { host } }, (res) => {
      let s = ''; res.on('data', (x) => { s += x; }); res.on('end', () => done(s));
    }).on('error', no));
    return body === 'one\n';
  }, 20);
  equal((await owner.get('/api/deployments?status=success&limit=1'))[0].id, d.id);
});

test('the service carries the whole spec', async () => {
  const volume = unique('data');
  const app = await application(owner, new Repo(web('spec')), {
    envVars: [{ key: 'PLAIN', value: 'a b' }, { key: 'TOKEN', value: 's3cret-value', isSecret: true }],
    memoryLimit: 80, cpuLimit: 0.25, replicas: 2, labels: { 'com.example.tier': 'front' },
    volumes: [{ source: volume, target: '/data' }], user: '0', buildArgs: { X: '1' },
    restartPolicy: { condition: 'any', maxAttempts: 5, window: 60 },
    healthCheck: { command: 'wget -q -O /dev/null http://127.0.0.1:8080/', interval: 1, timeout: 2, retries: 4 },
  });
  const real = `${app.serviceName}_${volume}`; // no other application's, whatever it calls its own
  const d = await run(app);
  equal(d.status, 'success', JSON.stringify(d.error));
  const { Spec: s } = await service(app.serviceName);
  const c = s.TaskTemplate.ContainerSpec;
  check(c.Env.includes('PLAIN=a b') && c.Env.includes('TOKEN=s3cret-value'), String(c.Env));
  equal([s.Labels['dokploy.application'], s.Labels['dokploy.project'], s.Labels['traefik.enable'], s.Labels['com.example.tier']],
    [app.id, app.projectId, 'true', 'front']);
  equal([s.TaskTemplate.Resources.Limits.MemoryBytes, s.TaskTemplate.Resources.Limits.NanoCPUs], [80 * 1048576, 250000000]);
  equal([s.TaskTemplate.RestartPolicy.Condition, s.TaskTemplate.RestartPolicy.MaxAttempts, s.TaskTemplate.RestartPolicy.Window], ['any', 5, 60e9]);
  equal([c.Healthcheck.Test, c.Healthcheck.Interval, c.Healthcheck.Retries], [['CMD-SHELL', 'wget -q -O /dev/null http://127.0.0.1:8080/'], 1e9, 4]);
  equal([s.Mode.Replicated.Replicas, c.Mounts[0].Target, s.UpdateConfig.Monitor, s.UpdateConfig.FailureAction, s.UpdateConfig.Order],
    [2, '/data', 1e9, 'rollback', 'stop-first']);
  const network = (await engine('/networks/dokploy-network')).json;
  equal(s.TaskTemplate.Networks[0].Target, network.Id);
  const logs = JSON.stringify(await owner.get(`/api/deployments/${d.id}/logs`));
  check(!logs.includes('s3cret-value'), 'a secret is in the log');
  check(!JSON.stringify(await owner.get(`/api/applications/${app.id}`)).includes('s3cret-value'), 'a secret is shown');

  const changed = await owner.want(200, 'PATCH', `/api/applications/${app.id}`, { memoryLimit: 96 });
  equal(changed.pendingChanges, true);
  equal((await run(app)).status, 'success');
  equal((await owner.get(`/api/applications/${app.id}`)).pendingChanges, false);
  equal((await service(app.serviceName)).Spec.TaskTemplate.Resources.Limits.MemoryBytes, 96 * 1048576);

  equal((await engine(`/volumes/${real}`)).status, 200);
  await owner.want(204, 'DELETE', `/api/applications/${app.id}?volumes=true`);
  await until('the end of the service', async () => !(await service(app.serviceName)), 30);
  await until('the end of the volume', async () => (await engine(`/volumes/${real}`)).status === 404, 60);
  await owner.want(404, 'GET', `/api/deployments/${d.id}`);
});

test('an image without a health check is waited for by the probe', async () => {
  const slow = server.replace('httpd', 'sleep 2; httpd').replace('httpd -f', 'exec httpd -f').replace(/& pid[^]*/, '');
  const repo = new Repo({ Dockerfile: 'FROM slipway-sample-base\nCOPY entry index.html /srv/\nCMD ["sh", "/srv/entry"]\n', entry: slow, 'index.html': 'slow\n' });
  const app = await application(owner, repo);
  const d = await run(app);
  equal(d.status, 'success', JSON.stringify(d.error));
  const { Spec: s } = await service(app.serviceName);
  equal(s.TaskTemplate.ContainerSpec.Healthcheck.Test[0], 'CMD');
});

test('what is wrong with the source is said, and names it', async () => {
  const app = await application(owner, new Repo(web('x')));
  await failed(app, { branch: 'nowhere' }, /nowhere/, 'clone');
  await failed(app, { commitSha: 'abcdef1' }, /abcdef1/, 'clone');
  await failed(await application(owner, new Repo({ 'index.html': 'x' })), {}, /Dockerfile/, 'build');
  await failed(await application(owner, new Repo({ Dockerfile: 'FROM slipway-sample-base\nRUN echo before; exit 3\n' })), {}, /3/, 'build');
  await failed(await application(owner, new Repo({ Dockerfile: 'FRM x\n' })), {}, /FRM/i, 'build');
  await failed(await application(owner, new Repo({ Dockerfile: { link: '/etc/passwd' } })), {}, /Dockerfile/, 'build');
  await failed(await application(owner, new Repo({ Dockerfile: 'FROM scratch\n', ctx: { link: '../../../..' } }), { contextPath: 'ctx' }), {}, /ctx/, 'build');
  await failed(await application(owner, { url: access.repoUrl.replace('sample', 'no-such-repository') }), {}, /no-such-repository/, 'clone');
});

test('a symbolic link out of the repository is not followed', async () => {
  const repo = new Repo({ ...web('link'), Dockerfile: 'FROM scratch\nCOPY evil /evil\n', evil: { link: '/etc/hostname' } });
  await failed(await application(owner, repo), {}, /hostname.*not found|not found.*hostname|no such file/, 'build');
});

test('an image that does not exist fails, and the first failure leaves no service behind', async () => {
  const app = await application(owner, null, { image: '127.0.0.1:9/no/such:image' });
  const d = await failed(app, {}, /no\/such/);
  check(['deploy', 'verdict', 'push', 'build'].includes(d.error.step), d.error.step);
  await until('no service', async () => { const s = await service(app.serviceName); return !s || s.Spec.Mode.Replicated.Replicas === 0; }, 20);
});

for (const [name, files, pattern] of [
  ['crashes', { entry: '#!/bin/sh\necho LEDGER_URL is required but not set\nexit 7\n' }, /exited with code 7/],
  ['fails its health check', { entry: '#!/bin/sh\necho no port here\nexec sleep 600\n' }, /health/],
])
  test(`a new version that ${name} is failed with its cause, and the old one answers throughout`, async () => {
    const repo = new Repo(web('good'));
    const host = `${unique('h')}.example.com`;
    const app = await application(owner, repo, { domains: [{ host }] });
    equal((await run(app)).status, 'success');
    const { Agent, get } = await import('node:http');
    const agent = new Agent({ keepAlive: false });
    const ask = () => new Promise((done) => get(access.sampleUrl, { headers: { host }, agent }, (res) => {
      let s = ''; res.on('data', (x) => { s += x; }); res.on('end', () => done(`${res.statusCode} ${s.trim()}`));
    }).on('error', (e) => done(String(e))));
    await until('the good version', async () => (await ask()) === '200 good', 20);
    const answers = new Map();
    let go = true;
    const asking = (async () => { while (go) { const a = await ask(); answers.set(a, (answers.get(a) ?? 0) + 1); await sleep(20); } })();
    repo.commit(files, `A version that ${name}`);
    const d = await failed(app, {}, pattern, 'verdict');
    await sleep(1500);
    go = false;
    await asking;
    equal([...answers.keys()], ['200 good']);
    check(d.error.task && d.error.node, JSON.stringify(d.error));
    if (name === 'crashes') {
      equal(d.error.exitCode, 7);
      check(d.error.output.includes('LEDGER_URL is required'), d.error.output);
    }
    equal((await owner.get(`/api/applications/${app.id}`)).status, 'running');
    const s = await service(app.serviceName);
    const good = (await owner.get(`/api/deployments?applicationId=${app.id}&status=success`))[0];
    equal(s.Spec.TaskTemplate.ContainerSpec.Image, good.image);
  });

test('deployments of one application run one after the other, in order', async () => {
  const repo = new Repo(web('a'));
  const app = await application(owner, repo);
  const ids = [await deploy(app), await deploy(app), await deploy(app)];
  const ends = [];
  for (const id of ids) ends.push(await ended(owner, id, 120));
  for (const [i, d] of ends.entries()) {
    equal(d.status, 'success', JSON.stringify(d.error));
    if (i) check(d.startedAt >= ends[i - 1].finishedAt, `${i} began before ${i - 1} had ended`);
  }
  equal(ends[2].previousId, ids[1]);
});

await main();
