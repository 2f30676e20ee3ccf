/* SPDX-License-Identifier: MIT */
/* The cache on real PostgreSQL and Redis: nobody reads what is older than a write that has been
 * answered, whoever wrote it and however the writer ended. */
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "cache/cache.h"
#include "store/project.h"
#include "store/user.h"
#include "tests/rig.h"
#include "tests/tap.h"

enum { WORKERS = 4, WRITES = 150, READERS = 100 };

static struct arena arena;
static const char *url, *prefix; /* of all processes */

/* What one process has. */
struct process {
    struct pg *pg;
    struct redis *redis;
    struct cache cache;
    struct arena turn;
    const char *project;
};

static void open_process(struct process *p)
{
    struct redis_config config = {.host = "127.0.0.1",
                                  .port =
                                      strtoll(rig_variable("SLIPWAY_TEST_REDIS_PORT"), NULL, 10),
                                  .password = "",
                                  .prefix = prefix};
    p->pg = rig_pg(&arena, url);
    p->redis = redis_open(&config);
    cache_init(&p->cache, p->redis);
    cache_follow(&p->cache, p->pg);
}

static void close_process(struct process *p)
{
    pg_close(p->pg);
    cache_release(&p->cache);
    redis_close(p->redis);
    arena_release(&p->turn);
}

static struct process here;
static struct store_scope everything;

static const char *new_project(void)
{
    struct err err;
    static const char *owner;
    struct store_project out, in = {.id = uuid_new(&arena), .name = "0", .description = ""};
    if (!owner) {
        struct store_user user = {.id = uuid_new(&arena),
                                  .username = "anna",
                                  .email = "anna@example.com",
                                  .roles = "[\"owner\"]"};
        rig_must(store_user_create(here.pg, &arena, &user, false, &user, &err), &err);
        owner = user.id;
    }
    in.owner_id = owner;
    rig_must(store_project_insert(here.pg, &arena, &in, &out, &err), &err);
    return out.id;
}

/* The project's name out of PostgreSQL, counted in Redis. */
static int make(void *arg, struct buf *value, struct err *err)
{
    struct process *p = arg;
    struct store_project project;
    if (redis_cmd(p->redis, NULL, err, "INCR %smade:%s", redis_prefix(p->redis), p->project) < 0)
        return -1;
    if (store_project_get(p->pg, &p->turn, &everything, p->project, &project, NULL, err) < 0)
        return -1;
    buf_adds(value, project.name);
    return 0;
}

static int64_t made(const char *project)
{
    AUTO_REPLY *reply = NULL;
    struct err err;
    rig_must(
        redis_cmd(here.redis, &reply, &err, "GET %smade:%s", redis_prefix(here.redis), project),
        &err);
    return reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10) : 0;
}

static long read_name(struct process *p)
{
    AUTO_BUF value = {0};
    struct err err;
    const char *names[] = {"access", p->project, NULL};
    arena_reset(&p->turn);
    rig_must(cache_remember(&p->cache, p->project, names, 60, make, p, &value, &err), &err);
    return strtol(buf_str(&value), NULL, 10);
}

/* The name grows by one; returns what it is then. */
static long write_name(struct process *p)
{
    struct pg_rows rows;
    struct err err;
    arena_reset(&p->turn);
    rig_must(pg_begin(p->pg, &err), &err);
    rig_must(pg_run(p->pg, &p->turn,
                    "UPDATE projects SET name = (name::int + 1)::text WHERE id = $1 RETURNING name",
                    PG_PARAMS(PG_TEXT(p->project)), &rows, &err),
             &err);
    rig_must(pg_commit(p->pg, &err), &err);
    return strtol(pg_cell(&rows, 0, 0), NULL, 10);
}

static void a_warm_read_asks_redis_alone(void)
{
    here.project = new_project();
    CU_ASSERT_EQUAL(read_name(&here), 0);
    CU_ASSERT_EQUAL(made(here.project), 1);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(read_name(&here), 0);
    CU_ASSERT_EQUAL(made(here.project), 1);
    CU_ASSERT_EQUAL(write_name(&here), 1);
    CU_ASSERT_EQUAL(read_name(&here), 1);
    CU_ASSERT_EQUAL(made(here.project), 2);
    /* another project's change is nothing to this one */
    struct process other = here;
    other.project = new_project();
    CU_ASSERT_EQUAL(read_name(&here), 1);
    int64_t before = made(here.project);
    write_name(&other);
    CU_ASSERT_EQUAL(read_name(&here), 1);
    CU_ASSERT_EQUAL(made(here.project), before);
    here.turn = other.turn;
}

