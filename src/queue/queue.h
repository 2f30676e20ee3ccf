/* SPDX-License-Identifier: MIT */
/*
 * The Job Queue: Redis Streams with one consumer group.
 *
 * At least once: an entry is acknowledged only when its job came to an end. A consumer that works
 * on one renews it (heartbeat); an entry that nobody renewed for a while is another consumer's to
 * take. A job carries nothing but a kind and an id; the row that the id names says everything
 * else, and claiming that row (store/deployment.h) is what makes a second delivery harmless.
 *
 * Lanes are streams, read in this order: rollbacks overtake everything, then small actions, then
 * builds. What is due later waits in a sorted set.
 *
 *     PREFIXq:rollback, q:action, q:build   streams of {kind, id}, group "workers"
 *     PREFIXq:due                           sorted set "lane kind id" by the time it is due, ms
 *     PREFIXq:jobs                          hash "kind:id" -> entry id or "due": one at a time
 *
 * Redis may lose all of it at any time: the reconciler puts open rows on the queue again.
 */
#ifndef SLIPWAY_QUEUE_QUEUE_H
#define SLIPWAY_QUEUE_QUEUE_H

#include "base/arena.h"
#include "base/err.h"

struct redis;

enum queue_lane { QUEUE_ROLLBACK, QUEUE_ACTION, QUEUE_BUILD, QUEUE_LANES };

enum { QUEUE_ALL = (1 << QUEUE_LANES) - 1 };

struct queue_job {
    enum queue_lane lane;
    const char *kind;  /* "deploy", "remove" */
    const char *id;    /* of the deployment or application */
    const char *entry; /* the stream's entry id */
};

/* Puts a job on the queue, unless the same one waits or runs already. ERR_UNAVAILABLE. */
int queue_put(struct redis *r, enum queue_lane lane, const char *kind, const char *id,
              struct err *err);

/* The next job of the lanes in MASK (bits by enum), waiting up to BLOCK_MS for one. What is due is
 * moved to its lane first. *got is false when none came. Strings live in the arena. */
int queue_take(struct redis *r, struct arena *a, const char *consumer, unsigned mask,
               int64_t block_ms, bool *got, struct queue_job *out, struct err *err);

/* For a consumer that starts: what it had taken and not finished when it ended goes back to its
 * place, to be taken again. */
int queue_resume(struct redis *r, const char *consumer, struct err *err);

/* A job that another consumer stopped renewing at least IDLE_MS ago. */
int queue_reclaim(struct redis *r, struct arena *a, const char *consumer, int64_t idle_ms,
                  bool *got, struct queue_job *out, struct err *err);

/* Says that the job is still worked on. */
int queue_heartbeat(struct redis *r, const char *consumer, const struct queue_job *job,
                    struct err *err);

/* The job came to its end. */
int queue_done(struct redis *r, const struct queue_job *job, struct err *err);

/* The job is to be tried again after DELAY_MS. */
int queue_retry(struct redis *r, const struct queue_job *job, int64_t delay_ms, struct err *err);

/* The wait before retry number N (from 1): BASE_MS × 2^(N-1), at most MAX_MS, of which the second
 * half is random. */
int64_t queue_backoff(int64_t n, int64_t base_ms, int64_t max_ms);

/* How long deployments have waited is in their rows: store_deployment_waiting(). */
struct queue_depth {
    int64_t waiting[QUEUE_LANES]; /* in the lane and not yet taken */
    int64_t running;              /* taken and not yet done */
    int64_t due;                  /* waiting for their time */
};
int queue_depth(struct redis *r, struct queue_depth *out, struct err *err);

#endif
