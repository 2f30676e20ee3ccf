// SPDX-License-Identifier: MIT
// What the end-to-end tests share: TAP, the API's client, and waiting for things.
import { createHmac, randomUUID } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual, inspect } from 'node:util';
import { Contract } from './openapi.mjs';

export const access = JSON.parse(readFileSync(process.env.SLIPWAY_TEST_ACCESS, 'utf8'));

// ---- TAP: tests run one after the other, in the order in which they are written
const tests = [];
export function test(name, run) { tests.push({ name, run }); }

export async function main() {
  const only = process.argv[2];
  const chosen = tests.filter((t) => !only || t.name.includes(only));
  console.log(`1..${chosen.length}`);
  let failed = 0;
  for (const [i, t] of chosen.entries()) {
    try {
      await t.run();
      console.log(`ok ${i + 1} - ${t.name}`);
    } catch (e) {
      failed++;
      console.log(`not ok ${i + 1} - ${t.name}`);
      for (const line of String(e?.stack ?? e).split('\n')) console.log(`# ${line}`);
    }
  }
  console.log(`# ${contract.checks} answers held against the description`);
  process.exit(failed ? 1 : 0);
}

export function check(ok, what) { if (!ok) throw new Error(what); }
export function equal(actual, expected, what = 'value') {
  if (!isDeepStrictEqual(actual, expected))
    throw new Error(`${what}: ${inspect(actual, { depth: 6 })} is not ${inspect(expected, { depth: 6 })}`);
}

// ---- the API: every answer under /api must be one that the description has
export const contract = new Contract(await (await fetch(`${access.url}/api/openapi.json`)).json());

export class Client {
  constructor(token) { this.token = token; }
  async raw(method, path, { body, headers = {}, base = access.url } = {}) {
    const res = await fetch(base + path, {
      method, body, redirect: 'manual',
      headers: { connection: 'close', ...(this.token ? { authorization: `Bearer ${this.token}` } : {}), ...headers },
    });
    const text = await res.text();
    let json;
    try { json = JSON.parse(text); } catch { json = undefined; }
    // what a web server refuses or rewrites by itself is its own
    if (/^\/(api\/|healthz|readyz)/.test(path) && !/%00|%(?![0-9a-f]{2})|\.\.|%2e|\/\//i.test(path)) {
      const wrong = contract.check(method, path, res.status, res.headers, text);
      if (wrong) throw new Error(wrong);
    }
    return { status: res.status, headers: res.headers, text, json };
  }
  call(method, path, body, headers = {}) {
    return this.raw(method, path, {
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    });
  }
  async want(status, method, path, body, headers) {
    const r = await this.call(method, path, body, headers);
    if (r.status !== status) throw new Error(`${method} ${path}: ${r.status} and not ${status}: ${r.text}`);
    return r.json;
  }
  get(path) { return this.want(200, 'GET', path); }
}

export async function login(username = access.username, password = access.password) {
  const r = await new Client().want(200, 'POST', '/api/auth/login', { username, password });
  return new Client(r.token);
}

export const unique = (name) => `${name}-${randomUUID().slice(0, 8)}`;
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Waits until RUN gives something true; the end is a failure that says WHAT.
export async function until(what, run, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    try {
      const v = await run();
      if (v) return v;
    } catch (e) { last = e; }
    await sleep(100);
  }
  throw new Error(`${what} did not come within ${seconds} s${last ? `: ${last.message}` : ''}`);
}

export const finals = ['success', 'failed', 'cancelled', 'superseded', 'rolled_back'];
export function ended(client, id, seconds = 120) {
  return until(`the end of deployment ${id}`, async () => {
    const d = await client.get(`/api/deployments/${id}`);
    return finals.includes(d.status) && d;
  }, seconds);
}
export function reached(client, id, statuses, seconds = 60) {
  return until(`${statuses.join(' or ')} of deployment ${id}`, async () => {
    const d = await client.get(`/api/deployments/${id}`);
    return statuses.includes(d.status) && d;
  }, seconds);
}

// ---- git and webhooks
export function git(dir, ...args) {
  return execFileSync('git', ['-C', dir, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}
export const sign = (secret, body) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
export function deliver(event, payload, secret, { signature, delivery = randomUUID(), form = false } = {}) {
  const json = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const body = form ? `payload=${encodeURIComponent(json)}` : json;
  return new Client().raw('POST', '/api/webhooks/github', {
    body,
    headers: {
      'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
      'user-agent': 'GitHub-Hookshot/1a2b3c4', 'x-github-event': event, 'x-github-delivery': delivery,
      'x-hub-signature-256': signature ?? sign(secret, body),
    },
  });
}

// A client that asks for URL without a pause until stop() is called; every answer counts.
export function poller(url) {
  const seen = { requests: 0, failures: [], texts: new Set() };
  let running = true;
  const loop = (async () => {
    while (running) {
      seen.requests++;
      try {
        const res = await fetch(url, { headers: { connection: 'close' } });
        const text = await res.text();
        seen.texts.add(text);
        if (res.status !== 200) seen.failures.push(`${res.status}: ${text.slice(0, 80)}`);
      } catch (e) { seen.failures.push(String(e.cause ?? e)); }
      await sleep(10);
    }
  })();
  return { seen, async stop() { running = false; await loop; return seen; } };
}
