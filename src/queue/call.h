/* SPDX-License-Identifier: MIT */
/*
 * Asking the worker something and waiting for its answer, over Redis.
 *
 * For what only the Docker Engine knows and nobody wants to keep: the web process, which has no way
 * to the Engine, puts a request on a list and waits for its answer on a list of the request's own.
 *
 *     PREFIXcall:asked      list of "DEADLINE ID KIND\nARGUMENTS"; DEADLINE is ms by Redis's clock,
 *                           so that the clocks of two machines need not agree
 *     PREFIXcall:reply:ID   list of one answer: "+JSON", or "-CODE MESSAGE"
 *
 * Nothing is repeated and nothing is kept: whoever asked waits for CALL_WAIT_MS and no longer, a
 * request past its deadline is dropped unread, an answer that nobody took is gone after as long
 * again. Anything that may be lost does not belong here but on the queue (queue/queue.h).
 */
#ifndef SLIPWAY_QUEUE_CALL_H
#define SLIPWAY_QUEUE_CALL_H

#include "base/arena.h"
#include "base/err.h"

struct redis;

enum {
    CALL_WAIT_MS = 5000,
    CALL_ARGUMENTS_MAX = 64 * 1024,
    CALL_REPLY_MAX = 1024 * 1024,
    CALL_WAITING_MAX = 256, /* unanswered requests; more are refused at once */
};

/* Asks the worker for KIND ("service.logs") with ARGUMENTS (JSON text) and waits at most WAIT_MS (0
 * is CALL_WAIT_MS). *answer gets JSON text in A. ERR_UNAVAILABLE: Redis is away, or the worker does
 * not answer. What the worker refused has the worker's own code and message. */
int call_ask(struct redis *r, struct arena *a, const char *kind, const char *arguments,
             int64_t wait_ms, const char **answer, struct err *err);

/* ---- for the worker */

struct call {
    const char *id, *kind, *arguments;
    int64_t left_ms; /* until its deadline */
};

/* The oldest request that is still waited for, waiting up to BLOCK_MS. *got is false when none
 * came. Strings live in A. */
int call_next(struct redis *r, struct arena *a, int64_t block_ms, bool *got, struct call *out,
              struct err *err);
/* JSON is at most CALL_REPLY_MAX bytes; more is answered as a refusal. */
int call_answer(struct redis *r, const struct call *c, const char *json, struct err *err);
int call_refuse(struct redis *r, const struct call *c, const struct err *why, struct err *err);

#endif
