// SPDX-License-Identifier: MIT
// The dashboard from the first registration to the log of a failed deployment. The way through it
// is gone without JavaScript; the screenshots and the accessibility check have it.
import jsQR from 'jsqr';
import { totp } from '../e2e/totp.mjs';
import { done, equal, ok, test } from './harness.mjs';
import { access, api, browser, fresh, look, lookHere, signIn, stack, visitor } from './people.mjs';

const status = (page) => page.locator('h1 .status').getAttribute('data-status');
const secret = `s3cret-${Date.now()}-<"'&>`;
let me, projectPath, appPath, deploymentPath, failedPath, longPath;

await test('the first visitor is led to the registration', async () => {
  const v = await visitor();
  await v.page.goto(`${fresh}/`);
  equal(new URL(v.page.url()).pathname, '/register', 'the address');
  v.complaints.take();
  await v.context.close();
});

await test('a bad registration names each field and keeps what was typed', async () => {
  const v = await visitor();
  await v.page.goto(`${fresh}/register`);
  await v.page.fill('[name=username]', 'mara');
  await v.page.fill('[name=email]', 'not an address');
  await v.page.fill('[name=password]', 'short');
  v.complaints.expect(422);
  await v.page.click('button.primary');
  equal(await v.page.locator('.field .error').count(), 2, 'the number of messages');
  equal(await v.page.inputValue('[name=username]'), 'mara', 'the username');
  equal(await v.page.inputValue('[name=password]'), '', 'the password');
  v.complaints.take();
  await v.context.close();
});

await test('the first to register is signed in as owner', async () => {
  const v = await visitor();
  await v.page.goto(`${fresh}/register`);
  await v.page.fill('[name=username]', 'mara');
  await v.page.fill('[name=email]', 'mara@example.com');
  await v.page.fill('[name=password]', 'a long enough password');
  await v.page.click('button.primary');
  equal(new URL(v.page.url()).pathname, '/projects', 'the address');
  ok((await v.page.locator('.who').innerText()).includes('owner'), 'the menu does not say owner');
  ok(await v.page.locator('.empty').count(), 'there is no empty state');
  v.complaints.take();
  await v.context.close();
});

await test('registration is closed afterwards', async () => {
  const v = await visitor();
  v.complaints.expect(403);
  const response = await v.page.goto(`${fresh}/register`);
  equal(response.status(), 403, 'the status');
  v.complaints.take();
  await v.context.close();
});

me = await visitor();

await test('a page without a session leads to the login and back', async () => {
  await me.page.goto(`${access.url}/projects/new`);
  equal(new URL(me.page.url()).pathname, '/login', 'the address');
  await me.page.fill('[name=username]', access.username);
  await me.page.fill('[name=password]', 'wrong');
  me.complaints.expect(401);
  await me.page.click('button.primary');
  ok((await me.page.locator('[role=alert]').innerText()).includes('wrong'), 'there is no message');
  equal(await me.page.inputValue('[name=username]'), access.username, 'the username');
  await me.page.fill('[name=password]', access.password);
  await me.page.click('button.primary');
  equal(new URL(me.page.url()).pathname, '/projects/new', 'the address');
  me.complaints.take();
});

await test('a login form of another visit is refused', async () => {
  const v = await visitor();
  await v.page.goto(`${access.url}/login`);
  await v.context.clearCookies();
  await v.page.fill('[name=username]', access.username);
  await v.page.fill('[name=password]', access.password);
  v.complaints.expect(403);
  const [response] = await Promise.all([v.page.waitForNavigation(), v.page.click('button.primary')]);
  equal(response.status(), 403, 'the status');
  v.complaints.take();
  await v.context.close();
});

await test('a project needs a name, and markup in it stays text', async () => {
  await me.page.goto(`${access.url}/projects/new`);
  me.complaints.expect(422);
  await me.page.click('button.primary');
  equal(await me.page.locator('.field .error').count(), 1, 'the number of messages');
  await me.page.fill('[name=name]', 'Shop <b onmouseover=alert(1)>"&\'');
  await me.page.fill('[name=description]', '<script>alert(1)</script>');
  await me.page.click('button.primary');
  projectPath = new URL(me.page.url()).pathname;
  equal(await me.page.locator('h1').innerText(), 'Shop <b onmouseover=alert(1)>"&\'', 'the heading');
  equal(await me.page.locator('main script, h1 b').count(), 0, 'the number of injected elements');
  equal(await me.page.locator('.toast span').innerText(), 'Created the project.', 'the toast');
  await me.page.reload();
  equal(await me.page.locator('.toast').count(), 0, 'the number of toasts after a reload');
  me.complaints.take();
});

