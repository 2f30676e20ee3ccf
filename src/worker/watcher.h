/* SPDX-License-Identifier: MIT */
/*
 * The worker's process that follows the swarm: routes and the applications' status.
 */
#ifndef SLIPWAY_WORKER_WATCHER_H
#define SLIPWAY_WORKER_WATCHER_H

#include "worker/master.h"

/* Runs in a child until it is asked to stop. ARG is not used. */
int watcher_run(struct worker *w, void *arg);

#endif
