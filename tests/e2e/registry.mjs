// SPDX-License-Identifier: MIT
// A registry that tells of a push: Debian's docker-registry, configured to notify, and a real push.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { access, check, ended, equal, login, main, test, unique, until } from './lib.mjs';
import { application, service } from './repo.mjs';

const owner = await login();
const port = 5099;

// The Engine's API, whose answer is lines of progress.
const engine = (path) => new Promise((done, fail) => {
  const req = request({ socketPath: access.dockerHost.replace('unix://', ''), path: `/v1.41${path}`, method: 'POST', headers: { host: 'engine', 'x-registry-auth': 'e30=' } }, (res) => {
    let text = '';
    res.on('data', (d) => { text += d; });
    res.on('end', () => (res.statusCode < 300 && !/"error"/.test(text) ? done(text) : fail(new Error(`${path}: ${res.statusCode} ${text.slice(-300)}`))));
  });
  req.on('error', fail);
  req.end();
});

test('a push to a registry that notifies deploys the application again', async () => {
  const name = unique('notified');
  const image = `127.0.0.1:${port}/x/${name}`;
  const app = await application(owner, null, { image: `${image}:1`, pull: true });
  const dir = mkdtempSync(join(tmpdir(), 'slipway-registry-'));
  writeFileSync(join(dir, 'config.yml'), `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: ${dir}/data}
http: {addr: "127.0.0.1:${port}"}
notifications:
  endpoints:
    - name: slipway
      url: ${access.url}/api/webhooks/docker
      headers: {Authorization: ["Bearer ${app.webhookSecret}"]}
      timeout: 2s
      threshold: 3
      backoff: 1s
`);
  const registry = spawn('docker-registry', ['serve', join(dir, 'config.yml')], { stdio: 'ignore' });
  try {
    await until('the registry', async () => (await fetch(`http://127.0.0.1:${port}/v2/`)).ok, 20);
    const sample = (await service((await owner.get(`/api/applications/${access.applicationId}`)).serviceName)).Spec.TaskTemplate.ContainerSpec.Image;
    await engine(`/images/${encodeURIComponent(sample.replace(/@.*/, ''))}/tag?repo=${encodeURIComponent(image)}&tag=1`);
    await engine(`/images/${encodeURIComponent(image)}/push?tag=1`);
    const delivery = await until('the delivery', async () => (await owner.get(`/api/webhooks/deliveries?applicationId=${app.id}&outcome=deployed`))[0], 30);
    equal([delivery.provider, delivery.repository, delivery.ref], ['docker', image, '1']);
    const d = await ended(owner, delivery.deployments[0]);
    equal([d.status, d.trigger], ['success', 'webhook'], JSON.stringify(d.error));
    const running = (await service(app.serviceName)).Spec.TaskTemplate.ContainerSpec.Image;
    check(running.startsWith(`${image}:1`) || running.startsWith(`${image}@`), running);
    // another tag is nothing to it
    const before = (await owner.get(`/api/deployments?applicationId=${app.id}`)).length;
    await engine(`/images/${encodeURIComponent(sample.replace(/@.*/, ''))}/tag?repo=${encodeURIComponent(image)}&tag=2`);
    await engine(`/images/${encodeURIComponent(image)}/push?tag=2`);
    await new Promise((r) => setTimeout(r, 1500));
    equal((await owner.get(`/api/deployments?applicationId=${app.id}`)).length, before);
  } finally {
    registry.kill('SIGTERM');
    await new Promise((r) => (registry.exitCode === null ? registry.once('exit', r) : r()));
    rmSync(dir, { recursive: true, force: true });
    await owner.call('DELETE', `/api/applications/${app.id}`);
  }
});

await main();
