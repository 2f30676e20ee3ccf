// SPDX-License-Identifier: MIT
// Who goes through the dashboard, with what the tests need beside it.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Complaints, accessible, fits, launch, test } from './harness.mjs';

export const access = JSON.parse(readFileSync(process.env.ACCESS, 'utf8'));
export const fresh = process.env.FRESH_URL;
const shots = process.env.SCREENSHOTS;
export const browser = await launch();

/** A person at a browser without JavaScript. */
export async function visitor(options = {}) {
  const context = await browser.newContext({ javaScriptEnabled: false, ...options });
  const page = await context.newPage();
  return { context, page, complaints: new Complaints(page) };
}

export async function signIn(page, url = access.url, username = access.username, password = access.password) {
  await page.goto(`${url}/login`);
  await page.fill('[name=username]', username);
  await page.fill('[name=password]', password);
  await page.click('button.primary');
}

/** Runs a line of shell with the functions that start and stop the stack's parts. */
export function stack(line) {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const script = `set -e; . "$ROOT/contrib/lib/common.sh"; ports_load; ${line}`;
  execFileSync('bash', ['-c', script], {
    env: { ...process.env, ROOT: root, STATE: process.env.SLIPWAY_TEST_STATE },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** The API as the owner, for what a page cannot show. */
let token;
export async function api(method, path, body) {
  const call = (how, where, what) =>
    fetch(access.url + where, {
      method: how,
      body: what && JSON.stringify(what),
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    }).then(async (r) => (r.ok ? (r.status === 204 ? null : r.json()) : Promise.reject(new Error(`${how} ${where}: ${r.status} ${await r.text()}`))));
  token ??= (await call('POST', '/api/auth/login', { username: access.username, password: access.password })).token;
  return call(method, path, body);
}

/** Looks at a page that REACH leads to: two widths, light and dark, each with a screenshot. */
export async function lookHere(page, complaints, name, reach, code) {
  for (const scheme of ['light', 'dark'])
    for (const width of [1280, 360])
      await test(`${name}, ${scheme}, ${width} px`, async () => {
        await page.emulateMedia({ colorScheme: scheme });
        await page.setViewportSize({ width, height: width === 360 ? 740 : 900 });
        if (code) complaints.expect(code);
        await reach(page);
        await fits(page);
        await page.screenshot({ path: `${shots}/${name}-${width}-${scheme}.png`, fullPage: true });
        await accessible(page);
        complaints.take();
      });
}

export const look = (page, complaints, name, url, code) =>
  lookHere(page, complaints, name, () => page.goto(url.startsWith('http') ? url : access.url + url), code);
