/* SPDX-License-Identifier: MIT */
#include "cache/cache.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "cache/redis.h"
#include "store/pg.h"

enum {
    LOCK_MS = 3000, /* a maker that takes longer has company */
    WAIT_MS = 3000, /* what a reader waits for another's value; by then it may make it */
    POLL_MS = 5,
    VERSION_SECONDS = 86400, /* far longer than any entry */
    NAMES_MAX = 24,
};

/* KEYS: entry, lock. ARGV: prefix of versions, a new version, LOCK_MS.
 * {1, value} or {0, clock, 1 when the caller is to make it}. */
static const char get_script[] =
    "local head = redis.call('HGET', KEYS[1], 'versions') "
    "if head then "
    "  local good = true "
    "  for name, version in string.gmatch(head, '([^=,]+)=([^,]+)') do "
    "    if redis.call('GET', ARGV[1] .. name) ~= version then good = false break end "
    "  end "
    "  if good then return {1, redis.call('HGET', KEYS[1], 'value')} end "
    "end "
    "local clock = redis.call('GET', ARGV[1] .. 'all') "
    "if not clock then clock = ARGV[2] redis.call('SET', ARGV[1] .. 'all', clock) end "
    "local mine = redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[3]) "
    "return {0, clock, mine and 1 or 0}";

/* KEYS: entry, lock. ARGV: prefix of versions, clock, seconds, value, a new version,
 * VERSION_SECONDS, names … */
static const char set_script[] =
    "redis.call('DEL', KEYS[2]) "
    "if redis.call('GET', ARGV[1] .. 'all') ~= ARGV[2] then return 0 end "
    "local head = {} "
    "for i = 7, #ARGV do "
    "  local version = redis.call('GET', ARGV[1] .. ARGV[i]) "
    "  if not version then "
    "    version = ARGV[5] "
    "    redis.call('SET', ARGV[1] .. ARGV[i], version, 'EX', ARGV[6]) "
    "  end "
    "  head[#head + 1] = ARGV[i] .. '=' .. version "
    "end "
    "redis.call('HSET', KEYS[1], 'versions', table.concat(head, ','), 'value', ARGV[4]) "
    "redis.call('EXPIRE', KEYS[1], ARGV[3]) "
    "return 1";

/* KEYS: channel. ARGV: prefix of versions, a new version, VERSION_SECONDS, message, names … */
static const char invalidate_script[] =
    "redis.call('SET', ARGV[1] .. 'all', ARGV[2]) "
    "for i = 5, #ARGV do redis.call('SET', ARGV[1] .. ARGV[i], ARGV[2], 'EX', ARGV[3]) end "
    "redis.call('PUBLISH', KEYS[1], ARGV[4]) "
    "return 1";

void cache_init(struct cache *c, struct redis *redis)
{
    *c = (struct cache){.redis = redis};
}

void cache_release(struct cache *c)
{
    buf_release(&c->missed);
}

/* ---- invalidating */

static int invalidate_now(struct cache *c, const char *const *names, size_t n)
{
    AUTO_ARENA a = {0};
    AUTO_BUF message = {0};
    struct err err;
    const char *prefix = redis_prefix(c->redis);
    const char *argv[5 + NAMES_MAX];
    buf_adds(&message, "{\"names\":[");
    for (size_t i = 0; i < n; i++) {
        buf_addf(&message, "%s\"%s\"", i ? "," : "", names[i]);
        argv[5 + i] = names[i];
    }
    buf_adds(&message, "]}");
    argv[0] = arena_printf(&a, "%sbus:cache.invalidate", prefix);
    argv[1] = arena_printf(&a, "%sversion:", prefix);
    argv[2] = rand_hex(&a, 8);
    argv[3] = arena_printf(&a, "%d", VERSION_SECONDS);
    argv[4] = buf_str(&message);
    return redis_script(c->redis, NULL, &err, invalidate_script, 1, (int)(5 + n), argv);
}

/* False: some of them still wait. */
static bool catch_up(struct cache *c)
{
    AUTO_ARENA a = {0};
    const char *names[NAMES_MAX];
    size_t n = 0;
    if (!c->missed.len)
        return true;
    /* rare enough to say "everything" when they are many */
    for (char **line = str_split(&a, buf_str(&c->missed), '\n'); *line && n < NAMES_MAX; line++)
        if (**line)
            names[n++] = *line;
    if (n == NAMES_MAX)
        names[0] = "epoch";
    if (invalidate_now(c, names, n) < 0)
        return false;
    buf_clear(&c->missed);
    return true;
}

