/* SPDX-License-Identifier: MIT */
/*
 * The master's children: starting and ending them. Private to worker/.
 */
#ifndef SLIPWAY_WORKER_CHILD_H
#define SLIPWAY_WORKER_CHILD_H

#include <sys/types.h>

#include "worker/master.h"

struct child {
    pid_t pid;            /* 0: the slot is free */
    struct queue_job job; /* strings in the arena */
    struct store_deployment d;
    bool deployment;
    int64_t deadline; /* monotonic; then its group gets SIGTERM */
    int64_t kill_at;  /* monotonic; then SIGKILL; 0: not yet asked to end */
    bool timed_out;
    bool ending; /* it ends the deployment itself, or was asked to for somebody who cancelled it */
    struct arena arena;
};

/* Forks a child in its own process group that runs RUN(W, ARG) and exits with what it returns.
 * Its signals are reset, it dies with the master, and NAME is what the process list shows. The
 * descriptors in CLOSE (ended by -1) are closed in it. -1 when there is no process to be had. */
pid_t child_start(struct worker *w, const char *name, int (*run)(struct worker *w, void *arg),
                  void *arg, const int *close_fds);

/* Asks the group to end; once more makes it. */
void child_end(struct child *c, int64_t grace_ms);

#endif
