// SPDX-License-Identifier: MIT
// What is asked of a running application and of a deployment at work: its output, stop, start,
// restart, cancel, going back; by the API and by the pages' plain forms.
import { readFileSync, readdirSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { Client, access, check, ended, equal, finals, login, main, reached, sleep, test, unique, until } from './lib.mjs';
import { Repo, application, engine, service, web } from './repo.mjs';

const owner = await login();
const state = process.env.SLIPWAY_TEST_STATE; // of contrib/up
const pid = (name) => Number(readFileSync(join(state, 'run', `${name}.pid`), 'utf8'));
const deploy = async (app, body = {}) => (await owner.want(202, 'POST', `/api/applications/${app.id}/deploy`, body)).id;
async function deployed(app, body) {
  const d = await ended(owner, await deploy(app, body));
  equal(d.status, 'success', JSON.stringify(d.error));
  return d;
}
const act = (app, verb, status = 202) => owner.want(status, 'POST', `/api/applications/${app.id}/${verb}`);
const read = (app) => owner.get(`/api/applications/${app.id}`);
const becomes = (app, status, seconds = 30) => until(`status ${status}`, async () => (await read(app)).status === status, seconds);
const replicas = async (app) => (await service(app.serviceName)).Spec.Mode.Replicated.Replicas;
// What answers under HOST at the router: its text, or what went wrong.
const ask = (host) => new Promise((done) => get(access.sampleUrl, { headers: { host, connection: 'close' }, agent: false }, (res) => {
  let s = ''; res.on('data', (x) => { s += x; }); res.on('end', () => done(`${res.statusCode} ${s.trim()}`));
}).on('error', (e) => done(String(e))));
function processes(name) {
  return readdirSync('/proc').filter((p) => /^\d+$/.test(p)).flatMap((p) => {
    try {
      const [, comm, rest] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${p}/stat`, 'utf8'));
      return comm === name ? [{ pid: Number(p), parent: Number(rest.split(' ')[1]) }] : [];
    } catch { return []; }
  });
}

// A browser without JavaScript: a session cookie, and forms found in pages.
async function browser() {
  const raw = (path, { body, cookie = '' } = {}) => fetch(access.url + path, {
    redirect: 'manual', method: body ? 'POST' : 'GET', body: body && new URLSearchParams(body),
    headers: { connection: 'close', ...(cookie ? { cookie } : {}) },
  });
  const first = await raw('/login');
  const text = await first.text();
  const cookies = new Map();
  const keep = (res) => { for (const c of res.headers.getSetCookie?.() ?? [res.headers.get('set-cookie')].filter(Boolean)) {
    const [, k, v] = /^([^=]+)=([^;]*)/.exec(c); cookies.set(k, v);
  } };
  keep(first);
  const jar = () => [...cookies].map(([k, v]) => `${k}=${v}`).join('; ');
  const csrf = /name="_csrf" value="([^"]*)"/.exec(text)?.[1] ?? '';
  const entered = await raw('/login', { cookie: jar(), body: { _csrf: csrf, username: access.username, password: access.password } });
  keep(entered);
  check([302, 303].includes(entered.status), `login: ${entered.status}`);
  return {
    async page(path) { const res = await raw(path, { cookie: jar() }); keep(res); return res.text(); },
    // Submits the form of the page at PATH whose action is ACTION (and whose hidden TO is that).
    async submit(path, action, to) {
      const html = await this.page(path);
      const forms = html.split('<form').slice(1).map((f) => f.split('</form>')[0]);
      const form = forms.find((f) => f.includes(`action="${action}"`) && (!to || f.includes(`value="${to}"`)));
      check(form, `${path} has no form ${action}`);
      const body = Object.fromEntries([...form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map((m) => [m[1], m[2]]));
      const res = await raw(action, { cookie: jar(), body });
      keep(res);
      equal(res.status, 303, action);
      return res.headers.get('location');
    },
  };
}

test('the running service\'s own output: by task, by time, with its secrets hidden', async () => {
  const entry = `#!/bin/sh
mkdir -p /srv/www; cp /srv/index.html /srv/www/
echo "hello from \${HOSTNAME}"; echo "the token is $TOKEN"; echo 'not good  at all' >&2
exec httpd -f -p 8080 -h /srv/www
`;
  const app = await application(owner, new Repo({ ...web('talk'), entry }), {
    replicas: 2, envVars: [{ key: 'TOKEN', value: 'hush-hush-1', isSecret: true }],
  });
  equal(await owner.get(`/api/applications/${app.id}/logs`), [], 'never deployed');
  const begun = Date.now();
  await deployed(app);
  const lines = await until('all lines', async () => {
    const l = await owner.get(`/api/applications/${app.id}/logs`);
    return l.length >= 6 && l;
  }, 20);
  equal(lines.length, 6, JSON.stringify(lines));
  equal([...new Set(lines.map((l) => l.task))].sort(), [`${app.serviceName}.1`, `${app.serviceName}.2`]);
  for (const [i, l] of lines.entries()) {
    equal(Object.keys(l), ['at', 'task', 'node', 'stream', 'text']);
    check(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(l.at) && Date.parse(l.at) > begun - 5000, l.at);
    check(l.node, 'no node');
    if (i) check(lines[i - 1].at <= l.at, 'not in order');
  }
  equal(lines.filter((l) => l.stream === 'stderr').map((l) => l.text), ['not good  at all', 'not good  at all']);
  equal(lines.filter((l) => l.text === 'the token is ***').length, 2);
  equal((await owner.get(`/api/applications/${app.id}/logs?tail=1`)), [lines.at(-1)]);
  const soon = new Date(Date.now() + 3600e3).toISOString();
  equal(await owner.get(`/api/applications/${app.id}/logs?since=${soon}`), []);
  equal((await owner.get(`/api/applications/${app.id}/logs?tail=10000&since=${new Date(begun - 60000).toISOString()}`)).length, 6);
  for (const bad of ['tail=0', 'tail=10001', 'tail=x', 'since=yesterday'])
    await owner.want(422, 'GET', `/api/applications/${app.id}/logs?${bad}`);
  await owner.want(404, 'GET', `/api/applications/${unique('x')}/logs`);
  equal((await new Client().call('GET', `/api/applications/${app.id}/logs`)).status, 401);
  await engine(`/services/${app.serviceName}`, 'DELETE');
  equal(await owner.get(`/api/applications/${app.id}/logs`), [], 'the service is gone');
});

test('an answer of the worker has at most 1 MiB: the newest lines', async () => {
  const entry = `#!/bin/sh
mkdir -p /srv/www; cp /srv/index.html /srv/www/
i=0; x=$(printf '%0500d' 7); while [ $i -lt 4000 ]; do echo "$i $x"; i=$((i + 1)); done
exec httpd -f -p 8080 -h /srv/www
`;
  const app = await application(owner, new Repo({ ...web('long'), entry }));
  await deployed(app);
  const r = await until('the last line', async () => {
    const res = await owner.call('GET', `/api/applications/${app.id}/logs?tail=10000`);
    return res.status === 200 && res.json.at(-1)?.text.startsWith('3999 ') && res;
  }, 30);
  check(r.text.length <= 1048576 && r.text.length > 900000, `${r.text.length} bytes`);
  const numbers = r.json.map((l) => Number(l.text.split(' ')[0]));
  check(numbers.every((n, i) => i === 0 || n === numbers[i - 1] + 1), 'a line is missing in between');
});

test('the worker answers during builds, and not at all is 503 in five seconds', async () => {
  const repo = new Repo(web('busy'));
  const app = await application(owner, repo);
  await deployed(app);
  const ids = [];
  for (let i = 0; i < 3; i++) {
    const slow = new Repo(web('slow'));
    slow.commit({ Dockerfile: `${web('').Dockerfile}RUN echo ${unique('salt')}; sleep 6\n` });
    ids.push(await deploy(await application(owner, slow)));
  }
  for (const id of ids) await reached(owner, id, ['building'], 60);
  equal((await owner.call('GET', `/api/applications/${app.id}/logs`)).status, 200);
  const calls = processes('slipway-calls').filter((p) => p.parent === pid('slipway-worker'));
  equal(calls.length, 1);
  process.kill(calls[0].pid, 'SIGSTOP');
  const begun = Date.now();
  const r = await owner.call('GET', `/api/applications/${app.id}/logs`);
  process.kill(calls[0].pid, 'SIGKILL');
  equal(r.status, 503, r.text);
  check(r.json.detail.includes('worker does not answer'), r.json.detail);
  check(Date.now() - begun >= 4500, 'it did not wait');
  check(r.headers.get('retry-after'), 'no Retry-After');
  await until('a new process', () => processes('slipway-calls').some((p) => p.pid !== calls[0].pid), 20);
  await until('an answer', async () => (await owner.call('GET', `/api/applications/${app.id}/logs`)).status === 200, 20);
  for (const id of ids) equal((await ended(owner, id)).status, 'success');
});

test('stop, start and restart', async () => {
  const host = `${unique('h')}.example.com`;
  const app = await application(owner, new Repo(web('act')), { replicas: 2, domains: [{ host }] });
  for (const verb of ['start', 'stop', 'restart']) {
    const r = await act(app, verb, 409);
    check(r.detail.includes('never deployed'), r.detail);
  }
  await deployed(app);
  await becomes(app, 'running');
  await until('the route', async () => (await ask(host)) === '200 act', 20);

  equal((await act(app, 'stop')).id, app.id);
  await becomes(app, 'stopped');
  equal(await replicas(app), 0);
  await act(app, 'stop');
  await sleep(6000); // the watcher and the reconciler have looked more than once
  equal([(await read(app)).status, await replicas(app)], ['stopped', 0]);
  check((await ask(host)) !== '200 act', 'it still answers');

  await act(app, 'start');
  await becomes(app, 'running');
  equal(await replicas(app), 2);
  await until('the route', async () => (await ask(host)) === '200 act', 20);

  const before = (await engine(`/tasks?filters=${encodeURIComponent(JSON.stringify({ service: [app.serviceName], 'desired-state': ['running'] }))}`)).json.map((t) => t.ID);
  const answers = new Map();
  let go = true;
  const asking = (async () => { while (go) { const a = await ask(host); answers.set(a, (answers.get(a) ?? 0) + 1); await sleep(20); } })();
  await act(app, 'restart');
  await until('other tasks', async () => {
    const now = (await engine(`/tasks?filters=${encodeURIComponent(JSON.stringify({ service: [app.serviceName], 'desired-state': ['running'] }))}`)).json
      .filter((t) => t.Status.State === 'running').map((t) => t.ID);
    return now.length === 2 && now.every((id) => !before.includes(id));
  }, 60);
  await sleep(1500);
  go = false;
  await asking;
  equal([...answers.keys()], ['200 act']);

  await act(app, 'stop');
  await becomes(app, 'stopped');
  await deployed(app);
  await becomes(app, 'running');
  equal(await replicas(app), 2);
});

test('a stop outlives a killed worker and a lost queue', async () => {
  const app = await application(owner, new Repo(web('lost')));
  await deployed(app);
  const worker = pid('slipway-worker');
  process.kill(worker, 'SIGKILL');
  await until('its end', () => { try { process.kill(worker, 0); return false; } catch { return true; } }, 20);
  await act(app, 'stop');
  const redis = pid('redis');
  process.kill(redis, 'SIGKILL');
  const { rmSync } = await import('node:fs');
  const { execFileSync } = await import('node:child_process');
  for (const f of readdirSync(join(state, 'redis')).filter((x) => x !== 'redis.conf')) rmSync(join(state, 'redis', f), { recursive: true });
  execFileSync(process.env.SLIPWAY_TEST_UP, ['--state', state], { stdio: ['ignore', 'ignore', 'inherit'] });
  await becomes(app, 'stopped', 40);
  equal(await replicas(app), 0);
});

test('a waiting deployment is cancelled at once, one at work is ended and put back', async () => {
  const repo = new Repo(web('one'));
  const app = await application(owner, repo);
  const first = await deployed(app);
  repo.commit({ Dockerfile: `${web('').Dockerfile}RUN echo ${unique('salt')}; sleep 60\n` });
  const building = await deploy(app);
  const waiting = await deploy(app);
  await reached(owner, building, ['building']);
  const w = await owner.want(202, 'POST', `/api/deployments/${waiting}/cancel`);
  equal([w.status, w.error.message], ['cancelled', `cancelled by ${access.username}`]);
  check(w.finishedAt, 'it has not ended');
  check((await owner.want(409, 'POST', `/api/deployments/${waiting}/cancel`)).detail.includes('ended'), 'no reason');
  await owner.want(202, 'POST', `/api/deployments/${building}/cancel`);
  const d = await ended(owner, building, 40);
  equal([d.status, d.error.message, d.error.step], ['cancelled', `cancelled by ${access.username}`, 'build']);
  equal(d.steps.find((s) => s.name === 'build').outcome, 'cancelled');
  await owner.want(409, 'POST', `/api/deployments/${building}/cancel`);

  // in the middle of the update: what was touched is put back
  repo.commit({ Dockerfile: 'FROM slipway-sample-base\nHEALTHCHECK --interval=100s CMD false\nCMD ["sleep", "600"]\n' });
  const updating = await deploy(app);
  await until('the verdict', async () => (await owner.get(`/api/deployments/${updating}`)).steps.some((s) => s.name === 'verdict'), 60);
  await owner.want(202, 'POST', `/api/deployments/${updating}/cancel`);
  equal((await ended(owner, updating, 120)).status, 'cancelled');
  const s = await service(app.serviceName);
  equal([s.Spec.TaskTemplate.ContainerSpec.Labels['slipway.release'], s.Spec.TaskTemplate.ContainerSpec.Image], [first.id, first.image]);
  equal((await read(app)).status, 'running');
});

test('a rollback brings image and settings of the release before back, and builds nothing', async () => {
  const repo = new Repo(web('one'));
  const app = await application(owner, repo, { memoryLimit: 64, envVars: [{ key: 'COLOUR', value: 'blue' }] });
  const one = await deployed(app);
  check((await owner.want(409, 'POST', `/api/deployments/${one.id}/rollback`)).detail.includes('nothing to go back to'), 'no reason');
  repo.commit({ 'index.html': 'two\n' });
  await owner.want(200, 'PATCH', `/api/applications/${app.id}`, { memoryLimit: 80, envVars: [{ key: 'COLOUR', value: 'red' }] });
  const two = await deployed(app);
  check((await owner.want(409, 'POST', `/api/deployments/${one.id}/rollback`)).detail.includes('release that runs'), 'no reason');
  equal((await owner.get(`/api/applications/${app.id}/releases`)).map((r) => r.id), [two.id, one.id]);
  equal((await owner.get(`/api/applications/${app.id}/releases?limit=1`)).map((r) => r.id), [two.id]);
  await owner.want(422, 'POST', `/api/deployments/${two.id}/rollback`, { to: two.id });
  await owner.want(422, 'POST', `/api/deployments/${two.id}/rollback`, { to: access.applicationId });

  const r = await owner.want(202, 'POST', `/api/deployments/${two.id}/rollback`);
  equal([r.trigger, r.image, r.commitSha], ['rollback', one.image, one.commitSha]);
  const back = await ended(owner, r.id);
  equal(back.status, 'success', JSON.stringify(back.error));
  equal(back.steps.map((s) => s.name), ['deploy', 'verdict']);
  equal((await owner.get(`/api/deployments/${two.id}`)).status, 'rolled_back');
  const { Spec: spec } = await service(app.serviceName);
  equal([spec.TaskTemplate.ContainerSpec.Image, spec.TaskTemplate.Resources.Limits.MemoryBytes, spec.TaskTemplate.ContainerSpec.Env],
    [one.image, 64 * 1048576, ['COLOUR=blue']]);
  equal((await read(app)).pendingChanges, true);
  await owner.want(409, 'POST', `/api/deployments/${two.id}/rollback`);
  await owner.want(409, 'POST', `/api/deployments/${back.id}/rollback`);
  const forth = await ended(owner, (await owner.want(202, 'POST', `/api/deployments/${back.id}/rollback`, { to: two.id })).id);
  equal([forth.status, forth.image], ['success', two.image], JSON.stringify(forth.error));
  equal((await read(app)).pendingChanges, false);
});

test('the buttons work without JavaScript', async () => {
  const repo = new Repo(web('one'));
  const app = await application(owner, repo);
  const page = `/applications/${app.id}`;
  const b = await browser();
  check(!(await b.page(page)).includes(`${page}/stop`), 'what was never deployed cannot be stopped');
  const one = await deployed(app);
  repo.commit({ 'index.html': 'two\n' });
  const two = await deployed(app);

  equal(await b.submit(page, `${page}/stop`), page);
  await becomes(app, 'stopped');
  const stopped = await b.page(page);
  check(stopped.includes(`action="${page}/start"`) && !stopped.includes(`action="${page}/stop"`), 'the wrong buttons');
  await b.submit(page, `${page}/start`);
  await becomes(app, 'running');
  await b.submit(page, `${page}/restart`);
  await until('the restart', async () => (await service(app.serviceName)).Spec.TaskTemplate.ForceUpdate === 1, 20);

  check((await b.page(`/deployments/${two.id}`)).includes('Roll back'), 'no button to roll back');
  const to = await b.submit(page, `/deployments/${two.id}/rollback`, one.id);
  check(to.startsWith('/deployments/'), to);
  const back = await ended(owner, to.split('/')[2]);
  equal([back.status, back.image], ['success', one.image]);

  repo.commit({ Dockerfile: `${web('').Dockerfile}RUN echo ${unique('salt')}; sleep 60\n` });
  const id = await deploy(app);
  await reached(owner, id, ['building']);
  equal(await b.submit(`/deployments/${id}`, `/deployments/${id}/cancel`), `/deployments/${id}`);
  const d = await ended(owner, id, 40);
  equal(d.status, 'cancelled');
  check(finals.includes(d.status), d.status);
});

await main();