await test('a bad application form says what is wrong beside each field', async () => {
  await me.page.goto(`${access.url}${projectPath}/applications/new`);
  await me.page.fill('[name=name]', 'web');
  await me.page.fill('[name="gitSource.repoUrl"]', 'file:///etc/passwd');
  await me.page.fill('[name=port]', 'eighty');
  me.complaints.expect(422);
  await me.page.click('button.primary');
  equal(await me.page.locator('.field .error').count(), 2, 'the number of messages');
  equal(await me.page.inputValue('[name=port]'), 'eighty', 'the port');
  equal(await me.page.inputValue('[name="gitSource.repoUrl"]'), 'file:///etc/passwd', 'the repository');
  me.complaints.take();
});

await test('an application is made, its webhook secret shown once', async () => {
  await me.page.fill('[name="gitSource.repoUrl"]', access.repoUrl);
  await me.page.fill('[name=port]', '8080');
  await me.page.click('button:has-text("Create only")');
  appPath = new URL(me.page.url()).pathname;
  equal(await status(me.page), 'pending', 'the status');
  equal(await me.page.locator('h2:has-text("shown this once")').count(), 1, 'the number of secrets');
  await me.page.goto(`${access.url}${appPath}`);
  equal(await me.page.locator('h2:has-text("shown this once")').count(), 0, 'the number of secrets');
  me.complaints.take();
});

await test('a plain and a secret variable are saved; the secret is not shown again', async () => {
  await me.page.goto(`${access.url}${appPath}/environment`);
  await me.page.fill('#k0', 'LOG_LEVEL');
  await me.page.fill('#v0', 'debug <1>');
  await me.page.fill('#k1', 'TOKEN');
  await me.page.fill('#v1', secret);
  await me.page.check('[name=secret][value="1"]');
  await me.page.click('button:has-text("Save")');
  equal(await me.page.inputValue('#v0'), 'debug <1>', 'the value of LOG_LEVEL');
  equal(await me.page.inputValue('#v1'), '', 'the value of TOKEN');
  ok(await me.page.isChecked('[name=secret][value="1"]'), 'TOKEN is no secret');
  ok(!(await me.page.content()).includes('s3cret-'), 'the secret is in the page');
  me.complaints.take();
});

await test('a bad key is refused beside its row, and nothing is lost', async () => {
  await me.page.fill('#k2', '1 BAD');
  await me.page.fill('#v2', 'x');
  me.complaints.expect(422);
  await me.page.click('button:has-text("Save")');
  equal(await me.page.locator('#e2').count(), 1, 'the number of messages');
  equal(await me.page.inputValue('#k2'), '1 BAD', 'the key');
  await me.page.goto(`${access.url}${appPath}/environment`);
  equal(await me.page.inputValue('#k2'), '', 'the key');
  ok(await me.page.isChecked('[name=secret][value="1"]'), 'TOKEN is gone');
  me.complaints.take();
});

await test('a variable is removed, the secret kept', async () => {
  await me.page.check('[name=remove][value="0"]');
  await me.page.click('button:has-text("Save")');
  equal(await me.page.inputValue('#k0'), 'TOKEN', 'the first key');
  ok(await me.page.isChecked('[name=secret][value="0"]'), 'TOKEN is no secret');
  me.complaints.take();
});

await test('a secret whose box is cleared stays one, as it was', async () => {
  await me.page.uncheck('[name=secret][value="0"]');
  await me.page.click('button:has-text("Save")');
  equal(await me.page.inputValue('#k0'), 'TOKEN', 'the first key');
  ok(await me.page.isChecked('[name=secret][value="0"]'), 'TOKEN is no secret');
  me.complaints.take();
});