void cache_invalidate(struct cache *c, const char *const *names, size_t n)
{
    bool ready = catch_up(c);
    for (size_t at = 0; at < n; at += NAMES_MAX - 1) {
        size_t some = n - at < NAMES_MAX - 1 ? n - at : NAMES_MAX - 1;
        if (ready && invalidate_now(c, names + at, some) == 0)
            continue;
        ready = false;
        for (size_t i = 0; i < some && c->missed.len < 4096; i++)
            buf_addf(&c->missed, "%s\n", names[at + i]);
    }
}

static void on_change(void *arg, const char *const *names, size_t n)
{
    cache_invalidate(arg, names, n);
}

void cache_follow(struct cache *c, struct pg *pg)
{
    pg_on_change(pg, on_change, c);
}

void cache_listen(struct cache *c, struct pg *pg)
{
    struct err err;
    if (pg_heard(pg, "slipway_changed", on_change, c, &err) < 0)
        log_debug("could not listen for changes: %s", err.msg);
    catch_up(c);
}

/* ---- reading and storing */

static enum cache_found ask(struct cache *c, const char *const *argv, struct buf *value,
                            char clock[32])
{
    AUTO_REPLY *reply = NULL;
    struct err err;
    if (redis_script(c->redis, &reply, &err, get_script, 2, 5, (const char **)(uintptr_t)argv) <
            0 ||
        reply->type != REDIS_REPLY_ARRAY || reply->elements < 2)
        return CACHE_ALONE;
    const struct redisReply *text = reply->element[1];
    if (reply->element[0]->integer == 1) {
        buf_add(value, text->str, (size_t)text->len);
        return CACHE_HIT;
    }
    snprintf(clock, 32, "%s", text->str);
    return reply->element[2]->integer == 1 ? CACHE_MAKE : CACHE_ALONE;
}

enum cache_found cache_get(struct cache *c, const char *key, struct buf *value, char clock[32])
{
    AUTO_ARENA a = {0};
    const char *prefix = redis_prefix(c->redis);
    clock[0] = '\0';
    if (!catch_up(c))
        return CACHE_ALONE;
    const char *argv[] = {arena_printf(&a, "%scache:%s", prefix, key),
                          arena_printf(&a, "%scache:lock:%s", prefix, key),
                          arena_printf(&a, "%sversion:", prefix), rand_hex(&a, 8),
                          arena_printf(&a, "%d", LOCK_MS)};
    int64_t end = time_monotonic() + WAIT_MS;
    for (;;) {
        enum cache_found found = ask(c, argv, value, clock);
        if (found != CACHE_ALONE || !clock[0] || time_monotonic() >= end)
            return found;
        time_sleep(POLL_MS);
    }
}

void cache_set(struct cache *c, const char *key, const char clock[32], const char *const *names,
               int seconds, const char *value, size_t n)
{
    AUTO_ARENA a = {0};
    AUTO_BUF copy = {0};
    struct err err;
    const char *prefix = redis_prefix(c->redis);
    const char *argv[9 + NAMES_MAX];
    int argc = 8;
    buf_add(&copy, value, n); /* ended by a NUL; values are text */
    argv[0] = arena_printf(&a, "%scache:%s", prefix, key);
    argv[1] = arena_printf(&a, "%scache:lock:%s", prefix, key);
    argv[2] = arena_printf(&a, "%sversion:", prefix);
    argv[3] = clock;
    argv[4] = arena_printf(&a, "%d", seconds);
    argv[5] = buf_str(&copy);
    argv[6] = rand_hex(&a, 8);
    argv[7] = arena_printf(&a, "%d", VERSION_SECONDS);
    argv[argc++] = "epoch";
    for (; *names; names++) {
        if (argc == (int)ARRAY_LEN(argv))
            BUG("a cached value depends on more than %d names", NAMES_MAX);
        argv[argc++] = *names;
    }
    if (redis_script(c->redis, NULL, &err, set_script, 2, argc, argv) < 0)
        log_debug("could not cache %s: %s", key, err.msg);
}

void cache_abandon(struct cache *c, const char *key)
{
    struct err err;
    AUTO_ARENA a = {0};
    const char *lock = arena_printf(&a, "%scache:lock:%s", redis_prefix(c->redis), key);
    if (redis_cmd(c->redis, NULL, &err, "DEL %s", lock) < 0)
        log_debug("could not give up the lock of %s: %s", key, err.msg);
}

int cache_remember(struct cache *c, const char *key, const char *const *names, int seconds,
                   cache_maker *make, void *arg, struct buf *value, struct err *err)
{
    char clock[32];
    size_t from = value->len;
    enum cache_found found = cache_get(c, key, value, clock);
    if (found == CACHE_HIT)
        return 0;
    if (make(arg, value, err) < 0) {
        if (found == CACHE_MAKE)
            cache_abandon(c, key);
        return -1;
    }
    if (found == CACHE_MAKE)
        cache_set(c, key, clock, names, seconds, buf_str(value) + from, value->len - from);
    return 0;
}
