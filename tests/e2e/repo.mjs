// SPDX-License-Identifier: MIT
// Repositories and applications that a test makes for itself, and the engine's own view of them.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { access, git, unique } from './lib.mjs';

const root = process.env.SLIPWAY_TEST_REPOS; // the directory that is served
const base = new URL('..', access.repoUrl).href;

// Serves a page, answers health checks at once, and stops a second after TERM.
export const server = `#!/bin/sh
mkdir -p /srv/www; cp /srv/index.html /srv/www/
httpd -f -p 8080 -h /srv/www & pid=$!
trap 'sleep 1; kill $pid; exit 0' TERM
wait $pid
`;
export const dockerfile = `FROM slipway-sample-base
COPY entry index.html /srv/
HEALTHCHECK --interval=1s --timeout=2s --retries=5 CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/"]
CMD ["sh", "/srv/entry"]
`;
export const web = (text) => ({ Dockerfile: dockerfile, entry: server, 'index.html': `${text}\n` });

export class Repo {
  constructor(files = {}) {
    this.name = unique('repo');
    const bare = join(root, 'tests', `${this.name}.git`);
    mkdirSync(dirname(bare), { recursive: true });
    chmodSync(dirname(bare), 0o755);
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', bare]);
    execFileSync('chmod', ['-R', 'a+rX', bare]);
    this.dir = mkdtempSync(join(tmpdir(), 'slipway-repo-'));
    this.url = new URL(`/tests/${this.name}.git`, base).href;
    execFileSync('git', ['init', '-q', '-b', 'main', this.dir]);
    git(this.dir, 'config', 'user.name', 'Test');
    git(this.dir, 'config', 'user.email', 'test@example.com');
    git(this.dir, 'remote', 'add', 'origin', bare);
    this.bare = bare;
    this.commit(files, 'Begin');
  }
  // FILES: text by path; null removes; {link: target} is a symbolic link.
  commit(files, message = 'Change') {
    for (const [path, content] of Object.entries(files)) {
      const at = join(this.dir, path);
      rmSync(at, { force: true, recursive: true });
      if (content === null) continue;
      mkdirSync(dirname(at), { recursive: true });
      if (typeof content === 'object') symlinkSync(content.link, at);
      else writeFileSync(at, content);
    }
    git(this.dir, 'add', '-A');
    git(this.dir, 'commit', '-q', '--allow-empty', '-m', message);
    git(this.dir, 'push', '-q', 'origin', 'main');
    execFileSync('chmod', ['-R', 'a+rX', this.bare]);
    return git(this.dir, 'rev-parse', 'HEAD');
  }
}

export async function application(client, repo, extra = {}) {
  const project = await client.want(201, 'POST', '/api/projects', { name: unique('project') });
  return client.want(201, 'POST', '/api/applications', {
    projectId: project.id, name: unique('app'), pull: false, memoryLimit: 64, cpuLimit: 0.5,
    ...(repo ? { gitSource: { repoUrl: repo.url, branch: 'main' } } : {}),
    updateConfig: { delay: 0, monitor: 1 }, ...extra,
  });
}

// The Engine's API, over its unix socket.
export function engine(path, method = 'GET') {
  return new Promise((resolve, reject) => {
    const req = request({ socketPath: access.dockerHost.replace('unix://', ''), path: `/v1.41${path}`, method, headers: { host: 'engine' } }, (res) => {
      let text = '';
      res.on('data', (d) => { text += d; });
      res.on('end', () => { try { resolve({ status: res.statusCode, json: text ? JSON.parse(text) : null }); } catch (e) { reject(e); } });
    });
    req.on('error', reject);
    req.end();
  });
}
export async function service(name) {
  const r = await engine(`/services/${name}`);
  return r.status === 200 ? r.json : null;
}