await test('values of many lines are shown and kept as they are', async () => {
  const lines = '\n-----BEGIN-----\n  a <b>\n\n-----END-----\n';
  const dos = 'one\r\ntwo\rthree\n';
  const before = await api('PATCH', `/api${appPath}`, {
    envVars: [
      { key: 'DOS', value: dos, isSecret: false },
      { key: 'LINES', value: lines, isSecret: false },
      { key: 'TOKEN', value: null, isSecret: true },
    ],
  });
  await me.page.goto(`${access.url}${appPath}/environment`);
  equal(await me.page.inputValue('#v1'), lines, 'the value of LINES');
  await me.page.click('button:has-text("Save")');
  let app = await api('GET', `/api${appPath}`);
  equal(JSON.stringify(app), JSON.stringify(before), 'the application after a save of nothing');
  await me.page.fill('#v0', 'one\ntwo');
  await me.page.fill('#v1', `${lines}more\n`);
  await me.page.fill('#k3', 'PEM');
  await me.page.fill('#v3', lines);
  await me.page.check('[name=secret][value="3"]');
  await me.page.click('button:has-text("Save")');
  app = await api('GET', `/api${appPath}`);
  const value = (key) => app.envVars.find((e) => e.key === key).value;
  equal(value('DOS'), 'one\ntwo', 'the value of DOS');
  equal(value('LINES'), `${lines}more\n`, 'the value of LINES');
  equal(value('PEM'), null, 'the value of PEM');
  await api('PATCH', `/api${appPath}`, { envVars: [{ key: 'TOKEN', value: null, isSecret: true }] });
  me.complaints.take();
});

await test('settings are saved, and bad ones refused', async () => {
  await me.page.goto(`${access.url}${appPath}/settings`);
  await me.page.fill('[name=replicas]', '0');
  me.complaints.expect(422);
  await me.page.click('button:has-text("Save")');
  equal(await me.page.locator('#f-replicas-error').count(), 1, 'the number of messages');
  await me.page.fill('[name=replicas]', '1');
  await me.page.fill('[name=port]', '');
  await me.page.fill('[name=cpuLimit]', '0');
  await me.page.fill('[name=domains]', 'web.example.com/a WEB.example.com/b');
  me.complaints.expect(422);
  await me.page.click('button:has-text("Save")');
  equal(await me.page.locator('.callout.bad h2').innerText(), '3 fields need a change.', 'the heading');
  equal(await me.page.locator('#f-port-error').innerText(), 'Port is required.', 'the message at the port');
  ok((await me.page.locator('#f-cpuLimit-error').innerText()).includes("not '0'"), 'the message at the CPU does not show 0');
  ok((await me.page.locator('#f-domains-error').innerText()).startsWith('Domains: “WEB.example.com/b” must be'), 'the message does not name the domain');
  await me.page.fill('[name=port]', '8080');
  await me.page.fill('[name=cpuLimit]', '1');
  await me.page.fill('[name="updateConfig.delay"]', '0');
  await me.page.fill('[name="updateConfig.monitor"]', '0.5');
  await me.page.fill('[name=domains]', 'web.example.com web.example.com/shop');
  await me.page.click('button:has-text("Save")');
  equal(await me.page.inputValue('[name="updateConfig.monitor"]'), '0.5', 'the monitor time');
  equal(await me.page.inputValue('[name=domains]'), 'web.example.com web.example.com/shop', 'the domains');
  me.complaints.take();
});

await test('of two people who edit at once the second is told', async () => {
  const other = await me.context.newPage();
  await other.goto(`${access.url}${appPath}/settings`);
  await me.page.goto(`${access.url}${appPath}/settings`);
  await me.page.fill('[name=memoryLimit]', '128');
  await me.page.click('button:has-text("Save")');
  await other.fill('[name=memoryLimit]', '256');
  const [response] = await Promise.all([other.waitForNavigation(), other.click('button:has-text("Save")')]);
  equal(response.status(), 412, 'the status');
  equal(await other.inputValue('[name=memoryLimit]'), '256', 'what was typed');
  await other.close();
  await me.page.goto(`${access.url}${appPath}/settings`);
  equal(await me.page.inputValue('[name=memoryLimit]'), '128', 'the memory');
  me.complaints.take();
});

