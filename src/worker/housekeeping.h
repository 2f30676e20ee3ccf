/* SPDX-License-Identifier: MIT */
/*
 * What the worker's master does to the database by the clock. Private to worker/.
 */
#ifndef SLIPWAY_WORKER_HOUSEKEEPING_H
#define SLIPWAY_WORKER_HOUSEKEEPING_H

#include "store/pg.h"

/* Chains the audit log's new entries (several workers take turns by a lock) and, when *FORGET_AT
 * (monotonic, ms) is over, forgets what is kept for a while only. Failing is logged. */
void housekeeping(struct pg *pg, struct arena *a, int64_t *forget_at);

#endif
