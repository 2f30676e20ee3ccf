/* SPDX-License-Identifier: MIT */
/* The queue, rate limits and sessions on a real Redis; run inside tests/rig. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/password.h"
#include "auth/session.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "cache/ratelimit.h"
#include "queue/queue.h"
#include "tests/rig.h"
#include "tests/tap.h"

static struct arena arena;
static struct redis *redis;

static void fresh(void)
{
    redis_close(redis);
    redis = rig_redis(&arena);
}

static bool take(const char *consumer, unsigned mask, struct queue_job *job)
{
    struct err err;
    bool got = false;
    rig_must(queue_take(redis, &arena, consumer, mask, 0, &got, job, &err), &err);
    return got;
}

static void put(enum queue_lane lane, const char *id)
{
    struct err err;
    rig_must(queue_put(redis, lane, "deploy", id, &err), &err);
}

static void priorities(void)
{
    struct queue_job job;
    fresh();
    CU_ASSERT_FALSE(take("a", QUEUE_ALL, &job));
    put(QUEUE_BUILD, "b1");
    put(QUEUE_BUILD, "b2");
    put(QUEUE_ROLLBACK, "r1");
    CU_ASSERT(take("a", QUEUE_ALL, &job));
    TAP_STR(job.id, "r1");
    CU_ASSERT_FALSE(take("a", 1U << QUEUE_ROLLBACK, &job));
    CU_ASSERT(take("a", QUEUE_ALL, &job));
    TAP_STR(job.id, "b1");
    TAP_STR(job.kind, "deploy");
    CU_ASSERT(take("b", QUEUE_ALL, &job));
    TAP_STR(job.id, "b2");
    CU_ASSERT_FALSE(take("b", QUEUE_ALL, &job));
}

static void once(void)
{
    struct err err;
    struct queue_job job;
    fresh();
    put(QUEUE_BUILD, "x");
    put(QUEUE_BUILD, "x");
    CU_ASSERT(take("a", QUEUE_ALL, &job));
    put(QUEUE_BUILD, "x"); /* it runs: no second one */
    struct queue_job other;
    CU_ASSERT_FALSE(take("a", QUEUE_ALL, &other));
    TAP_OK(queue_done(redis, &job, &err), &err);
    put(QUEUE_BUILD, "x"); /* it ended: a new one may come */
    CU_ASSERT(take("a", QUEUE_ALL, &other));
}

static void later(void)
{
    struct err err;
    struct queue_job job;
    fresh();
    put(QUEUE_BUILD, "x");
    CU_ASSERT(take("a", QUEUE_ALL, &job));
    TAP_OK(queue_retry(redis, &job, 300, &err), &err);
    put(QUEUE_BUILD, "x"); /* it waits for its time: no second one */
    CU_ASSERT_FALSE(take("a", QUEUE_ALL, &job));
    struct queue_depth d;
    TAP_OK(queue_depth(redis, &d, &err), &err);
    CU_ASSERT(d.due == 1 && d.running == 0 && d.waiting[QUEUE_BUILD] == 0);
    time_sleep(350);
    CU_ASSERT(take("a", QUEUE_ALL, &job));
    TAP_STR(job.id, "x");
}

static void dead_consumers(void)
{
    struct err err;
    struct queue_job job, again;
    bool got = true;
    fresh();
    put(QUEUE_BUILD, "x");
    CU_ASSERT(take("dead", QUEUE_ALL, &job));
    TAP_OK(queue_reclaim(redis, &arena, "b", 200, &got, &again, &err), &err);
    CU_ASSERT_FALSE(got);
    time_sleep(250);
    TAP_OK(queue_heartbeat(redis, "dead", &job, &err), &err); /* it lives after all */
    TAP_OK(queue_reclaim(redis, &arena, "b", 200, &got, &again, &err), &err);
    CU_ASSERT_FALSE(got);
    time_sleep(250);
    TAP_OK(queue_reclaim(redis, &arena, "b", 200, &got, &again, &err), &err);
    CU_ASSERT_TRUE_FATAL(got);
    TAP_STR(again.id, "x");
    TAP_OK(queue_done(redis, &again, &err), &err);
}

static void resumes(void)
{
    struct err err;
    struct queue_job job;
    fresh();
    put(QUEUE_BUILD, "x");
    put(QUEUE_ACTION, "y");
    CU_ASSERT(take("me", QUEUE_ALL, &job));
    CU_ASSERT(take("me", QUEUE_ALL, &job));
    /* the process ends here; the next one of the same name begins */
    TAP_OK(queue_resume(redis, "me", &err), &err);
    CU_ASSERT(take("me", QUEUE_ALL, &job));
    TAP_STR(job.id, "y");
    CU_ASSERT(take("me", QUEUE_ALL, &job));
    TAP_STR(job.id, "x");
    CU_ASSERT_FALSE(take("me", QUEUE_ALL, &job));
}

static void loses_everything(void)
{
    struct err err;
    struct queue_job job;
    fresh();
    put(QUEUE_BUILD, "x");
    CU_ASSERT(take("a", QUEUE_ALL, &job));
    AUTO_ARENA a = {0};
    for (int i = 0; i < 5; i++) {
        static const char *const keys[] = {"q:build", "q:action", "q:rollback", "q:jobs", "q:due"};
        rig_must(redis_cmd(redis, NULL, &err, "DEL %s",
                           arena_printf(&a, "%s%s", redis_prefix(redis), keys[i])),
                 &err);
    }
    TAP_OK(queue_heartbeat(redis, "a", &job, &err), &err);
    TAP_OK(queue_done(redis, &job, &err), &err);
    CU_ASSERT_FALSE(take("a", QUEUE_ALL, &job));
    put(QUEUE_BUILD, "y");
    CU_ASSERT(take("a", QUEUE_ALL, &job));
    /* only the stream is lost: the note that the job is there is not believed */
    rig_must(redis_cmd(redis, NULL, &err, "DEL %sq:build", redis_prefix(redis)), &err);
    put(QUEUE_BUILD, "y");
    CU_ASSERT(take("a", QUEUE_ALL, &job));
}