await test('Deploy leads to a deployment that refreshes itself and ends in success', async () => {
  await me.page.goto(`${access.url}${appPath}`);
  await me.page.click('button:has-text("Deploy")');
  deploymentPath = new URL(me.page.url()).pathname;
  ok(deploymentPath.startsWith('/deployments/'), `the address is ${deploymentPath}`);
  const end = Date.now() + 60000;
  let refreshed = 0;
  while (['pending', 'cloning', 'building', 'pushing', 'deploying'].includes(await status(me.page))) {
    ok(Date.now() < end, 'the deployment did not end');
    equal(await me.page.locator('meta[http-equiv=refresh]').count(), 1, 'the number of refreshes');
    await me.page.waitForNavigation({ timeout: 15000 });
    refreshed++;
  }
  equal(await status(me.page), 'success', 'the status');
  ok(refreshed > 0, 'the page did not refresh itself');
  equal(await me.page.locator('meta[http-equiv=refresh]').count(), 0, 'the number of refreshes');
  ok(await me.page.locator('.log-lines li').count(), 'the log is empty');
  ok((await me.page.locator('.ways tbody tr').count()) >= 4, 'the timeline is short');
  me.complaints.take();
});

await test('a failing build shows its cause', async () => {
  await me.page.goto(`${access.url}${projectPath}/applications/new`);
  await me.page.fill('[name=name]', 'broken');
  await me.page.fill('[name="gitSource.repoUrl"]', access.repoUrl);
  await me.page.fill('[name="gitSource.branch"]', 'broken');
  await me.page.click('button.primary');
  equal(await me.page.locator('h2:has-text("shown this once")').count(), 1, 'the number of secrets');
  equal(await me.page.locator('meta[http-equiv=refresh]').count(), 0, 'the number of refreshes');
  const id = await me.page.locator('a[href^="/deployments/"]').nth(1).getAttribute('href');
  failedPath = id;
  const end = Date.now() + 60000;
  do {
    ok(Date.now() < end, 'the deployment did not end');
    await new Promise((r) => setTimeout(r, 300));
    await me.page.goto(`${access.url}${id}`);
  } while ((await status(me.page)) !== 'failed');
  equal(await me.page.locator('.callout.bad').count(), 1, 'the number of callouts');
  ok(await me.page.locator('button:has-text("Retry")').count(), 'there is no Retry');
  const note = () => me.page.locator('.log-foot span').innerText();
  const [, first, last] = /Lines (\d+) to (\d+)/.exec(await note());
  equal(last - first, 999, 'the number of lines but one');
  ok((await me.page.locator('.log-lines li').last().innerText()).includes('failed: '), 'the log does not end with the verdict');
  const toError = async () => {
    await me.page.click('a:has-text("First error")');
    const line = me.page.locator(`li${new URL(me.page.url()).hash}.bad`);
    equal(await line.count(), 1, 'the number of first errors');
    ok((await line.innerText()).includes('ERROR'), `the first error is ${await line.innerText()}`);
  };
  await toError();
  await me.page.click('a:has-text("Show earlier lines")');
  equal(await note(), 'Lines 1 to 1000', 'the earlier lines');
  await me.page.click('a:has-text("Show later lines")');
  equal(await note(), `Lines 1001 to ${last}`, 'the later lines');
  await me.page.click('a:has-text("Show earlier lines")');
  await toError();
  await me.page.goto(`${access.url}${id}?after=0`);
  await me.page.click('a:has-text("Show the newest lines")');
  equal(await note(), `Lines ${first} to ${last}`, 'the newest lines');
  me.complaints.take();
});

await test('the cause of a failure may hold a long address', async () => {
  await me.page.goto(`${access.url}${projectPath}/applications/new`);
  await me.page.fill('[name=name]', 'long');
  await me.page.fill('[name="gitSource.repoUrl"]', access.repoUrl.replace('.git', `-${'x'.repeat(120)}.git`));
  await me.page.click('button.primary');
  longPath = await me.page.locator('a[href^="/deployments/"]').nth(1).getAttribute('href');
  const end = Date.now() + 60000;
  do {
    ok(Date.now() < end, 'the deployment did not end');
    await new Promise((r) => setTimeout(r, 300));
    await me.page.goto(`${access.url}${longPath}`);
  } while ((await status(me.page)) !== 'failed');
  ok((await me.page.locator('.callout.bad h2').innerText()).includes('x'.repeat(120)), 'the heading does not name the address');
  me.complaints.take();
});

