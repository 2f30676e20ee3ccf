// SPDX-License-Identifier: MIT
// TAP, and the browser with what every page must hold to.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let number = 0;
let failed = 0;

/** Runs one test and prints its line. The tests after a failed one go on. */
export async function test(name, run) {
  number++;
  try {
    await run();
    console.log(`ok ${number} - ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${number} - ${name}`);
    for (const line of String(error.stack ?? error).split('\n').slice(0, 12)) console.log(`# ${line}`);
  }
}

export function done() {
  console.log(`1..${number}`);
  return failed ? 1 : 0;
}

export function equal(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what} is ${JSON.stringify(actual)} and not ${JSON.stringify(expected)}`);
}

export function ok(value, what) {
  if (!value) throw new Error(what);
}

export function launch() {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

/** What the browser complained about: script errors, refused content, failed requests. */
export class Complaints {
  constructor(page) {
    this.list = [];
    this.statuses = new Set();
    page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      // An error page that was asked for is reported as a failed load of the page itself.
      const status = /status of (\d+)/.exec(message.text())?.[1];
      if (status && this.statuses.has(Number(status)) && message.location().url === page.url()) return;
      this.list.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => this.list.push(`script: ${error.message}`));
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? '';
      if (!why.includes('ERR_ABORTED')) this.list.push(`request: ${request.url()} ${why}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400 && !this.statuses.has(response.status()))
        this.list.push(`status ${response.status()} of ${response.url()}`);
    });
  }

  /** These statuses are meant. */
  expect(...statuses) {
    this.statuses = new Set(statuses);
  }

  take() {
    const list = this.list;
    this.list = [];
    this.statuses = new Set();
    if (list.length) throw new Error(list.join('\n'));
  }
}

/** No horizontal scroll; the page's whole width is the window's. */
export async function fits(page) {
  const [content, view] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  if (content > view) {
    const wide = await page.evaluate(() => {
      const limit = document.documentElement.clientWidth;
      return [...document.querySelectorAll('body *')]
        .filter((e) => e.getBoundingClientRect().right > limit + 1)
        .map((e) => e.outerHTML.slice(0, 120))
        .slice(0, 5);
    });
    throw new Error(`the page is ${content} px wide in a window of ${view}:\n${wide.join('\n')}`);
  }
}

/** No serious or critical finding of axe. */
export async function accessible(page) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const bad = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
  if (bad.length)
    throw new Error(bad.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `  ${n.html.slice(0, 160)}\n  ${n.failureSummary?.replaceAll('\n', ' ')}`).slice(0, 3).join('\n')}`).join('\n'));
}
