/* SPDX-License-Identifier: MIT */
/*
 * The worker's master: takes jobs off the queue and runs each in a process of its own.
 *
 * The master itself never talks to Docker or git. It claims the row of a job (the lease and the
 * attempt's number), forks, and from then on keeps the lease and the queue's entry alive, watches
 * the clock, and decides what the child's end means. A child is the leader of its own process
 * group and dies with the master. Which master a machine's directory belongs to is decided by a
 * lock, so whatever an earlier master of that directory held when it ended is known to be free.
 */
#ifndef SLIPWAY_WORKER_MASTER_H
#define SLIPWAY_WORKER_MASTER_H

#include "base/conf.h"
#include "base/crypto.h"
#include "queue/queue.h"
#include "store/deployment.h"

enum { MASTER_LEASE_MS = 10000, MASTER_BEAT_MS = 3000, MASTER_RECONCILE_MS = 3000 };

/* How a job's process ends. */
enum job_exit {
    JOB_DONE = 0,
    JOB_LATER = 75,       /* something did not answer; the row says what */
    JOB_HANDED_BACK = 76, /* it was asked to stop */
};

/* What a job's process is told. */
struct job_order {
    struct queue_job job;
    int64_t attempt;     /* of the claim; deployments only */
    int64_t budget_ms;   /* how long the work may still take; then it ends itself */
    const char *give_up; /* not NULL: end the deployment, with this as the cause */
    const char *ending;  /* and with this status: "failed" or "cancelled" */
};

/* A process of the worker: what it starts with. Each opens its own connections. */
struct worker {
    const char *config_file;
    struct conf conf;
    struct keyring keys;
    const char *name; /* of this worker in rows and in the queue */
};

/* One row a kind of job: its function runs in the child and returns an enum job_exit. */
struct job_kind {
    const char *name;
    bool deployment; /* its id is a deployment's, to be claimed first */
    int (*run)(struct worker *w, const struct job_order *order);
};
const struct job_kind *job_kind_find(const char *name);

/* Set in a child by SIGTERM. */
bool job_asked_to_stop(void);

/* Runs until SIGTERM. Returns main's exit code. */
int master_run(struct worker *w);

#endif