await test('an application that cannot be deployed at once is there, and its page says why', async () => {
  await me.page.goto(`${access.url}${projectPath}/applications/new`);
  await me.page.fill('[name=name]', 'late');
  await me.page.fill('[name="gitSource.repoUrl"]', access.repoUrl);
  stack('redis_stop');
  try {
    await me.page.click('button.primary');
    ok(new URL(me.page.url()).pathname.startsWith('/applications/'), `the address is ${me.page.url()}`);
    equal(
      await me.page.locator('.toast span').innerText(),
      'Created the application, but did not deploy it: the queue does not answer.',
      'the toast',
    );
    equal(await me.page.locator('h2:has-text("shown this once")').count(), 1, 'the number of secrets');
  } finally {
    stack('redis_start "$PORT_REDIS" "$(secret redis)"');
  }
  me.complaints.take();
});

await test('the timeline shows the success before', async () => {
  await me.page.goto(`${access.url}/applications/${access.applicationId}`);
  equal(await me.page.locator('.ways .past').count(), 5, 'the number of dashed pieces');
  me.complaints.take();
});

await test('an address that leads nowhere is 404, as is a bad id', async () => {
  me.complaints.expect(404);
  equal((await me.page.goto(`${access.url}/nowhere`)).status(), 404, 'the status');
  equal((await me.page.goto(`${access.url}/applications/7`)).status(), 404, 'the status');
  equal((await me.page.goto(`${access.url}/static/none.css`)).status(), 404, 'the status');
  me.complaints.take();
});

await test('the theme is remembered and the login page has it too', async () => {
  await me.page.goto(`${access.url}/projects`);
  await me.page.click('button[value=dark]');
  equal(await me.page.locator('html').getAttribute('data-theme'), 'dark', 'the theme');
  await me.page.click('button[value=system]');
  equal(await me.page.locator('html').getAttribute('data-theme'), null, 'the theme');
  me.complaints.take();
});

await test('the policy is strict and the cookie is not readable', async () => {
  const response = await me.page.goto(`${access.url}/projects`);
  equal(response.headers()['ratelimit-limit'], '400000', 'the limit of pages');
  const policy = response.headers()['content-security-policy'] ?? '';
  ok(policy.includes("default-src 'none'") && !policy.includes('unsafe'), `the policy is ${policy}`);
  const cookie = (await me.context.cookies()).find((c) => c.name === 'slipway_session');
  ok(cookie.httpOnly && cookie.sameSite === 'Lax', 'the session cookie is readable');
  me.complaints.take();
});

// ---- one's own account

/** What a phone reads in the QR code: the SVG's modules, four pixels each. */
async function scan(page) {
  const side = Number((await page.locator('svg.qr').getAttribute('viewBox')).split(' ')[2]);
  const pixels = new Uint8ClampedArray(side * 4 * side * 4 * 4).fill(255);
  for (const [, x, y, w] of (await page.locator('svg.qr path').getAttribute('d')).matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g))
    for (let py = y * 4; py < y * 4 + 4; py++)
      for (let px = x * 4; px < (Number(x) + Number(w)) * 4; px++)
        pixels.set([0, 0, 0], (py * side * 4 + px) * 4);
  return jsQR(pixels, side * 4, side * 4)?.data;
}

const anna = { username: `anna-${Date.now()}`, password: 'correct horse battery' };
let mine, secretOfAnna, used, recovery;

