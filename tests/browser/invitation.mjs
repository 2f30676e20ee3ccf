// SPDX-License-Identifier: MIT
// Registering by the link of an invitation, while registration is closed.
import { equal, ok, test } from './harness.mjs';
import { access, api, look, visitor } from './people.mjs';

await test('somebody who is invited registers by the link, and has the role and the team', async () => {
  const name = `ines-${Date.now()}`;
  const team = await api('POST', '/api/teams', { name });
  const { link } = await api('POST', '/api/invitations', { email: `${name}@example.com`, roles: ['developer'], teamId: team.id, teamRole: 'viewer' });
  ok(link.startsWith(`${access.url}/register?invitation=`), `the link is ${link}`);
  const v = await visitor();
  await v.page.goto(link);
  equal(await v.page.inputValue('[name=email]'), `${name}@example.com`, 'the address');
  await v.page.fill('[name=username]', access.username);
  await v.page.fill('[name=email]', 'somebody@example.com');
  await v.page.fill('[name=password]', 'short');
  v.complaints.expect(422);
  await v.page.click('button.primary');
  equal(await v.page.locator('.field .error').count(), 1, 'the number of messages');
  equal(await v.page.locator('#f-password-error').count(), 1, 'the number of messages at the password');
  await v.page.fill('[name=password]', 'correct horse battery');
  await v.page.click('button.primary');
  ok((await v.page.locator('#f-email-error').innerText()).includes('is not the one that was invited'), 'there is no message at the address');
  await v.page.fill('[name=email]', `${name}@example.com`);
  await v.page.fill('[name=password]', 'correct horse battery');
  await v.page.click('button.primary');
  ok((await v.page.locator('#f-username-error').innerText()).includes('is taken'), 'there is no message at the username');
  equal(await v.page.inputValue('[name=email]'), `${name}@example.com`, 'the address');
  await v.page.fill('[name=username]', name);
  await v.page.fill('[name=password]', 'correct horse battery');
  await v.page.click('button.primary');
  equal(new URL(v.page.url()).pathname, '/projects', 'the address');
  equal(await v.page.locator('.who a').innerText(), name, 'the username in the menu');
  equal(await v.page.locator('.who small').innerText(), 'developer', 'the role in the menu');
  const { members } = await api('GET', `/api/teams/${team.id}`);
  equal(members.map((m) => `${m.username} ${m.role}`).join(), `${name} viewer`, 'the members of the team');
  v.complaints.take();
  await v.context.close();

  const late = await visitor();
  late.complaints.expect(403);
  equal((await late.page.goto(link)).status(), 403, 'the status of a used link');
  ok((await late.page.locator('main').innerText()).includes('ask for a new one'), 'the page does not say what to do');
  equal((await late.page.goto(`${access.url}/register?invitation=${'0'.repeat(64)}`)).status(), 403, 'the status of a made-up link');
  equal((await late.page.goto(`${access.url}/register`)).status(), 403, 'the status without a link');
  late.complaints.take();
  await late.context.close();
});

await test('an invitation that ends while the form is filled in is named', async () => {
  const { id, link } = await api('POST', '/api/invitations', { email: 'otto@example.com', roles: ['viewer'] });
  const v = await visitor();
  await v.page.goto(link);
  await api('DELETE', `/api/invitations/${id}`);
  await v.page.fill('[name=username]', `otto-${Date.now()}`);
  await v.page.fill('[name=password]', 'correct horse battery');
  v.complaints.expect(422);
  await v.page.click('button.primary');
  equal((await v.page.locator('[role=alert]').innerText()).trim(), 'The invitation is not, or no longer, good; ask for a new one.', 'the message');
  v.complaints.take();
  await v.context.close();
});

const invited = await visitor({ javaScriptEnabled: true });
const { link } = await api('POST', '/api/invitations', { email: 'ulla@example.com', roles: ['viewer'] });
await look(invited.page, invited.complaints, 'register-invited', link);
await invited.context.close();
