/* SPDX-License-Identifier: MIT */
/*
 * How many processes hash passwords at once. A hash takes 19 MiB and 50 ms of a core on purpose;
 * were each web process to make one, a storm of logins would leave none for the dashboard.
 *
 * At most GATE_HASHING processes are inside, a few more wait, and whoever comes then is sent away.
 * The places are record locks (fcntl, POSIX) on bytes of a file in memory that the master makes
 * before it forks: the kernel gives a place back when its process dies, however that happens.
 */
#ifndef SLIPWAY_AUTH_GATE_H
#define SLIPWAY_AUTH_GATE_H

#include "base/err.h"

enum { GATE_HASHING = 2 };

/* For the master, before it forks PROCESSES. Without it (the command line) nobody waits. */
int gate_open(int processes, struct err *err);

/* Takes a place inside, waiting for it. ERR_UNAVAILABLE: too many wait already. One place a
 * process: it must leave before it enters again. */
int gate_enter(struct err *err);
void gate_leave(void);

#endif
