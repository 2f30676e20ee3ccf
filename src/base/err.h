/* SPDX-License-Identifier: MIT */
/*
 * The one way in which a function fails.
 *
 * A function that can fail returns 0 or -1 and takes `struct err *err` last. On success it leaves
 * *err alone; on failure it fills it. The struct lives on the caller's stack. A library's own
 * codes (libpq, hiredis, libcurl, libgit2, the Docker Engine) become a struct err at the edge of
 * their layer and are not seen beyond it. Each layer may put in front what it was doing:
 *
 *     could not push 'web:1a2b3c4': registry answered 401
 *
 * Text: lower case, says what was being done, names the value, has no full stop.
 */
#ifndef SLIPWAY_BASE_ERR_H
#define SLIPWAY_BASE_ERR_H

#include "base/base.h"

enum err_code {
    ERR_NONE = 0,
    ERR_MALFORMED,    /* 400: not even readable */
    ERR_UNAUTHORIZED, /* 401 */
    ERR_FORBIDDEN,    /* 403 */
    ERR_NOT_FOUND,    /* 404 */
    ERR_METHOD,       /* 405 */
    ERR_CONFLICT,     /* 409 */
    ERR_PRECONDITION, /* 412 */
    ERR_TOO_LARGE,    /* 413 */
    ERR_INVALID,      /* 422: readable, and refused */
    ERR_LIMIT,        /* 429 */
    ERR_UNAVAILABLE,  /* 503: something that we need does not answer; worth another try */
    ERR_TIMEOUT,      /* 504 */
    ERR_CANCELLED,    /* somebody asked us to stop */
    ERR_STALE,        /* an older attempt's write, refused by the fence */
    ERR_INTERNAL,     /* 500 */
};

struct err {
    enum err_code code;
    char msg[512];    /* may reach a browser */
    char detail[512]; /* for the log only */
};

/* Fills ERR and returns -1, so that `return err_set(…)` reads well. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "FMT: " in front of the message, keeps the code, returns -1. */
int err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Sets the part that only the log may see; returns -1. */
int err_detail(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The HTTP status of a code. */
int err_http_status(enum err_code code);

#endif