static void back_off(void)
{
    for (int n = 1; n < 20; n++) {
        int64_t full = 500LL << (n - 1 < 10 ? n - 1 : 10);
        full = full > 30000 ? 30000 : full;
        for (int i = 0; i < 20; i++) {
            int64_t wait = queue_backoff(n, 500, 30000);
            CU_ASSERT(wait >= full / 2 && wait <= full);
        }
    }
}

static void limits(void)
{
    struct err err;
    struct ratelimit l;
    fresh();
    for (int i = 0; i < 60; i++) {
        TAP_OK(ratelimit_take(redis, "x", 60, &l, &err), &err);
        CU_ASSERT(l.allowed && l.limit == 60 && l.retry == 0);
    }
    TAP_OK(ratelimit_take(redis, "x", 60, &l, &err), &err);
    CU_ASSERT_FALSE(l.allowed);
    CU_ASSERT(l.remaining == 0 && l.retry == 1 && l.reset >= 59 && l.reset <= 60);
    TAP_OK(ratelimit_take(redis, "y", 60, &l, &err), &err);
    CU_ASSERT(l.allowed && l.remaining == 59); /* another bucket */
    time_sleep(1100);
    TAP_OK(ratelimit_take(redis, "x", 60, &l, &err), &err);
    CU_ASSERT(l.allowed); /* a token a second */
}

static void away(void)
{
    struct err err;
    struct redis_config nowhere = {.host = "127.0.0.1", .port = 1, .password = "", .prefix = "x"};
    struct redis *r = redis_open(&nowhere);
    CU_ASSERT_EQUAL(redis_ping(r, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_UNAVAILABLE);
    CU_ASSERT_EQUAL(queue_put(r, QUEUE_BUILD, "deploy", "x", &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_UNAVAILABLE);
    redis_close(r);
}

static void sessions(void)
{
    struct err err;
    struct keyring keys = {.has_session = true};
    struct store_user in = {.id = uuid_new(&arena),
                            .username = "anna",
                            .email = "anna@example.com",
                            .roles = "[\"developer\"]"},
                      user;
    const char *token;
    struct session s, found;
    fresh();
    rand_bytes(keys.session, KEY_SIZE);
    struct pg *pg = rig_pg(&arena, rig_database(&arena));
    struct session_deps deps = {.pg = pg, .redis = redis, .keys = &keys};
    rig_must(password_hash(&arena, "correct horse", &in.password_hash, &err), &err);
    CU_ASSERT(str_starts(in.password_hash, "$argon2id$v=19$m=19456,t=2,p=1$"));
    bool right;
    TAP_OK(password_verify("correct horse", in.password_hash, &right, &err), &err);
    CU_ASSERT(right);
    TAP_OK(password_verify("wrong horse", in.password_hash, &right, &err), &err);
    CU_ASSERT_FALSE(right);
    TAP_OK(password_verify("x", NULL, &right, &err), &err);
    CU_ASSERT_FALSE(right);
    rig_must(store_user_create(pg, &arena, &in, false, &user, &err), &err);
    TAP_OK(session_create(&deps, &arena, &user, "::1", "agent", &s, &token, &err), &err);
    TAP_OK(session_find(&deps, &arena, token, &found, &err), &err); /* from Redis */
    TAP_STR(found.user.username, "anna");
    CU_ASSERT_EQUAL(found.role, 2);
    TAP_STR(found.csrf, s.csrf);
    CU_ASSERT(session_csrf_ok(&found, s.csrf));
    CU_ASSERT_FALSE(session_csrf_ok(&found, NULL));
    rig_must(redis_cmd(redis, NULL, &err, "DEL %ssession:%s", redis_prefix(redis), s.row.id), &err);
    TAP_OK(session_find(&deps, &arena, token, &found, &err), &err); /* from PostgreSQL */
    TAP_STR(found.user.email, "anna@example.com");
    TAP_OK(session_end(&deps, &arena, s.row.id, &err), &err);
    CU_ASSERT_EQUAL(session_find(&deps, &arena, token, &found, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_UNAUTHORIZED);
    /* PostgreSQL alone says the same when Redis has forgotten */
    rig_must(redis_cmd(redis, NULL, &err, "DEL %ssession:%s", redis_prefix(redis), s.row.id), &err);
    CU_ASSERT_EQUAL(session_find(&deps, &arena, token, &found, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_UNAUTHORIZED);
    keys.session[0] ^= 1; /* a token that another key signed */
    TAP_OK(session_create(&deps, &arena, &user, "::1", "agent", &s, &token, &err), &err);
    keys.session[0] ^= 1;
    CU_ASSERT_EQUAL(session_find(&deps, &arena, token, &found, &err), -1);
    pg_close(pg);
}

static const struct tap_test tests[] = {
    {"rollbacks come before builds, and each lane in order", priorities},
    {"a job is on the queue once", once},
    {"a retry waits for its time", later},
    {"a dead consumer's job is another's, a living one's is not", dead_consumers},
    {"a consumer that starts again gets back what it had", resumes},
    {"Redis may lose everything", loses_everything},
    {"waits grow, are bounded and jitter", back_off},
    {"a bucket empties and fills", limits},
    {"Redis away is said to be unavailable", away},
    {"sessions live in both, and end in both", sessions},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {{"queue", tests}, {NULL, NULL}};
    int rc = tap_main(suites, argc, argv);
    redis_close(redis);
    arena_release(&arena);
    return rc;
}
