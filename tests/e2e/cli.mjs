// SPDX-License-Identifier: MIT
// The operator's command.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { access, check, Client, equal, login, main, test, unique } from './lib.mjs';
import { totp } from './totp.mjs';

const state = process.env.SLIPWAY_TEST_STATE;
const program = join(state, 'prefix/bin/slipway');
function slipway(args, { input, env = {} } = {}) {
  const r = spawnSync(program, ['--config', join(state, 'slipway.conf'), ...args],
    { encoding: 'utf8', input, env: { ...process.env, ...env } });
  return { code: r.status, out: r.stdout, err: r.stderr };
}

test('config prints every setting with its origin, and no secret', () => {
  const r = slipway(['config'], { env: { SLIPWAY_WEB_WORKERS: '3', REDIS_HOST: 'redis.example' } });
  equal(r.code, 0, r.err);
  check(/set by: SLIPWAY_WEB_WORKERS\nweb.workers = 3\n/.test(r.out), r.out);
  check(/set by: .*slipway.conf:\d+\nrouter.kind = nginx\n/.test(r.out), r.out);
  check(/default 1800, from 5 to 86400; set by: default\nlimit.deployment_seconds = 1800\n/.test(r.out), r.out);
  const secrets = [access.databaseUrl.split(':')[2].split('@')[0], access.redisUrl.split(':')[2].split('@')[0]];
  for (const s of secrets) check(s.length > 8 && !r.out.includes(s), 'a password is shown');
});

test('a wrong value names the key, the line or variable, and what would be right', () => {
  const r = slipway(['version'], { env: { SLIPWAY_LIMIT_CONCURRENT_DEPLOYMENTS: 'some' } });
  equal(r.code, 1);
  check(/SLIPWAY_LIMIT_CONCURRENT_DEPLOYMENTS: limit.concurrent_deployments is 'some', but must be a whole number from 1 to 256/.test(r.err), r.err);
});

test('migrate says what is applied, and has nothing left to do', () => {
  const status = slipway(['migrate', '--status']);
  equal(status.code, 0, status.err);
  check(/^0001_accounts +\d{4}-/m.test(status.out) && /^0 of \d+ are pending\.$/m.test(status.out), status.out);
  equal(slipway(['migrate']).out, 'Applied 0 migrations.\n');
});

test('user add makes a user who can log in, and refuses what is wrong', async () => {
  const name = unique('cli');
  const args = ['user', 'add', '--username', name, '--email', `${name}@example.com`, '--password-stdin'];
  equal(slipway([...args, '--role', 'developer'], { input: 'a good password\n' }).code, 0);
  equal((await (await login(name, 'a good password')).get('/api/auth/session')).user.roles, ['developer']);
  const twice = slipway(args, { input: 'a good password\n' });
  check(twice.code === 1 && /username is taken|email is taken/.test(twice.err), twice.err);
  const role = slipway([...args, '--role', 'king'], { input: 'a good password\n' });
  check(role.code === 2 && /--role is 'king', but must be owner, admin, developer or viewer/.test(role.err), role.err);
  const short = slipway(['user', 'add', '--username', unique('x'), '--email', 'x@example.com', '--password-stdin'], { input: 'hunter2\n' });
  check(short.code === 1 && /password must have at least 8 characters/.test(short.err) && !short.err.includes('hunter2'), short.err);
  equal(slipway(['user', 'remove']).code, 2);
});

test('doctor finds nothing wrong here, and says what is wrong elsewhere', () => {
  const well = slipway(['doctor']);
  equal([well.code, /All is well/.test(well.out)], [0, true], well.out);
  const ill = slipway(['doctor'], { env: { SLIPWAY_REDIS_PORT: '1', SLIPWAY_WEB_SOCKET: '/nowhere' } });
  equal(ill.code, 1);
  check(/^WRONG +redis/m.test(ill.out) && /^WRONG +web +\/nowhere is not there/m.test(ill.out) && /^2 things are wrong/m.test(ill.out), ill.out);
});

test('keys are kept, and the web processes cannot read the worker\'s', () => {
  const key = join(state, 'keys/worker.key');
  const before = readFileSync(key, 'utf8');
  equal(slipway(['keys']).code, 0);
  equal(readFileSync(key, 'utf8'), before);
  equal([statSync(key).mode & 0o777, statSync(key).uid], [0o600, 0]);
  const uid = Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${access.pids['slipway-web']}/status`, 'utf8'))[1]);
  check(uid !== 0, 'slipway-web runs as root');
  const as = (...command) => spawnSync('setpriv', [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--', ...command]).status;
  check(as('cat', key) !== 0, 'the web user reads worker.key');
  const socket = access.dockerHost.replace('unix://', '');
  check(existsSync(socket) && as('curl', '-sf', '--unix-socket', socket, 'http://engine/_ping') !== 0, 'the web user reaches the Engine');
});

test('unknown commands and options are refused', () => {
  for (const args of [[], ['dance'], ['migrate', '--fast'], ['doctor', 'now']]) equal(slipway(args).code, 2, String(args));
  equal(slipway(['version']).out.startsWith('slipway '), true);
});

test('totp remove lets in who has lost device and recovery codes', async () => {
  const name = unique('lost'), password = 'correct horse';
  equal(slipway(['totp', 'remove', '--username', name]).code, 1);
  equal(slipway(['user', 'add', '--username', name, '--email', `${name}@example.com`, '--password-stdin'], { input: `${password}\n` }).code, 0);
  equal(slipway(['totp', 'remove', '--username', name]).code, 1); // there is none
  const person = await login(name, password);
  const { secret } = await person.want(200, 'POST', '/api/auth/totp');
  await person.want(204, 'POST', '/api/auth/totp/confirm', { code: totp(secret) });
  const refused = await new Client().call('POST', '/api/auth/login', { username: name, password });
  equal([refused.status, refused.json.totpRequired], [401, true]);
  const r = slipway(['totp', 'remove', '--username', name.toUpperCase()]);
  equal([r.code, r.out], [0, `Removed the second factor of ${name}.\n`], r.err);
  await login(name, password);
});

await main();