await test('a new password is asked for with the old one, and ends the other sessions', async () => {
  await api('POST', '/api/users', { ...anna, email: `${anna.username}@example.com`, roles: ['developer'] });
  mine = await visitor();
  const other = await visitor({ userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0' });
  await signIn(mine.page, access.url, anna.username, anna.password);
  await signIn(other.page, access.url, anna.username, anna.password);
  await mine.page.click(`a:has-text("${anna.username}")`);
  equal(new URL(mine.page.url()).pathname, '/settings/profile', 'the address');
  ok((await mine.page.locator('tbody').innerText()).includes('Firefox on Linux'), 'the other session is not shown');
  await mine.page.fill('[name=current]', 'wrong');
  await mine.page.fill('[name=new]', 'short');
  mine.complaints.expect(422);
  await mine.page.click('button:has-text("Change the password")');
  equal(await mine.page.locator('#f-new-error').count(), 1, 'the number of messages');
  await mine.page.fill('[name=current]', 'wrong');
  await mine.page.fill('[name=new]', `${anna.password} 2`);
  mine.complaints.expect(422);
  await mine.page.click('button:has-text("Change the password")');
  ok((await mine.page.locator('#f-current-error').innerText()).includes('is not the password'), 'there is no message');
  await mine.page.fill('[name=current]', anna.password);
  anna.password += ' 2';
  await mine.page.fill('[name=new]', anna.password);
  await mine.page.click('button:has-text("Change the password")');
  equal(await mine.page.locator('.toast span').innerText(), 'Changed the password. Your other sessions have ended.', 'the toast');
  equal(await mine.page.locator('tbody tr').count(), 1, 'the number of sessions');
  await other.page.goto(`${access.url}/projects`);
  equal(new URL(other.page.url()).pathname, '/login', 'where the other session leads');
  await signIn(other.page, access.url, anna.username, anna.password);
  await mine.page.reload();
  await mine.page.click('tbody button:has-text("End")');
  equal(await mine.page.locator('.toast span').innerText(), 'Ended the session.', 'the toast');
  await other.page.goto(`${access.url}/projects`);
  equal(new URL(other.page.url()).pathname, '/login', 'where the ended session leads');
  mine.complaints.take();
  await other.context.close();
});

await test('a second factor is set up from its picture', async () => {
  await mine.page.goto(`${access.url}/settings/profile`);
  await mine.page.click('button:has-text("Set up")');
  equal(await mine.page.locator('.codes li').count(), 10, 'the number of recovery codes');
  recovery = await mine.page.locator('.codes code').allInnerTexts();
  secretOfAnna = (await mine.page.locator('.enrol code').innerText()).replaceAll(' ', '');
  equal(await scan(mine.page), `otpauth://totp/Slipway:${anna.username}?secret=${secretOfAnna}&issuer=Slipway&algorithm=SHA1&digits=6&period=30`, 'what the picture says');
  await mine.page.fill('[name=code]', '000000');
  mine.complaints.expect(422);
  await mine.page.click('button:has-text("Confirm")');
  equal(await mine.page.locator('.codes').count(), 0, 'the number of lists of recovery codes');
  equal((await mine.page.locator('.enrol code').innerText()).replaceAll(' ', ''), secretOfAnna, 'the secret');
  used = totp(secretOfAnna);
  await mine.page.fill('[name=code]', used);
  await mine.page.click('button:has-text("Confirm")');
  equal(await mine.page.locator('.toast span').innerText(), 'The second factor is in force from the next sign-in on.', 'the toast');
  mine.complaints.take();
});

await test('a sign-in asks for a code in a second step', async () => {
  const v = await visitor();
  await v.page.goto(`${access.url}/deployments`);
  await v.page.fill('[name=username]', anna.username);
  await v.page.fill('[name=password]', anna.password);
  await v.page.click('button.primary');
  equal(await v.page.locator('h1').innerText(), 'Second factor', 'the heading');
  equal(await v.page.locator('[name=password]').count(), 0, 'the number of passwords');
  await v.page.fill('[name=code]', used); // it confirmed the factor
  v.complaints.expect(401);
  await v.page.click('button.primary');
  ok((await v.page.locator('[role=alert]').innerText()).includes('used already'), 'there is no message');
  await v.page.fill('[name=code]', recovery[0].toLowerCase());
  await v.page.click('button.primary');
  equal(new URL(v.page.url()).pathname, '/deployments', 'the address');
  v.complaints.take();
  await v.context.close();
});

// ---- every page, at two widths, light and dark

const pages = [
  ['register', `${fresh}/register`, 403],
  ['projects', '/projects'],
  ['project-new', '/projects/new'],
  ['project', () => projectPath],
  ['project-settings', () => `${projectPath}/settings`],
  ['application-new', () => `${projectPath}/applications/new`],
  ['application', () => appPath],
  ['application-sample', `/applications/${access.applicationId}`],
  ['environment', () => `${appPath}/environment`],
  ['application-deployments', () => `${appPath}/deployments`],
  ['settings', () => `${appPath}/settings`],
  ['deployments', '/deployments'],
  ['deployment', () => deploymentPath],
  ['deployment-failed', () => failedPath],
  ['deployment-long', () => longPath],
  ['profile', '/settings/profile'],
  ['not-found', '/nowhere', 404],
];

const seen = await visitor({ javaScriptEnabled: true });
await look(seen.page, seen.complaints, 'login', '/login');
await signIn(seen.page);
for (const [name, url, code] of pages) await look(seen.page, seen.complaints, name, typeof url === 'function' ? url() : url, code);

// pages that a form or a click leads to
await lookHere(seen.page, seen.complaints, 'profile-enrolment', async (page) => {
  await page.goto(`${access.url}/settings/profile`);
  await page.click('button:has-text("Set up")');
  await page.waitForSelector('svg.qr');
});
const coming = await visitor({ javaScriptEnabled: true });
await lookHere(coming.page, coming.complaints, 'login-code', (page) => signIn(page, access.url, anna.username, anna.password));
await coming.context.close();

await test('a recovery code removes the second factor', async () => {
  await mine.page.goto(`${access.url}/settings/profile`);
  ok((await mine.page.locator('main').innerText()).includes('9 recovery codes left'), 'the number of recovery codes is not shown');
  await mine.page.fill('[name=code]', recovery[0]);
  mine.complaints.expect(422);
  await mine.page.click('button:has-text("Remove the second factor")');
  equal(await mine.page.locator('#f-code-error').count(), 1, 'the number of messages');
  await mine.page.fill('[name=code]', recovery[1]);
  await mine.page.click('button:has-text("Remove the second factor")');
  equal(await mine.page.locator('.toast span').innerText(), 'Removed the second factor.', 'the toast');
  mine.complaints.take();
  await mine.context.close();
});

await test('on a phone the menu opens without a script of ours', async () => {
  await seen.page.setViewportSize({ width: 360, height: 740 });
  await seen.page.goto(`${access.url}/projects`);
  ok(!(await seen.page.isVisible('.nav a >> nth=0')), 'the menu is open');
  await seen.page.click('.menu-button');
  ok(await seen.page.isVisible('.nav a >> nth=0'), 'the menu did not open');
  seen.complaints.take();
});

await test('deleting asks for the name first', async () => {
  await me.page.goto(`${access.url}${appPath}/settings`);
  await me.page.fill('[name=confirm]', 'wrong');
  me.complaints.expect(422);
  await me.page.click('button.sure');
  equal(await me.page.locator('#f-confirm-error').count(), 1, 'the number of messages');
  await me.page.fill('[name=confirm]', 'web');
  await me.page.click('button.sure');
  equal(new URL(me.page.url()).pathname, projectPath, 'the address');
  ok(!(await me.page.locator('.table').innerText()).includes('web'), 'the application is still there');
  me.complaints.take();
});

await test('a project goes with what is in it, and the list says so', async () => {
  await me.page.goto(`${access.url}${projectPath}/settings`);
  await me.page.fill('[name=confirm]', 'Shop <b onmouseover=alert(1)>"&\'');
  await me.page.click('button.sure');
  equal(new URL(me.page.url()).pathname, '/projects', 'the address');
  equal(await me.page.locator('.toast span').innerText(), 'Deleted the project and what was in it.', 'the toast');
  me.complaints.take();
});

await test('signing out ends the session everywhere', async () => {
  const old = await me.context.cookies();
  await me.page.goto(`${access.url}/projects`);
  await me.page.click('button:has-text("Sign out")');
  equal(new URL(me.page.url()).pathname, '/login', 'the address');
  await me.context.addCookies(old);
  await me.page.goto(`${access.url}/projects`);
  equal(new URL(me.page.url()).pathname, '/login', 'the address with the old cookie');
  me.complaints.take();
});

// each goes through a part of its own, with people of its own
for (const part of ['invitation', 'webhook', 'reference']) await import(`./${part}.mjs`);

await browser.close();
process.exit(done());
