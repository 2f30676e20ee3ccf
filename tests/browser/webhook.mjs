// SPDX-License-Identifier: MIT
// Webhook deliveries: one of each outcome, as the owner and as a viewer.
import { createHmac, randomUUID } from 'node:crypto';
import { equal, ok, test } from './harness.mjs';
import { access, api, look, signIn, visitor } from './people.mjs';

const me = await visitor();
await signIn(me.page);
const vera = { username: `vera-${Date.now()}`, password: 'correct horse battery' };
const hookRepo = `http://127.0.0.1:9/hooks-${Date.now()}/shop.git`;
const commit = 'c0ffee'.padEnd(40, '1');
const deliveries = {}; // the path of the page of each outcome
let viewer, hookProject, hookApp;

/** What GitHub sends: signed with SECRET. */
async function deliver(event, change, secret) {
  const body = JSON.stringify({
    ref: 'refs/heads/main', after: commit, deleted: false,
    head_commit: { id: commit, message: 'Change the price' },
    repository: { full_name: 'hooks/shop', clone_url: hookRepo, html_url: hookRepo.replace(/\.git$/, '') },
    note: '<script>alert(1)</script>', ...change,
  });
  const response = await fetch(`${access.url}/api/webhooks/github`, {
    method: 'POST', body,
    headers: {
      'content-type': 'application/json', 'user-agent': 'GitHub-Hookshot/1a2b3c4', 'x-github-event': event,
      'x-github-delivery': randomUUID(), 'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
  });
  return response.status;
}

await test('a viewer without deliveries sees what would be there', async () => {
  hookProject = await api('POST', '/api/projects', { name: 'Hooks' });
  const user = await api('POST', '/api/users', { ...vera, email: `${vera.username}@example.com`, roles: ['viewer'] });
  const team = await api('POST', '/api/teams', { name: vera.username });
  await api('PUT', `/api/teams/${team.id}/members/${user.id}`, { role: 'viewer' });
  await api('PATCH', `/api/projects/${hookProject.id}`, { teamId: team.id });
  viewer = await visitor();
  await signIn(viewer.page, access.url, vera.username, vera.password);
  await viewer.page.click('a:has-text("Webhooks")');
  equal(await viewer.page.locator('.empty h2').innerText(), 'No delivery yet', 'the heading');
  viewer.complaints.take();
});

await test('each delivery is listed with its outcome and the reason', async () => {
  hookApp = await api('POST', '/api/applications', { projectId: hookProject.id, name: 'hooked', gitSource: { repoUrl: hookRepo, branch: 'main' } });
  equal(await deliver('ping', { zen: 'Keep it simple' }, hookApp.webhookSecret), 200, 'the answer to a ping');
  equal(await deliver('push', { ref: 'refs/heads/other' }, hookApp.webhookSecret), 202, 'the answer to a push of another branch');
  equal(await deliver('push', {}, 'a forgotten secret'), 401, 'the answer to a bad proof');
  equal(await deliver('push', {}, hookApp.webhookSecret), 202, 'the answer to a push');
  await me.page.goto(`${access.url}/webhooks?applicationId=${hookApp.id}`);
  const rows = me.page.locator('tbody tr');
  equal(await rows.count(), 4, 'the number of deliveries');
  for (const [i, outcome, why] of [
    [0, 'Deployed', /^Deployment of c0ffee1$/], [1, 'Refused', /proof fits no application/],
    [2, 'Ignored', /^No application is deployed from 'other'$/], [3, 'Ping', /arrives/],
  ]) {
    equal((await rows.nth(i).locator('.status').innerText()).trim(), outcome, `the outcome of delivery ${i}`);
    const text = (await rows.nth(i).locator('[data-label=Why]').innerText()).trim();
    ok(why.test(text), `why delivery ${i} is so: ${text}`);
    deliveries[outcome] = await rows.nth(i).locator('th a').getAttribute('href');
  }
  await rows.nth(0).locator('[data-label=Why] a').click();
  ok(new URL(me.page.url()).pathname.startsWith('/deployments/'), 'the row does not lead to the deployment');
  me.complaints.take();
});

await test('a delivery shows what came, and markup in it stays text', async () => {
  await me.page.goto(access.url + deliveries.Ignored);
  const text = await me.page.locator('main').innerText();
  ok(text.includes('It would do nothing'), 'the page does not say what it would do now');
  ok(text.includes('"<script>alert(1)</script>"'), 'the payload is not shown');
  ok(text.toLowerCase().includes('x-github-event'), 'the headers are not shown');
  ok(!text.includes('sha256='), 'the signature is shown');
  equal(await me.page.locator('main script').count(), 0, 'the number of injected elements');
  for (const outcome of ['Refused', 'Ping']) {
    await me.page.goto(access.url + deliveries[outcome]);
    equal(await me.page.locator('button:has-text("Do it again")').count(), 0, `the number of buttons of ${outcome}`);
  }
  me.complaints.take();
});

await test('a delivery is done again by its button', async () => {
  await me.page.goto(access.url + deliveries.Ignored);
  await api('PATCH', `/api/applications/${hookApp.id}`, { gitSource: { repoUrl: hookRepo, branch: 'other' } });
  await me.page.reload();
  ok((await me.page.locator('main').innerText()).includes('It would deploy'), 'the page does not say what it would do now');
  await me.page.click('button:has-text("Do it again")');
  equal(await me.page.locator('.toast span').innerText(), 'Did again what the delivery says.', 'the toast');
  ok(new URL(me.page.url()).pathname.startsWith('/webhooks/'), `the address is ${me.page.url()}`);
  ok(new URL(me.page.url()).pathname !== deliveries.Ignored, 'the page is the first delivery’s');
  equal((await me.page.locator('h1 .status').innerText()).trim(), 'Deployed', 'the outcome');
  equal(await me.page.locator('dd a', { hasText: 'an earlier delivery' }).getAttribute('href'), deliveries.Ignored, 'what it repeats');
  await me.page.click('main a[href^="/deployments/"]');
  ok((await me.page.locator('main').innerText()).includes('c0ffee1'), 'the deployment is of another commit');
  me.complaints.take();
});

await test('a viewer sees the deliveries of a team’s project and may do nothing', async () => {
  await viewer.page.goto(`${access.url}/webhooks`);
  equal(await viewer.page.locator('tbody tr').count(), 5, 'the number of deliveries');
  for (const path of Object.values(deliveries)) {
    await viewer.page.goto(access.url + path);
    equal(await viewer.page.locator('main button').count(), 0, `the number of buttons of ${path}`);
  }
  viewer.complaints.expect(403);
  const csrf = await viewer.page.locator('.who [name=_csrf]').inputValue();
  const refused = await viewer.page.request.post(`${access.url}${deliveries.Deployed}/redeliver`, { form: { _csrf: csrf } });
  equal(refused.status(), 403, 'the answer to a redelivery');
  viewer.complaints.take();
});

await viewer.context.close();
await me.context.close();

const seen = await visitor({ javaScriptEnabled: true });
await signIn(seen.page);
await look(seen.page, seen.complaints, 'webhooks', '/webhooks');
for (const [outcome, path] of Object.entries(deliveries))
  await look(seen.page, seen.complaints, `webhook-${outcome.toLowerCase()}`, path);
await seen.context.close();

const watching = await visitor({ javaScriptEnabled: true });
await signIn(watching.page, access.url, vera.username, vera.password);
await look(watching.page, watching.complaints, 'webhooks-viewer', '/webhooks');
await look(watching.page, watching.complaints, 'webhook-viewer', deliveries.Deployed);
await watching.context.close();

const alone = { username: `noor-${Date.now()}`, password: 'correct horse battery' };
await api('POST', '/api/users', { ...alone, email: `${alone.username}@example.com`, roles: ['viewer'] });
const outside = await visitor({ javaScriptEnabled: true });
await signIn(outside.page, access.url, alone.username, alone.password);
await look(outside.page, outside.complaints, 'webhooks-empty', '/webhooks');
await outside.context.close();
