/* SPDX-License-Identifier: MIT */
#include "queue/queue.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "cache/redis.h"

static const char *const lane_names[QUEUE_LANES] = {"rollback", "action", "build"};

static const char *lane_key(struct redis *r, struct arena *a, enum queue_lane lane)
{
    return arena_printf(a, "%sq:%s", redis_prefix(r), lane_names[lane]);
}

static const char *key(struct redis *r, struct arena *a, const char *name)
{
    return arena_printf(a, "%sq:%s", redis_prefix(r), name);
}

static const char *number(struct arena *a, int64_t v)
{
    return arena_printf(a, "%lld", (long long)v);
}

/* KEYS: lane stream, jobs, due. ARGV: kind, id, lane. The hash says where the job should be; it is
 * believed only when the job is there, so a half lost Redis does not swallow it. */
static const char put_script[] =
    "local name = ARGV[1]..':'..ARGV[2] "
    "local at = redis.call('HGET', KEYS[2], name) "
    "if at == 'due' then "
    "  if redis.call('ZSCORE', KEYS[3], ARGV[3]..' '..ARGV[1]..' '..ARGV[2]) then return 0 end "
    "elseif at and #redis.call('XRANGE', KEYS[1], at, at) > 0 then return 0 end "
    "local entry = redis.call('XADD', KEYS[1], '*', 'kind', ARGV[1], 'id', ARGV[2]) "
    "redis.call('HSET', KEYS[2], name, entry) "
    "return 1";

int queue_put(struct redis *r, enum queue_lane lane, const char *kind, const char *id,
              struct err *err)
{
    AUTO_ARENA a = {0};
    const char *argv[] = {lane_key(r, &a, lane), key(r, &a, "jobs"), key(r, &a, "due"), kind, id,
                          lane_names[lane]};
    return redis_script(r, NULL, err, put_script, 3, 6, argv);
}

/* KEYS: due, jobs, the lanes. ARGV: the prefix of lanes. Moves what is due. */
static const char due_script[] =
    "local t = redis.call('TIME') "
    "local now = t[1] * 1000 + math.floor(t[2] / 1000) "
    "for _, m in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)) do "
    "  local lane, kind, id = string.match(m, '^(%S+) (%S+) (%S+)$') "
    "  if lane then "
    "    local entry = redis.call('XADD', ARGV[1]..lane, '*', 'kind', kind, 'id', id) "
    "    redis.call('HSET', KEYS[2], kind..':'..id, entry) "
    "  end "
    "  redis.call('ZREM', KEYS[1], m) "
    "end "
    "return 1";

static int move_due(struct redis *r, struct err *err)
{
    AUTO_ARENA a = {0};
    const char *argv[] = {key(r, &a, "due"),
                          key(r, &a, "jobs"),
                          lane_key(r, &a, QUEUE_ROLLBACK),
                          lane_key(r, &a, QUEUE_ACTION),
                          lane_key(r, &a, QUEUE_BUILD),
                          key(r, &a, "")};
    return redis_script(r, NULL, err, due_script, 5, 6, argv);
}

static int make_groups(struct redis *r, struct err *err)
{
    AUTO_ARENA a = {0};
    for (int lane = 0; lane < QUEUE_LANES; lane++)
        if (redis_cmd(r, NULL, err, "XGROUP CREATE %s workers 0 MKSTREAM",
                      lane_key(r, &a, (enum queue_lane)lane)) < 0 &&
            !str_starts(err->msg, "BUSYGROUP"))
            return -1;
    return 0;
}

static bool lost_group(const struct err *err)
{
    return err->code == ERR_INTERNAL && str_starts(err->msg, "NOGROUP");
}

/* An entry [id, [field, value, …]] as a job; false when it is none of ours. */
static bool take_entry(struct arena *a, enum queue_lane lane, const redisReply *e,
                       struct queue_job *out)
{
    if (e->type != REDIS_REPLY_ARRAY || e->elements != 2)
        return false;
    *out = (struct queue_job){.lane = lane, .entry = arena_strdup(a, e->element[0]->str)};
    const redisReply *f = e->element[1];
    for (size_t i = 0; f->type == REDIS_REPLY_ARRAY && i + 1 < f->elements; i += 2) {
        if (str_eq(f->element[i]->str, "kind"))
            out->kind = arena_strdup(a, f->element[i + 1]->str);
        if (str_eq(f->element[i]->str, "id"))
            out->id = arena_strdup(a, f->element[i + 1]->str);
    }
    return out->kind && out->id;
}

