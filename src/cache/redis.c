/* SPDX-License-Identifier: MIT */
#include "cache/redis.h"

#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"

enum { RETRIES = 3, REST_MS = 1000, CONNECT_MS = 1000 };

struct redis {
    struct redis_config config;
    redisContext *ctx;
    int64_t timeout_ms;
    int64_t away_until; /* monotonic; commands fail at once until then */
};

struct redis *redis_open(const struct redis_config *config)
{
    struct redis *r = calloc(1, sizeof(*r));
    if (!r)
        base_oom(sizeof(*r));
    r->config = *config;
    r->timeout_ms = 2000;
    return r;
}

static void drop(struct redis *r)
{
    if (r->ctx)
        redisFree(r->ctx);
    r->ctx = NULL;
}

void redis_close(struct redis *r)
{
    if (!r)
        return;
    drop(r);
    free(r);
}

const char *redis_prefix(const struct redis *r)
{
    return r->config.prefix;
}

static struct timeval interval(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

void redis_set_timeout(struct redis *r, int64_t ms)
{
    r->timeout_ms = ms;
    if (r->ctx)
        redisSetTimeout(r->ctx, interval(ms));
}

static int away(struct redis *r, struct err *err)
{
    err_set(err, ERR_UNAVAILABLE, "Redis does not answer");
    err_detail(err, "%s:%lld: %s", r->config.host, (long long)r->config.port,
               r->ctx && r->ctx->err ? r->ctx->errstr : "no connection");
    return -1;
}

static int connect_now(struct redis *r, struct err *err)
{
    drop(r);
    r->ctx =
        r->config.host[0] == '/'
            ? redisConnectUnixWithTimeout(r->config.host, interval(CONNECT_MS))
            : redisConnectWithTimeout(r->config.host, (int)r->config.port, interval(CONNECT_MS));
    if (!r->ctx || r->ctx->err) {
        away(r, err);
        drop(r);
        return -1;
    }
    redisSetTimeout(r->ctx, interval(r->timeout_ms));
    if (str_empty(r->config.password))
        return 0;
    AUTO_REPLY *reply = redisCommand(r->ctx, "AUTH %s", r->config.password);
    if (reply && reply->type != REDIS_REPLY_ERROR)
        return 0;
    if (reply)
        err_set(err, ERR_UNAVAILABLE, "Redis refused the password");
    else
        away(r, err);
    drop(r);
    return -1;
}

/* A freshly started Redis that still reads its file, and a connection that was cut, are "away". */
static bool not_ready(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR &&
           (str_starts(reply->str, "LOADING") || str_starts(reply->str, "MASTERDOWN"));
}

static int send_formatted(struct redis *r, struct redisReply **out, struct err *err,
                          const char *text, size_t len)
{
    if (time_monotonic() < r->away_until)
        return away(r, err);
    for (int n = 0; n <= RETRIES; n++) {
        if (n)
            time_sleep(n * 50 < 2000 ? n * 50 : 2000);
        if (!r->ctx && connect_now(r, err) < 0)
            continue;
        void *got = NULL;
        if (redisAppendFormattedCommand(r->ctx, text, len) != REDIS_OK ||
            redisGetReply(r->ctx, &got) != REDIS_OK) {
            away(r, err);
            drop(r);
            continue;
        }
        AUTO_REPLY *reply = got;
        if (not_ready(reply)) {
            err_set(err, ERR_UNAVAILABLE, "Redis is still starting");
            continue;
        }
        if (reply->type == REDIS_REPLY_ERROR)
            return err_set(err, ERR_INTERNAL, "%s", reply->str);
        if (out) {
            *out = reply;
            reply = NULL;
        }
        return 0;
    }
    drop(r);
    r->away_until = time_monotonic() + REST_MS;
    return -1;
}

static void free_command(char **text)
{
    redisFreeCommand(*text);
}

int redis_cmd(struct redis *r, struct redisReply **reply, struct err *err, const char *fmt, ...)
{
    va_list ap;
    CLEANUP(free_command) char *text = NULL;
    va_start(ap, fmt);
    int len = redisvFormatCommand(&text, fmt, ap);
    va_end(ap);
    if (len < 0)
        BUG("bad Redis command '%s'", fmt);
    return send_formatted(r, reply, err, text, (size_t)len);
}

int redis_cmdv(struct redis *r, struct redisReply **reply, struct err *err, int argc,
               const char **argv)
{
    CLEANUP(free_command) char *text = NULL;
    int len = (int)redisFormatCommandArgv(&text, argc, argv, NULL);
    if (len < 0)
        BUG("bad Redis command '%s'", argv[0]);
    return send_formatted(r, reply, err, text, (size_t)len);
}

int redis_script(struct redis *r, struct redisReply **reply, struct err *err, const char *script,
                 int nkeys, int argc, const char **argv)
{
    const char *args[32] = {"EVAL", script};
    char count[16];
    if (argc + 3 > (int)ARRAY_LEN(args))
        BUG("a script with %d arguments", argc);
    count[0] = (char)('0' + nkeys);
    count[1] = '\0';
    args[2] = count;
    memcpy(args + 3, argv, sizeof(*argv) * (size_t)argc);
    return redis_cmdv(r, reply, err, argc + 3, args);
}

void redis_reply_free(struct redisReply **reply)
{
    if (*reply)
        freeReplyObject(*reply);
    *reply = NULL;
}

int redis_ping(struct redis *r, struct err *err)
{
    return redis_cmd(r, NULL, err, "PING");
}
