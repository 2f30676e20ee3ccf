/* SPDX-License-Identifier: MIT */
/*
 * A child's own connections. Private to worker/.
 */
#ifndef SLIPWAY_WORKER_TOOLS_H
#define SLIPWAY_WORKER_TOOLS_H

#include "cache/cache.h"
#include "docker/client.h"
#include "store/pg.h"
#include "worker/master.h"

struct tools {
    struct docker docker;
    struct pg *pg; /* what it writes invalidates the web processes' cache */
    struct redis *redis;
    struct cache cache;
};

/* Prepares them in their place; they connect when they are used. NAME is shown by PostgreSQL. Close
 * also after a failure. ERR_INVALID: docker.host. */
int tools_open(struct worker *w, struct tools *t, const char *name, struct err *err);
void tools_close(struct tools *t);

struct redis *tools_redis(const struct worker *w);

/* Whether the settings can be used at all. ERR_INVALID. */
int tools_check(struct worker *w, struct err *err);

#endif
