/* SPDX-License-Identifier: MIT */
/*
 * A token bucket in Redis: PER_MINUTE tokens at most, refilled evenly, one atomic script a
 * request, by Redis's own clock.
 */
#ifndef SLIPWAY_CACHE_RATELIMIT_H
#define SLIPWAY_CACHE_RATELIMIT_H

#include "base/err.h"

struct redis;

struct ratelimit {
    bool allowed;
    int64_t limit;     /* tokens of a full bucket */
    int64_t remaining; /* whole tokens left */
    int64_t reset;     /* seconds until it is full again */
    int64_t retry;     /* seconds until a token is there; 0 when allowed */
    int64_t retry_ms;
};

/* Takes a token of the bucket NAME ("user:<id>"). ERR_UNAVAILABLE: Redis is away; the caller
 * decides whether that lets the request pass. */
int ratelimit_take(struct redis *r, const char *name, int64_t per_minute, struct ratelimit *out,
                   struct err *err);

#endif
