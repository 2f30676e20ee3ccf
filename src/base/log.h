/* SPDX-License-Identifier: MIT */
/*
 * The program's own log: one line an event on stderr, in logfmt.
 *
 *     time=2026-11-24T17:56:21.000Z level=info program=slipway-worker pid=71 msg="…" key=value
 *
 * Control characters are escaped, so a line stays a line. No secret is ever passed to it.
 */
#ifndef SLIPWAY_BASE_LOG_H
#define SLIPWAY_BASE_LOG_H

#include "base/base.h"
#include "base/err.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* PROGRAM must outlive the log (a literal). */
void log_init(const char *program, enum log_level least);

/* A prefix for all later lines of this process, such as "deployment=019…"; NULL is none. Copied. */
void log_context(const char *context);

void log_write(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)

/* WHAT failed, with the error's message and detail. */
void log_err(enum log_level level, const char *what, const struct err *err);

#endif