/* The oldest entry of each lane in MASK, waiting up to BLOCK_MS; the first is taken, and where a
 * blocking read brought more, those go back. */
static int read_lanes(struct redis *r, struct arena *a, const char *consumer, unsigned mask,
                      int64_t block_ms, bool *got, struct queue_job *out, struct err *err)
{
    const char *argv[24] = {"XREADGROUP", "GROUP", "workers", consumer, "COUNT", "1"};
    int argc = 6;
    if (block_ms > 0) {
        argv[argc++] = "BLOCK";
        argv[argc++] = number(a, block_ms);
    }
    argv[argc++] = "STREAMS";
    enum queue_lane lanes[QUEUE_LANES];
    int n = 0;
    for (int lane = 0; lane < QUEUE_LANES; lane++)
        if (mask & 1U << lane)
            lanes[n++] = (enum queue_lane)lane;
    for (int i = 0; i < n; i++)
        argv[argc++] = lane_key(r, a, lanes[i]);
    for (int i = 0; i < n; i++)
        argv[argc++] = ">";
    AUTO_REPLY *reply = NULL;
    *got = false;
    if (redis_cmdv(r, &reply, err, argc, argv) < 0)
        return -1;
    if (reply->type != REDIS_REPLY_ARRAY)
        return 0;
    for (size_t s = 0; s < reply->elements; s++) {
        const redisReply *stream = reply->element[s];
        struct queue_job job;
        int i = 0;
        while (i < n && !str_eq(stream->element[0]->str, lane_key(r, a, lanes[i])))
            i++;
        if (i == n || !stream->element[1]->elements ||
            !take_entry(a, lanes[i], stream->element[1]->element[0], &job))
            continue;
        if (*got && queue_retry(r, &job, 0, err) < 0)
            return -1;
        if (!*got)
            *out = job;
        *got = true;
    }
    return 0;
}

/* The first job by priority, without waiting. */
static int take_now(struct redis *r, struct arena *a, const char *consumer, unsigned mask,
                    bool *got, struct queue_job *out, struct err *err)
{
    *got = false;
    for (int lane = 0; lane < QUEUE_LANES && !*got; lane++)
        if (mask & 1U << lane && read_lanes(r, a, consumer, 1U << lane, 0, got, out, err) < 0)
            return -1;
    return 0;
}

int queue_take(struct redis *r, struct arena *a, const char *consumer, unsigned mask,
               int64_t block_ms, bool *got, struct queue_job *out, struct err *err)
{
    *got = false;
    int rc = move_due(r, err);
    if (rc == 0)
        rc = take_now(r, a, consumer, mask, got, out, err);
    if (rc < 0 && lost_group(err)) {
        if (make_groups(r, err) < 0)
            return -1;
        rc = take_now(r, a, consumer, mask, got, out, err);
    }
    if (rc < 0 || *got || block_ms <= 0)
        return rc;
    rc = read_lanes(r, a, consumer, mask, block_ms, got, out, err);
    if (rc < 0 && lost_group(err))
        return make_groups(r, err);
    return rc;
}

int queue_reclaim(struct redis *r, struct arena *a, const char *consumer, int64_t idle_ms,
                  bool *got, struct queue_job *out, struct err *err)
{
    *got = false;
    for (int lane = 0; lane < QUEUE_LANES && !*got; lane++) {
        AUTO_REPLY *reply = NULL;
        if (redis_cmd(r, &reply, err, "XAUTOCLAIM %s workers %s %s 0-0 COUNT 1",
                      lane_key(r, a, (enum queue_lane)lane), consumer, number(a, idle_ms)) < 0) {
            if (!lost_group(err))
                return -1;
            return make_groups(r, err);
        }
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements >= 2 && reply->element[1]->elements)
            *got = take_entry(a, (enum queue_lane)lane, reply->element[1]->element[0], out);
    }
    return 0;
}

