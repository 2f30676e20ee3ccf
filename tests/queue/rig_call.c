/* SPDX-License-Identifier: MIT */
/* Asking the worker and being answered, on a real Redis; run inside tests/rig. */
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "queue/call.h"
#include "tests/rig.h"
#include "tests/tap.h"

static struct arena arena;
static struct redis *redis;

static int64_t count(const char *command, const char *key)
{
    AUTO_REPLY *reply = NULL;
    struct err err;
    const char *argv[] = {command, arena_printf(&arena, "%s%s", redis_prefix(redis), key)};
    rig_must(redis_cmdv(redis, &reply, &err, 2, argv), &err);
    return reply->integer;
}

static void answer_one(struct redis *r, int64_t block_ms)
{
    AUTO_ARENA a = {0};
    struct call c;
    struct err err, why;
    bool got;
    rig_must(call_next(r, &a, block_ms, &got, &c, &err), &err);
    if (!got)
        return;
    if (str_eq(c.kind, "refuse")) {
        err_set(&why, ERR_NOT_FOUND, "there is no %s", c.arguments);
        rig_must(call_refuse(r, &c, &why, &err), &err);
    } else if (str_eq(c.kind, "huge")) {
        char *text = arena_alloc(&a, CALL_REPLY_MAX + 2);
        memset(text, ' ', CALL_REPLY_MAX + 1);
        text[CALL_REPLY_MAX + 1] = '\0';
        rig_must(call_answer(r, &c, text, &err), &err);
    } else {
        rig_must(call_answer(r, &c, arena_printf(&a, "[\"%s\",%s]", c.kind, c.arguments), &err),
                 &err);
    }
}

/* A process with a connection of its own that serves until it is killed. */
static pid_t serve(void)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    struct redis_config config = {.host = "127.0.0.1",
                                  .port = atoll(rig_variable("SLIPWAY_TEST_REDIS_PORT")),
                                  .password = "",
                                  .prefix = redis_prefix(redis)};
    struct redis *own = redis_open(&config);
    for (;;)
        answer_one(own, 200);
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void answered(void)
{
    const char *text;
    struct err err = {0};
    pid_t pid = serve();
    TAP_OK(call_ask(redis, &arena, "echo", "{\"a\":\"b\\nc\"}", 0, &text, &err), &err);
    TAP_STR(text, "[\"echo\",{\"a\":\"b\\nc\"}]");
    TAP_OK(call_ask(redis, &arena, "echo", "1", 0, &text, &err), &err);
    TAP_STR(text, "[\"echo\",1]");
    end(pid);
    CU_ASSERT_EQUAL(count("EXISTS", "call:asked"), 0);
}

static void refusals(void)
{
    const char *text;
    struct err err = {0};
    pid_t pid = serve();
    CU_ASSERT_EQUAL(call_ask(redis, &arena, "refuse", "\"web\"", 0, &text, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
    TAP_STR(err.msg, "there is no \"web\"");
    CU_ASSERT_EQUAL(call_ask(redis, &arena, "huge", "{}", 0, &text, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "larger than 1048576 bytes"));
    char *big = arena_alloc(&arena, CALL_ARGUMENTS_MAX + 2);
    memset(big, ' ', CALL_ARGUMENTS_MAX + 1);
    big[CALL_ARGUMENTS_MAX + 1] = '\0';
    CU_ASSERT_EQUAL(call_ask(redis, &arena, "echo", big, 0, &text, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_TOO_LARGE);
    end(pid);
}

static void nobody_there(void)
{
    const char *text;
    struct err err = {0};
    CU_ASSERT_EQUAL(call_ask(redis, &arena, "echo", "{}", 300, &text, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "worker does not answer"));
    CU_ASSERT_EQUAL(count("LLEN", "call:asked"), 0); /* and nobody will work on it */
    TAP_OK(redis_ping(redis, &err), &err);
}

/* Requests that a caller left behind when it died: served by nobody, and no answer is kept. */
static void late(void)
{
    struct err err = {0};
    const char *key = arena_printf(&arena, "%scall:asked", redis_prefix(redis));
    const char *id = "0123456789abcdef0123456789abcdef";
    rig_must(redis_cmd(redis, NULL, &err, "RPUSH %s %s", key,
                       arena_printf(&arena, "1000 %s echo\n{}", id)),
             &err);
    rig_must(redis_cmd(redis, NULL, &err, "RPUSH %s %s", key, "nonsense"), &err);
    answer_one(redis, 100);
    answer_one(redis, 100);
    CU_ASSERT_EQUAL(count("LLEN", "call:asked"), 0);
    CU_ASSERT_EQUAL(count("EXISTS", arena_printf(&arena, "call:reply:%s", id)), 0);
    struct call c = {.id = id, .kind = "echo"};
    TAP_OK(call_answer(redis, &c, "{}", &err), &err);
    int64_t ttl = count("PTTL", arena_printf(&arena, "call:reply:%s", id));
    CU_ASSERT(ttl > 0 && ttl <= CALL_WAIT_MS);
}

static void bounded(void)
{
    const char *text;
    struct err err = {0};
    const char *key = arena_printf(&arena, "%scall:asked", redis_prefix(redis));
    for (int i = 0; i < CALL_WAITING_MAX; i++)
        rig_must(redis_cmd(redis, NULL, &err, "RPUSH %s x", key), &err);
    CU_ASSERT_EQUAL(call_ask(redis, &arena, "echo", "{}", 0, &text, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "256 requests"));
    rig_must(redis_cmd(redis, NULL, &err, "DEL %s", key), &err);
}

static void redis_away(void)
{
    struct redis_config config = {.host = "127.0.0.1", .port = 1, .password = "", .prefix = "x:"};
    struct redis *gone = redis_open(&config);
    const char *text;
    struct err err = {0};
    CU_ASSERT_EQUAL(call_ask(gone, &arena, "echo", "{}", 0, &text, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_UNAVAILABLE);
    redis_close(gone);
}

static const struct tap_test tests[] = {
    {"a question gets its answer", answered},
    {"a refusal keeps its code and message; sizes are bounded", refusals},
    {"without a worker the caller is told so, and leaves nothing behind", nobody_there},
    {"what nobody waits for any more is dropped, and answers expire", late},
    {"too many unanswered requests are refused at once", bounded},
    {"Redis away is said to be unavailable", redis_away},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {{"call", tests}, {NULL, NULL}};
    redis = rig_redis(&arena);
    int rc = tap_main(suites, argc, argv);
    redis_close(redis);
    arena_release(&arena);
    return rc;
}
