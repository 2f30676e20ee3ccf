/* SPDX-License-Identifier: MIT */
/*
 * Running another program: an argument vector and never a shell.
 */
#ifndef SLIPWAY_BASE_EXEC_H
#define SLIPWAY_BASE_EXEC_H

#include "base/base.h"
#include "base/err.h"

struct buf;

/* Runs ARGV (NULL-terminated; argv[0] is looked up in PATH) with standard input from /dev/null,
 * and waits. What it prints on stdout and stderr goes to OUT (may be NULL), at most 64 KiB of it.
 * After TIMEOUT_MS it is killed. *status gets the exit code, or 128 + the signal's number.
 * ERR_INTERNAL: could not start. ERR_TIMEOUT: was killed. */
int exec_run(const char *const argv[], int64_t timeout_ms, struct buf *out, int *status,
             struct err *err);

#endif
