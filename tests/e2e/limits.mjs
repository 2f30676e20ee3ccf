// SPDX-License-Identifier: MIT
// Limits of the worker, and a configuration that changes while everything runs.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, check, ended, equal, login, main, sleep, test, unique, until } from './lib.mjs';
import { Repo, application, web } from './repo.mjs';

const state = process.env.SLIPWAY_TEST_STATE;
const owner = await login();
const up = (...args) => execFileSync(process.env.SLIPWAY_TEST_UP, ['--state', state, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
const master = (name) => Number(readFileSync(join(state, 'run', `${name}.pid`), 'utf8'));

// Runs with a setting changed in the file and the master told by SIGHUP, then back.
async function withSetting(program, key, value, run) {
  const conf = join(state, `${program.replace('slipway-', '')}.conf`);
  const before = readFileSync(conf, 'utf8');
  const lines = before.split('\n').filter((l) => !l.startsWith(`${key} =`));
  writeFileSync(conf, [...lines, `${key} = ${value}`, ''].join('\n'));
  process.kill(master(program), 'SIGHUP');
  try { await run(); } finally {
    writeFileSync(conf, before);
    process.kill(master(program), 'SIGHUP');
  }
}
const deploy = async (app) => (await owner.want(202, 'POST', `/api/applications/${app.id}/deploy`, {})).id;

test('the web processes read the configuration again at SIGHUP, and fail no request meanwhile', async () => {
  const one = await login();
  await withSetting('slipway-web', 'limit.requests_per_minute', 7, async () => {
    await until('the new limit', async () => {
      const r = await one.call('GET', '/api/projects');
      check([200, 429].includes(r.status), `${r.status}: ${r.text}`);
      return r.headers.get('ratelimit-limit') === '7';
    }, 60);
    const seen = [];
    for (let i = 0; i < 12; i++) seen.push((await one.call('GET', '/api/projects')).status);
    check(seen.includes(429), String(seen));
    const r = await one.call('GET', '/api/projects');
    check(Number(r.headers.get('retry-after')) >= 1, 'no Retry-After');
  });
  await until('the old limit', async () => {
    const r = await new Client(owner.token).call('GET', '/api/projects');
    return r.status === 200 && r.headers.get('ratelimit-limit') === '100000';
  }, 60);
});

test('a configuration that is wrong is refused at SIGHUP, and the old one stays', async () => {
  await withSetting('slipway-web', 'web.workers', 'many', async () => {
    await sleep(1500);
    equal((await owner.call('GET', '/api/projects')).status, 200);
  });
});

test('no more deployments run at once than the limit allows, and all of them end well', async () => {
  await withSetting('slipway-worker', 'limit.concurrent_deployments', 2, async () => {
    await sleep(1000);
    const ids = [];
    for (let i = 0; i < 4; i++) {
      const repo = new Repo(web(unique('text')));
      repo.commit({ Dockerfile: `${web('').Dockerfile}RUN echo ${unique('salt')}; sleep 2\n` });
      ids.push(await deploy(await application(owner, repo)));
    }
    let most = 0;
    await until('the end of all', async () => {
      const now = await Promise.all(ids.map((id) => owner.get(`/api/deployments/${id}`)));
      const running = now.filter((d) => d.startedAt && !d.finishedAt).length;
      most = Math.max(most, running);
      return now.every((d) => d.status === 'success');
    }, 120);
    equal(most, 2);
  });
});

test('deployments wait when more were asked for than may start in a minute', async () => {
  const apps = [];
  for (let i = 0; i < 3; i++) apps.push(await application(owner, new Repo(web(unique('text')))));
  // another bucket size is another bucket only when it is full again: begin with an empty one
  up('--set', 'limit.deployments_per_minute=2');
  const ids = [];
  for (const app of apps) ids.push(await deploy(app));
  const state3 = async () => (await Promise.all(ids.map((id) => owner.get(`/api/deployments/${id}`)))).map((d) => d.status);
  await until('two of them', async () => (await state3()).filter((s) => s === 'success').length === 2, 60);
  await sleep(3000);
  const waiting = (await state3()).filter((s) => s === 'pending');
  equal(waiting.length, 1);
  up('--set', 'limit.deployments_per_minute=100000');
  for (const id of ids) equal((await ended(owner, id, 90)).status, 'success');
});

test('without a worker a deployment is accepted and waits', async () => {
  const app = await application(owner, new Repo(web(unique('text'))));
  process.kill(master('slipway-worker'), 'SIGTERM');
  await until('the end of the worker', () => { try { process.kill(master('slipway-worker'), 0); return false; } catch { return true; } }, 20);
  const id = await deploy(app);
  await sleep(500);
  equal((await owner.get(`/api/deployments/${id}`)).status, 'pending');
  up();
  equal((await ended(owner, id, 60)).status, 'success');
});

await main();
