// SPDX-License-Identifier: MIT
// The dashboard in a browser: tests/browser, against the stack that tests/e2e/run has started.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const { status } = spawnSync(fileURLToPath(new URL('../browser/run', import.meta.url)), { stdio: 'inherit' });
process.exit(status ?? 1);
