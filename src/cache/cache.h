/* SPDX-License-Identifier: MIT */
/*
 * The cache in front of PostgreSQL: values that know what they depend on.
 *
 * An entry names its dependencies (a project's id, "access", …) and the version that each had. A
 * write gives what it touched another version, so that nothing is ever searched for or deleted:
 * an entry whose versions are not the present ones is no entry. Versions are random, so one that
 * was lost cannot come back.
 *
 *     PREFIXversion:NAME      the present version; "all" changes with every other one
 *     PREFIXcache:KEY         hash: versions "NAME=VERSION,NAME=VERSION", value
 *     PREFIXcache:lock:KEY    somebody is making the value
 *     PREFIXbus:cache.invalidate   a message for each change: {"names":["…"]}
 *
 * A value is stored only if nothing at all has changed since its making began, so what was read
 * before a commit never stands under a version from after it. Every entry also depends on "epoch",
 * which changes when changes may have been missed.
 *
 * Redis away: every read is a miss, nothing is stored, and what could not be invalidated is
 * remembered and invalidated before the next use.
 */
#ifndef SLIPWAY_CACHE_CACHE_H
#define SLIPWAY_CACHE_CACHE_H

#include "base/buf.h"
#include "base/err.h"

struct redis;
struct pg;

enum { CACHE_LIST_SECONDS = 300, CACHE_DETAIL_SECONDS = 120 };

struct cache {
    struct redis *redis;
    struct buf missed; /* names that wait to be invalidated, a line each */
};

void cache_init(struct cache *c, struct redis *redis);
void cache_release(struct cache *c);

enum cache_found {
    CACHE_HIT,
    CACHE_MAKE,  /* make it and cache_set() or cache_abandon() */
    CACHE_ALONE, /* make it for yourself: there is no Redis, or another maker is slow */
};

/* One round trip when the value is there. When another process makes it this one waits for that a
 * moment. CLOCK (at least 32 bytes) is for cache_set(). VALUE is appended to. */
enum cache_found cache_get(struct cache *c, const char *key, struct buf *value, char clock[32]);
/* Stores what was made since cache_get() gave CACHE_MAKE, unless something changed meanwhile.
 * NAMES, ended by NULL, are what it depends on. */
void cache_set(struct cache *c, const char *key, const char clock[32], const char *const *names,
               int seconds, const char *value, size_t n);
void cache_abandon(struct cache *c, const char *key);

/* VALUE as it is in the cache, or as MAKE appends it, which is then kept. -1 only by MAKE. */
typedef int cache_maker(void *arg, struct buf *value, struct err *err);
int cache_remember(struct cache *c, const char *key, const char *const *names, int seconds,
                   cache_maker *make, void *arg, struct buf *value, struct err *err);

/* Everything that depends on NAME is stale from now on, for every process. */
void cache_invalidate(struct cache *c, const char *const *names, size_t n);

/* From now on whatever PG writes invalidates what it touched: before its commit and after it. */
void cache_follow(struct cache *c, struct pg *pg);

/* For the worker, now and then: invalidates what others committed, in case that they did not come
 * to do it themselves. PG listens on its connection. */
void cache_listen(struct cache *c, struct pg *pg);

#endif
