// SPDX-License-Identifier: MIT
// Killing what a deployment needs, in its middle.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { access, check, ended, equal, login, main, reached, test, unique, until } from './lib.mjs';
import { Repo, application, engine, service, web } from './repo.mjs';

const state = process.env.SLIPWAY_TEST_STATE; // of contrib/up
const owner = await login();
const pid = (name) => Number(readFileSync(join(state, 'run', `${name}.pid`), 'utf8'));
const up = () => execFileSync(process.env.SLIPWAY_TEST_UP, ['--state', state], { stdio: ['ignore', 'ignore', 'inherit'] });
const gone = (p) => until(`the end of process ${p}`, () => { try { process.kill(p, 0); return false; } catch { return true; } }, 20);

function processes() {
  return readdirSync('/proc').filter((p) => /^\d+$/.test(p)).flatMap((p) => {
    try {
      const [, name, rest] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${p}/stat`, 'utf8'));
      return [{ pid: Number(p), name, parent: Number(rest.split(' ')[1]) }];
    } catch { return []; }
  });
}
const jobs = () => processes().filter((p) => p.name === 'slipway-job' && p.parent === pid('slipway-worker'));

// An application whose build takes a few seconds, being built.
async function building(seconds = 4) {
  const repo = new Repo(web(unique('text')));
  repo.commit({ Dockerfile: `${web('').Dockerfile}RUN echo ${unique('salt')}; sleep ${seconds}\n` });
  const app = await application(owner, repo);
  const { id } = await owner.want(202, 'POST', `/api/applications/${app.id}/deploy`, {});
  await reached(owner, id, ['building'], 30);
  return { app, id };
}
async function runs(app, d) {
  equal(d.status, 'success', JSON.stringify(d));
  const s = await service(app.serviceName);
  equal(s.Spec.TaskTemplate.ContainerSpec.Image, d.image);
  equal(s.Spec.TaskTemplate.ContainerSpec.Labels['slipway.release'], d.id);
}

test('kill -9 of a job: the deployment goes on and succeeds', async () => {
  const { app, id } = await building();
  const [job] = await until('the job', () => { const j = jobs(); return j.length && j; }, 10);
  process.kill(job.pid, 'SIGKILL');
  const d = await ended(owner, id, 90);
  await runs(app, d);
  check(d.attempt > 1, `attempt ${d.attempt}`);
});

test('kill -9 of the worker: its jobs end with it, the next one goes on and succeeds', async () => {
  const { app, id } = await building();
  const [job] = await until('the job', () => { const j = jobs(); return j.length && j; }, 10);
  const worker = pid('slipway-worker');
  process.kill(worker, 'SIGKILL');
  await gone(worker);
  await gone(job.pid);
  up();
  const d = await ended(owner, id, 90);
  await runs(app, d);
  check(d.attempt > 1, `attempt ${d.attempt}`);
});

test('kill -9 of the worker while Swarm updates: the next one finishes the verdict', async () => {
  const repo = new Repo(web('one'));
  const app = await application(owner, repo, { updateConfig: { delay: 0, monitor: 4 }, replicas: 2 });
  const first = await owner.want(202, 'POST', `/api/applications/${app.id}/deploy`, {});
  equal((await ended(owner, first.id)).status, 'success');
  repo.commit({ 'index.html': 'two\n' });
  const { id } = await owner.want(202, 'POST', `/api/applications/${app.id}/deploy`, {});
  await until('the verdict step', async () => (await owner.get(`/api/deployments/${id}`)).steps.some((s) => s.name === 'verdict'), 60);
  process.kill(pid('slipway-worker'), 'SIGKILL');
  await gone(pid('slipway-worker'));
  up();
  await runs(app, await ended(owner, id, 90));
});

test('SIGTERM of the worker hands the job back, and the next one succeeds', async () => {
  const { app, id } = await building();
  const worker = pid('slipway-worker');
  process.kill(worker, 'SIGTERM');
  await gone(worker);
  equal(jobs().length, 0);
  up();
  await runs(app, await ended(owner, id, 90));
});

test('kill -9 of Redis with its data deleted: running and waiting deployments succeed', async () => {
  const { app, id } = await building();
  const waiting = await owner.want(202, 'POST', `/api/applications/${app.id}/deploy`, {});
  const redis = pid('redis');
  process.kill(redis, 'SIGKILL');
  await gone(redis);
  equal((await owner.call('GET', `/api/deployments/${id}`)).status, 200, 'reading without Redis');
  const refused = await owner.call('POST', `/api/applications/${app.id}/deploy`, {});
  equal(refused.status, 503, refused.text);
  check(refused.headers.get('retry-after'), 'no Retry-After');
  for (const f of readdirSync(join(state, 'redis')).filter((x) => x !== 'redis.conf')) rmSync(join(state, 'redis', f), { recursive: true });
  up();
  equal((await ended(owner, id, 90)).status, 'success');
  await runs(app, await ended(owner, waiting.id, 90));
  equal((await owner.get(`/api/deployments?applicationId=${app.id}`)).length, 2, 'the refused one wrote a row');
});

test('dockerd is restarted: the deployment ends, with success or with its cause', async () => {
  const { app, id } = await building();
  const dockerd = pid('dockerd');
  process.kill(dockerd, 'SIGTERM');
  await gone(dockerd);
  up();
  const d = await ended(owner, id, 180);
  if (d.status === 'success') await runs(app, d);
  else check(d.status === 'failed' && d.error.message, JSON.stringify(d));
});

test('an application that ended with code 0 while nobody looked runs again', async () => {
  const app = await application(owner, new Repo(web(unique('text'))));
  const { id } = await owner.want(202, 'POST', `/api/applications/${app.id}/deploy`, {});
  equal((await ended(owner, id, 90)).status, 'success');
  const worker = pid('slipway-worker');
  process.kill(worker, 'SIGTERM');
  await gone(worker);
  const tasks = async () => (await engine(`/tasks?filters=${encodeURIComponent(JSON.stringify({ service: [app.serviceName] }))}`)).json;
  const [task] = await tasks();
  await engine(`/containers/${task.Status.ContainerStatus.ContainerID}/kill?signal=TERM`, 'POST');
  // to Swarm it is complete, and stays so
  await until('the end of the task', async () => (await tasks()).every((t) => t.Status.State === 'complete'), 30);
  up();
  await until('another task', async () => (await tasks()).some((t) => t.Status.State === 'running'), 60);
  await until('the state', async () => (await owner.get(`/api/applications/${app.id}`)).status === 'running', 20);
});

test('a deployment that takes too long is failed, and says so', async () => {
  execFileSync(process.env.SLIPWAY_TEST_UP, ['--state', state, '--set', 'limit.deployment_seconds=8'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const { app, id } = await building(120);
  const d = await ended(owner, id, 60);
  equal(d.status, 'failed');
  check(/longer than 8 s|8 s/.test(d.error.message), d.error.message);
  equal(await service(app.serviceName), null);
  execFileSync(process.env.SLIPWAY_TEST_UP, ['--state', state, '--unset', 'limit.deployment_seconds'], { stdio: ['ignore', 'ignore', 'inherit'] });
});

await main();
