/* SPDX-License-Identifier: MIT */
/*
 * The worker's process that answers what the web processes ask (queue/call.h).
 *
 * Each request is answered by a process of its own, which the kernel ends at the request's
 * deadline, so one that hangs holds nobody up; at most CALLS_AT_ONCE run, and what comes beyond
 * that waits its turn or its deadline. What is answered is a table in calls.c, a row a kind:
 *
 *     ping          {}                                        {"worker"}
 *     service.logs  {"application","service","tail","since"} [{"at","task","node","stream","text"}]
 */
#ifndef SLIPWAY_WORKER_CALLS_H
#define SLIPWAY_WORKER_CALLS_H

#include "worker/master.h"

enum { CALLS_AT_ONCE = 16 };

/* Runs in a child until it is asked to stop. ARG is not used. */
int calls_run(struct worker *w, void *arg);

#endif
