/* SPDX-License-Identifier: MIT */
#include "queue/call.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "cache/redis.h"

enum {
    SLACK_MS = 2000,  /* what a command may take beyond the time that it blocks */
    NORMAL_MS = 2000, /* cache/redis.h: what a command may take */
    LIST_TTL_S = 60,  /* of requests that nobody serves */
};

static const char *asked_key(struct redis *r, struct arena *a)
{
    return arena_printf(a, "%scall:asked", redis_prefix(r));
}

static const char *reply_key(struct redis *r, struct arena *a, const char *id)
{
    return arena_printf(a, "%scall:reply:%s", redis_prefix(r), id);
}

static const char *number(struct arena *a, int64_t v)
{
    return arena_printf(a, "%lld", (long long)v);
}

/* KEYS: asked. ARGV: id, kind, arguments, ms to wait, most, seconds to live. Answers the entry, or
 * nothing when too many wait. */
static const char ask_script[] =
    "if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[5]) then return false end "
    "local t = redis.call('TIME') "
    "local deadline = t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[4]) "
    "local entry = string.format('%d', deadline)..' '..ARGV[1]..' '..ARGV[2]..'\\n'..ARGV[3] "
    "redis.call('RPUSH', KEYS[1], entry) "
    "redis.call('EXPIRE', KEYS[1], ARGV[6]) "
    "return entry";

static int unanswered(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "the worker does not answer; is slipway-worker running?");
}

static int put(struct redis *r, struct arena *a, const char *id, const char *kind,
               const char *arguments, int64_t wait_ms, const char **entry, struct err *err)
{
    const char *argv[] = {
        asked_key(r, a),      id, kind, arguments, number(a, wait_ms), number(a, CALL_WAITING_MAX),
        number(a, LIST_TTL_S)};
    AUTO_REPLY *reply = NULL;
    if (redis_script(r, &reply, err, ask_script, 1, ARRAY_LEN(argv), argv) < 0)
        return -1;
    if (reply->type != REDIS_REPLY_STRING)
        return err_set(err, ERR_UNAVAILABLE, "the worker has %d requests to answer already",
                       CALL_WAITING_MAX);
    *entry = arena_memdup(a, reply->str, reply->len);
    return 0;
}

/* A blocking pop of KEY. *out is NULL when nothing came in time. */
static int pop(struct redis *r, struct arena *a, const char *key, int64_t block_ms,
               const char **out, struct err *err)
{
    AUTO_REPLY *reply = NULL;
    *out = NULL;
    redis_set_timeout(r, block_ms + SLACK_MS);
    int rc = redis_cmd(r, &reply, err, "BLPOP %s %s", key,
                       arena_printf(a, "%.3f", (double)block_ms / 1000));
    redis_set_timeout(r, NORMAL_MS);
    if (rc < 0)
        return -1;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
        *out = arena_memdup(a, reply->element[1]->str, reply->element[1]->len);
    return 0;
}

/* "-CODE MESSAGE" */
static int refused(const char *answer, struct err *err)
{
    char *end;
    long code = strtol(answer + 1, &end, 10);
    if (*end != ' ' || code <= ERR_NONE || code > ERR_INTERNAL)
        return err_set(err, ERR_INTERNAL, "the worker's answer cannot be read");
    return err_set(err, (enum err_code)code, "%s", end + 1);
}

int call_ask(struct redis *r, struct arena *a, const char *kind, const char *arguments,
             int64_t wait_ms, const char **answer, struct err *err)
{
    const char *id = rand_hex(a, 16), *entry = NULL, *got = NULL;
    struct err ignored;
    if (strlen(arguments) > CALL_ARGUMENTS_MAX)
        return err_set(err, ERR_TOO_LARGE, "the arguments of %s are larger than %d bytes", kind,
                       CALL_ARGUMENTS_MAX);
    if (!wait_ms)
        wait_ms = CALL_WAIT_MS;
    if (put(r, a, id, kind, arguments, wait_ms, &entry, err) < 0 ||
        pop(r, a, reply_key(r, a, id), wait_ms, &got, err) < 0)
        return -1;
    if (!got) {
        /* nobody is to work on what nobody waits for */
        redis_cmd(r, NULL, &ignored, "LREM %s 1 %s", asked_key(r, a), entry);
        return unanswered(err);
    }
    if (*got != '+')
        return refused(got, err);
    *answer = got + 1;
    return 0;
}

static int redis_now(struct redis *r, int64_t *ms, struct err *err)
{
    AUTO_REPLY *reply = NULL;
    if (redis_cmd(r, &reply, err, "TIME") < 0)
        return -1;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return err_set(err, ERR_INTERNAL, "Redis did not say what time it is");
    *ms = atoll(reply->element[0]->str) * 1000 + atoll(reply->element[1]->str) / 1000;
    return 0;
}

/* "DEADLINE ID KIND\nARGUMENTS". False when it is none of ours. */
static bool read_entry(struct arena *a, const char *entry, struct call *out, int64_t *deadline)
{
    const char *end = strchr(entry, '\n');
    if (!end)
        return false;
    char **words = str_split(a, arena_memdup(a, entry, (size_t)(end - entry)), ' ');
    if (!words[0] || !words[1] || !words[2] || words[3] ||
        !str_to_int(words[0], 0, INT64_MAX, deadline) || !str_is_hex(words[1], 32, 32))
        return false;
    *out = (struct call){.id = words[1], .kind = words[2], .arguments = end + 1};
    return true;
}

int call_next(struct redis *r, struct arena *a, int64_t block_ms, bool *got, struct call *out,
              struct err *err)
{
    const char *entry;
    int64_t now = 0, deadline;
    *got = false;
    if (pop(r, a, asked_key(r, a), block_ms, &entry, err) < 0)
        return -1;
    if (!entry || !read_entry(a, entry, out, &deadline))
        return 0;
    if (redis_now(r, &now, err) < 0)
        return -1;
    out->left_ms = deadline - now;
    *got = out->left_ms > 0;
    return 0;
}

static int reply(struct redis *r, const struct call *c, const char *text, struct err *err)
{
    AUTO_ARENA a = {0};
    static const char script[] = "redis.call('RPUSH', KEYS[1], ARGV[1]) "
                                 "redis.call('PEXPIRE', KEYS[1], ARGV[2]) return 1";
    const char *argv[] = {reply_key(r, &a, c->id), text, number(&a, CALL_WAIT_MS)};
    return redis_script(r, NULL, err, script, 1, ARRAY_LEN(argv), argv);
}

int call_answer(struct redis *r, const struct call *c, const char *json, struct err *err)
{
    AUTO_ARENA a = {0};
    struct err why;
    if (strlen(json) <= CALL_REPLY_MAX)
        return reply(r, c, arena_printf(&a, "+%s", json), err);
    err_set(&why, ERR_INTERNAL, "the answer to %s is larger than %d bytes", c->kind,
            CALL_REPLY_MAX);
    return call_refuse(r, c, &why, err);
}

int call_refuse(struct redis *r, const struct call *c, const struct err *why, struct err *err)
{
    AUTO_ARENA a = {0};
    return reply(r, c, arena_printf(&a, "-%d %s", (int)why->code, why->msg), err);
}
