// SPDX-License-Identifier: MIT
// slipway-web is restarted under load, on a socket that somebody else holds: no request fails.
import { spawn } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { check, equal, main, sleep, test } from '../e2e/lib.mjs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const state = process.env.SLIPWAY_TEST_STATE;
const id = (...args) => execFileSync('id', args, { encoding: 'utf8' }).trim();

// The lines that a process prints, one by one.
function lines(child) {
  const queue = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => (await queue.next()).value;
}

let port = 8460;
for (const how of ['systemd', 'stdin'])
  test(`restarts under load on an inherited socket (${how}) fail no request`, async () => {
    const socket = join(state, 'web', `held-${how}.sock`);
    const held = spawn(join(here, 'hold'), [how, socket, 'setpriv', '--reuid=slipway-web', '--regid=slipway-web',
      `--groups=${id('-g', 'slipway-web')},${id('-g', 'www-data')}`, '--no-new-privs', '--',
      join(state, 'prefix/sbin/slipway-web'), '--config', join(state, 'web.conf')], { stdio: ['ignore', 'pipe', 'ignore'] });
    const said = lines(held);
    check((await said()).startsWith('started '), 'it did not start');
    port++;
    const front = spawn(join(here, 'start'), [process.env.SLIPWAY_TEST_SERVER, state, String(port), socket], { stdio: ['pipe', 'pipe', 'inherit'] });
    equal(await lines(front)(), 'ready');

    const failures = [];
    let requests = 0;
    let go = true;
    const ask = async () => {
      while (go) {
        try {
          const res = await fetch(`https://127.0.0.1:${port}/login`, { headers: { connection: 'close' } });
          const text = await res.text();
          if (res.status !== 200 || !text.includes('</html>')) failures.push(`${res.status} ${text.slice(0, 100)}`);
        } catch (e) { failures.push(String(e.cause ?? e)); }
        requests++;
      }
    };
    const load = Array.from({ length: 6 }, ask);
    const seen = new Set();
    for (let i = 0; i < 6; i++) {
      await sleep(700);
      held.kill('SIGHUP');
      equal(await said(), 'ended 0');
      const started = await said();
      check(started.startsWith('started ') && !seen.has(started), started);
      seen.add(started);
    }
    await sleep(700);
    go = false;
    await Promise.all(load);
    equal(failures, []);
    check(requests > 50, `only ${requests} requests`);
    console.log(`# ${requests} requests over ${seen.size} restarts`);
    front.stdin.end();
    held.kill('SIGTERM');
    await new Promise((done) => { held.on('exit', done); });
  });

await main();
