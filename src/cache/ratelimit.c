/* SPDX-License-Identifier: MIT */
#include "cache/ratelimit.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

#include "base/arena.h"
#include "cache/redis.h"

/* Tokens are kept in thousandths, so that a slow refill is not rounded away. */
static const char script[] =
    "local cap = tonumber(ARGV[1]) * 1000 "
    "local t = redis.call('TIME') "
    "local now = t[1] * 1000 + math.floor(t[2] / 1000) "
    "local b = redis.call('HMGET', KEYS[1], 'tokens', 'at') "
    "local tokens = tonumber(b[1]) or cap "
    "local at = tonumber(b[2]) or now "
    "tokens = math.min(cap, tokens + math.max(0, now - at) * cap / 60000) "
    "local ok = 0 "
    "if tokens >= 1000 then tokens = tokens - 1000 ok = 1 end "
    "redis.call('HSET', KEYS[1], 'tokens', tokens, 'at', now) "
    "redis.call('PEXPIRE', KEYS[1], 61000) "
    "local wait = 0 "
    "if ok == 0 then wait = math.ceil((1000 - tokens) * 60000 / cap) end "
    "return {ok, math.floor(tokens / 1000), math.ceil((cap - tokens) * 60000 / cap), wait}";

int ratelimit_take(struct redis *r, const char *name, int64_t per_minute, struct ratelimit *out,
                   struct err *err)
{
    AUTO_ARENA a = {0};
    AUTO_REPLY *reply = NULL;
    const char *argv[] = {
        arena_printf(&a, "%slimit:%s", redis_prefix(r), name),
        arena_printf(&a, "%lld", (long long)per_minute),
    };
    if (redis_script(r, &reply, err, script, 1, 2, argv) < 0)
        return -1;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 4)
        return err_set(err, ERR_INTERNAL, "Redis answered a rate limit with something else");
    *out = (struct ratelimit){
        .allowed = reply->element[0]->integer == 1,
        .limit = per_minute,
        .remaining = reply->element[1]->integer,
        .reset = (reply->element[2]->integer + 999) / 1000,
        .retry = (reply->element[3]->integer + 999) / 1000,
        .retry_ms = reply->element[3]->integer,
    };
    return 0;
}