/* A child that runs RUN with connections of its own; its exit status says what was wrong. */
static pid_t child(int (*run)(struct process *p), const char *project)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct process p = {.project = project};
    open_process(&p);
    int rc = run(&p);
    close_process(&p);
    _exit(rc);
}

static int bad_children(const pid_t *pids, size_t n)
{
    int bad = 0;
    for (size_t i = 0; i < n; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        bad += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    return bad;
}

/* Notes in Redis what was committed and answered; nobody may then read less. */
static const char bump[] =
    "local old = tonumber(redis.call('GET', KEYS[1]) or '0') "
    "if tonumber(ARGV[1]) > old then redis.call('SET', KEYS[1], ARGV[1]) end "
    "return 1";

static int write_and_read(struct process *p)
{
    struct err err;
    const char *key = arena_printf(&arena, "%sfloor:%s", redis_prefix(p->redis), p->project);
    for (int i = 0; i < WRITES; i++) {
        if (i % 3 == 0) {
            long mine = write_name(p);
            const char *argv[] = {key, arena_printf(&arena, "%ld", mine)};
            if (read_name(p) < mine)
                return 1; /* its own write was not seen */
            if (redis_script(p->redis, NULL, &err, bump, 1, 2, argv) < 0)
                return 2;
        }
        AUTO_REPLY *floor_ = NULL;
        if (redis_cmd(p->redis, &floor_, &err, "GET %s", key) < 0)
            return 3;
        long least = floor_->type == REDIS_REPLY_STRING ? strtol(floor_->str, NULL, 10) : 0;
        if (read_name(p) < least)
            return 4; /* another's finished write was not seen */
    }
    return 0;
}

static void reads_follow_writes(void)
{
    pid_t pids[WORKERS];
    here.project = new_project();
    for (int i = 0; i < WORKERS; i++)
        pids[i] = child(write_and_read, here.project);
    CU_ASSERT_EQUAL(bad_children(pids, WORKERS), 0);
    CU_ASSERT_EQUAL(read_name(&here), WORKERS * WRITES / 3);
}

/* All at once: when everybody is connected. */
static int read_once(struct process *p)
{
    struct err err;
    struct redis *r = p->redis;
    const char *key = arena_printf(&arena, "%sready:%s", redis_prefix(r), p->project);
    if (pg_ping(p->pg, &err) < 0 || redis_cmd(r, NULL, &err, "INCR %s", key) < 0)
        return 2;
    int64_t end = time_monotonic() + 20000;
    for (long ready = 0; ready < READERS; time_sleep(5)) {
        AUTO_REPLY *reply = NULL;
        if (time_monotonic() > end)
            return 4;
        if (redis_cmd(r, &reply, &err, "GET %s", key) < 0)
            return 3;
        ready = strtol(reply->str, NULL, 10);
    }
    return read_name(p) == 0 ? 0 : 1;
}

static void a_hundred_readers_cost_one_query(void)
{
    pid_t pids[READERS];
    here.project = new_project();
    for (int i = 0; i < READERS; i++)
        pids[i] = child(read_once, here.project);
    CU_ASSERT_EQUAL(bad_children(pids, READERS), 0);
    CU_ASSERT_EQUAL(made(here.project), 1);
}

/* Ends the writer instead of its second mark: the commit is done by then. */
static int calls_left;
static void die(void *arg, const char *const *names, size_t n)
{
    if (--calls_left > 0)
        cache_invalidate(arg, names, n);
    else
        kill(getpid(), SIGKILL);
}

static int write_and_die(struct process *p)
{
    calls_left = 2; /* before the commit, and after it */
    pg_on_change(p->pg, die, &p->cache);
    write_name(p);
    return 0;
}

/* What is read as soon as the worker has heard of the commit. */
static long heard(struct process *worker)
{
    long name = 0;
    for (int i = 0; i < 200 && !name; i++) {
        cache_listen(&worker->cache, worker->pg);
        name = read_name(&here);
        time_sleep(10);
    }
    return name;
}

static void a_killed_writer_is_made_good(void)
{
    int status;
    struct process worker = {0};
    open_process(&worker);
    cache_listen(&worker.cache, worker.pg); /* as the worker's master does */
    here.project = new_project();
    cache_listen(&worker.cache, worker.pg);
    CU_ASSERT_EQUAL(read_name(&here), 0);

    pid_t pid = child(write_and_die, here.project);
    waitpid(pid, &status, 0);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CU_ASSERT_EQUAL(heard(&worker), 1);
    close_process(&worker);
}

/* The same with a reader that stores the old value after the writer's mark: only the notification
 * can help then. */
static struct process *bystander;
static void die_unmarked(void *arg, const char *const *names, size_t n)
{
    if (--calls_left > 0) {
        cache_invalidate(arg, names, n);
        read_name(bystander);
    } else {
        kill(getpid(), SIGKILL);
    }
}

static int write_unmarked(struct process *p)
{
    struct process reader = {.project = p->project};
    open_process(&reader);
    bystander = &reader;
    calls_left = 2;
    pg_on_change(p->pg, die_unmarked, &p->cache);
    write_name(p);
    return 0;
}

static void only_the_notification_helps(void)
{
    int status;
    struct process worker = {0};
    open_process(&worker);
    cache_listen(&worker.cache, worker.pg);
    here.project = new_project();
    cache_listen(&worker.cache, worker.pg);
    pid_t pid = child(write_unmarked, here.project);
    waitpid(pid, &status, 0);
    CU_ASSERT(WIFSIGNALED(status));
    CU_ASSERT_EQUAL(read_name(&here), 0); /* the danger is real: nobody has said it yet */
    CU_ASSERT_EQUAL(heard(&worker), 1);
    close_process(&worker);
}

static void a_lost_connection_counts_as_a_change(void)
{
    struct process worker = {0};
    struct err err;
    struct pg_rows rows;
    open_process(&worker);
    cache_listen(&worker.cache, worker.pg);
    here.project = new_project();
    CU_ASSERT_EQUAL(read_name(&here), 0);
    int64_t before = made(here.project);
    rig_must(pg_run(here.pg, &arena,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1",
                    PG_PARAMS(PG_INT(&arena, pg_backend(worker.pg))), &rows, &err),
             &err);
    for (int i = 0; i < 100 && made(here.project) == before; i++) {
        cache_listen(&worker.cache, worker.pg);
        read_name(&here);
        time_sleep(20);
    }
    CU_ASSERT(made(here.project) > before);
    close_process(&worker);
}

static void redis_away_is_slower_and_right(void)
{
    struct redis_config nowhere = {.host = "127.0.0.1", .port = 1, .password = "", .prefix = "x:"};
    here.project = new_project();
    CU_ASSERT_EQUAL(read_name(&here), 0); /* is in the cache now */
    struct redis *there = here.redis;
    here.cache.redis = redis_open(&nowhere);
    CU_ASSERT_EQUAL(read_name(&here), 0);
    CU_ASSERT_EQUAL(write_name(&here), 1);
    CU_ASSERT_EQUAL(read_name(&here), 1);
    redis_close(here.cache.redis);
    here.cache.redis = there;
    CU_ASSERT_EQUAL(read_name(&here), 1); /* what could not be invalidated is made up for */
    CU_ASSERT_EQUAL(write_name(&here), 2);
    rig_must(redis_cmd(there, NULL, &(struct err){0}, "FLUSHALL"), &(struct err){0});
    CU_ASSERT_EQUAL(read_name(&here), 2); /* its data gone */
}

static void changes_are_on_the_bus(void)
{
    AUTO_REPLY *reply = NULL;
    here.project = new_project();
    redisContext *ctx =
        redisConnect("127.0.0.1", (int)strtol(rig_variable("SLIPWAY_TEST_REDIS_PORT"), NULL, 10));
    CU_ASSERT_PTR_NOT_NULL_FATAL(ctx);
    freeReplyObject(
        redisCommand(ctx, "SUBSCRIBE %sbus:cache.invalidate", redis_prefix(here.redis)));
    write_name(&here);
    void *message = NULL;
    CU_ASSERT_EQUAL_FATAL(redisGetReply(ctx, &message), REDIS_OK);
    reply = message;
    CU_ASSERT_PTR_NOT_NULL(strstr(reply->element[2]->str, here.project));
    redisFree(ctx);
}

static const struct tap_test tests[] = {
    {"a warm read makes no query, a write is seen by the next read", a_warm_read_asks_redis_alone},
    {"4 processes that write and read see their own and each other's finished writes",
     reads_follow_writes},
    {"a hundred readers of one cold key cost one query", a_hundred_readers_cost_one_query},
    {"a writer killed before its last mark is made good by the notification",
     a_killed_writer_is_made_good},
    {"also when a reader kept the old value meanwhile", only_the_notification_helps},
    {"a listener that lost its connection takes everything as changed",
     a_lost_connection_counts_as_a_change},
    {"changes are published on the bus", changes_are_on_the_bus},
    {"Redis away is slower and right", redis_away_is_slower_and_right},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {{"cache", tests}, {NULL, NULL}};
    everything = (struct store_scope){.everything = true};
    url = rig_database(&arena);
    prefix = arena_printf(&arena, "test-%s:", rand_hex(&arena, 6));
    open_process(&here);
    int rc = tap_main(suites, argc, argv);
    close_process(&here);
    arena_release(&arena);
    return rc;
}
