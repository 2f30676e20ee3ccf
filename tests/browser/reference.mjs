// SPDX-License-Identifier: MIT
// The API's description as a page.
import { equal, ok, test } from './harness.mjs';
import { access, api, look, lookHere, signIn, visitor } from './people.mjs';

const v = await visitor();
await signIn(v.page);

await test('the API’s page has every operation, and each link within it leads somewhere', async () => {
  const { paths } = await api('GET', '/api/openapi.json');
  const methods = ['get', 'put', 'post', 'patch', 'delete'];
  const described = Object.entries(paths).flatMap(([path, item]) => methods.filter((m) => item[m]).map((m) => `${m.toUpperCase()} ${path}`));
  await v.page.goto(`${access.url}/reference`);
  const shown = await v.page.locator('.operation').evaluateAll((all) => all.map((o) => `${o.querySelector('.method').textContent} ${o.querySelector('.path').textContent.replace(/:(\w+)/g, '{$1}')}`));
  equal(shown.sort().join('\n'), described.sort().join('\n'), 'the list of operations');
  const lost = await v.page.locator('main a[href^="#"]').evaluateAll((all) => all.map((a) => a.getAttribute('href')).filter((href) => !document.getElementById(href.slice(1))));
  equal(lost.join(), '', 'the links that lead nowhere');
  const empty = await v.page.locator('main section').evaluateAll((all) => all.filter((s) => s.childElementCount < 2).map((s) => s.id));
  equal(empty.join(), '', 'the sections without content');
  v.complaints.take();
});

await test('an operation opens, and leads to its schema', async () => {
  const operation = v.page.locator('.operation', { hasText: 'Make an application' });
  ok(!(await operation.locator('.kv').isVisible()), 'the operation is open');
  await operation.locator('summary').click();
  ok(await operation.locator('.kv').isVisible(), 'the operation did not open');
  ok((await operation.innerText()).includes('application.create'), 'the permission is not shown');
  const schema = v.page.locator('#schema-Application');
  ok(!(await schema.locator('.kv').isVisible()), 'the schema is open');
  await operation.locator('a[href="#schema-Application"]').first().click();
  ok(await schema.locator('.kv').isVisible(), 'the schema did not open');
  ok((await schema.innerText()).includes('replicas'), 'the schema has no replicas');
  await schema.locator('a[href="#schema-HealthCheck"]').first().click();
  ok(await v.page.locator('#schema-HealthCheck .kv').isVisible(), 'the schema within did not open');
  await v.page.goBack();
  ok(await schema.locator('.kv').isVisible(), 'the way back does not lead to the schema');
  v.complaints.take();
});

await v.context.close();

const seen = await visitor({ javaScriptEnabled: true });
await signIn(seen.page);
await look(seen.page, seen.complaints, 'reference', '/reference');
await look(seen.page, seen.complaints, 'reference-schema', '/reference#schema-Application');
await lookHere(seen.page, seen.complaints, 'reference-operation', async (page) => {
  await page.goto(`${access.url}/reference`);
  for (const what of ['List the applications', 'Make an application']) await page.click(`summary:has-text("${what}")`);
});
await seen.context.close();
