/* SPDX-License-Identifier: MIT */
/*
 * The Cache Client: one connection to Redis a process, over hiredis.
 *
 * A command that fails because the connection is gone is repeated up to three times, after
 * min(n × 50, 2000) ms each. When Redis stays away, commands fail at once for a second before it
 * is tried again, so that a request does not pay for each of its commands.
 */
#ifndef SLIPWAY_CACHE_REDIS_H
#define SLIPWAY_CACHE_REDIS_H

#include "base/err.h"

struct redis;
struct redisReply; /* hiredis's */

struct redis_config {
    const char *host; /* a name, an address, or the path of a unix socket */
    int64_t port;
    const char *password; /* "" for none */
    const char *prefix;   /* what every key starts with */
};

/* Never fails: connects at the first command. The strings must outlive it. */
struct redis *redis_open(const struct redis_config *config);
void redis_close(struct redis *r);

const char *redis_prefix(const struct redis *r);

/* How long a command may take; 2 s unless set. A blocking command needs more than it blocks. */
void redis_set_timeout(struct redis *r, int64_t ms);

/* Runs a command in hiredis's format (%s, %b, %lld). The caller frees *reply (redis_reply_free);
 * REPLY may be NULL. ERR_UNAVAILABLE: Redis is away. ERR_INTERNAL: Redis answered with an error,
 * whose text is the message. */
int redis_cmd(struct redis *r, struct redisReply **reply, struct err *err, const char *fmt, ...);
int redis_cmdv(struct redis *r, struct redisReply **reply, struct err *err, int argc,
               const char **argv);

/* Runs a Lua script atomically (EVAL). The first NKEYS of ARGV are keys. At most 29 arguments. */
int redis_script(struct redis *r, struct redisReply **reply, struct err *err, const char *script,
                 int nkeys, int argc, const char **argv);

void redis_reply_free(struct redisReply **reply);
#define AUTO_REPLY CLEANUP(redis_reply_free) struct redisReply

int redis_ping(struct redis *r, struct err *err);

#endif