int queue_resume(struct redis *r, const char *consumer, struct err *err)
{
    AUTO_ARENA a = {0};
    for (int lane = 0; lane < QUEUE_LANES; lane++) {
        AUTO_REPLY *reply = NULL;
        if (redis_cmd(r, &reply, err, "XREADGROUP GROUP workers %s COUNT 1000 STREAMS %s 0",
                      consumer, lane_key(r, &a, (enum queue_lane)lane)) < 0) {
            if (!lost_group(err) || make_groups(r, err) < 0)
                return -1;
            continue;
        }
        if (reply->type != REDIS_REPLY_ARRAY || !reply->elements)
            continue;
        const redisReply *entries = reply->element[0]->element[1];
        for (size_t i = 0; i < entries->elements; i++) {
            struct queue_job job;
            if (take_entry(&a, (enum queue_lane)lane, entries->element[i], &job) &&
                queue_retry(r, &job, 0, err) < 0)
                return -1;
        }
    }
    return 0;
}

int queue_heartbeat(struct redis *r, const char *consumer, const struct queue_job *job,
                    struct err *err)
{
    AUTO_ARENA a = {0};
    if (redis_cmd(r, NULL, err, "XCLAIM %s workers %s 0 %s JUSTID", lane_key(r, &a, job->lane),
                  consumer, job->entry) == 0 ||
        lost_group(err))
        return 0;
    return -1;
}

/* KEYS: lane stream, jobs, due. ARGV: entry, kind, id, lane, delay (ms; negative: done). */
static const char end_script[] =
    "redis.pcall('XACK', KEYS[1], 'workers', ARGV[1]) "
    "redis.call('XDEL', KEYS[1], ARGV[1]) "
    "local name, delay = ARGV[2]..':'..ARGV[3], tonumber(ARGV[5]) "
    "local at = redis.call('HGET', KEYS[2], name) "
    "if at and at ~= ARGV[1] then return 0 end "
    "if delay < 0 then redis.call('HDEL', KEYS[2], name) return 1 end "
    "local t = redis.call('TIME') "
    "redis.call('ZADD', KEYS[3], t[1] * 1000 + math.floor(t[2] / 1000) + delay, "
    "  ARGV[4]..' '..ARGV[2]..' '..ARGV[3]) "
    "redis.call('HSET', KEYS[2], name, 'due') "
    "return 1";

static int end_job(struct redis *r, const struct queue_job *job, int64_t delay_ms, struct err *err)
{
    AUTO_ARENA a = {0};
    const char *argv[] = {lane_key(r, &a, job->lane),
                          key(r, &a, "jobs"),
                          key(r, &a, "due"),
                          job->entry,
                          job->kind,
                          job->id,
                          lane_names[job->lane],
                          number(&a, delay_ms)};
    return redis_script(r, NULL, err, end_script, 3, 8, argv);
}

int queue_done(struct redis *r, const struct queue_job *job, struct err *err)
{
    return end_job(r, job, -1, err);
}

int queue_retry(struct redis *r, const struct queue_job *job, int64_t delay_ms, struct err *err)
{
    return end_job(r, job, delay_ms < 0 ? 0 : delay_ms, err);
}

int64_t queue_backoff(int64_t n, int64_t base_ms, int64_t max_ms)
{
    int64_t wait = base_ms;
    for (int64_t i = 1; i < n && wait < max_ms; i++)
        wait *= 2;
    if (wait > max_ms)
        wait = max_ms;
    return wait / 2 + (int64_t)rand_below((uint64_t)(wait / 2 + 1));
}

int queue_depth(struct redis *r, struct queue_depth *out, struct err *err)
{
    AUTO_ARENA a = {0};
    *out = (struct queue_depth){0};
    for (int lane = 0; lane < QUEUE_LANES; lane++) {
        const char *k = lane_key(r, &a, (enum queue_lane)lane);
        AUTO_REPLY *len = NULL, *pending = NULL;
        if (redis_cmd(r, &len, err, "XLEN %s", k) < 0)
            return -1;
        int64_t taken = 0;
        if (redis_cmd(r, &pending, err, "XPENDING %s workers", k) == 0)
            taken = pending->element[0]->integer;
        else if (!lost_group(err))
            return -1;
        out->waiting[lane] = len->integer - taken;
        out->running += taken;
    }
    AUTO_REPLY *due = NULL;
    if (redis_cmd(r, &due, err, "ZCARD %s", key(r, &a, "due")) < 0)
        return -1;
    out->due = due->integer;
    return 0;
}
