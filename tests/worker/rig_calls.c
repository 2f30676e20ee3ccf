/* SPDX-License-Identifier: MIT */
/* The worker's process that answers requests, on a real Redis and PostgreSQL, and with an Engine
 * that takes connections and says nothing; run inside tests/rig. */
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "base/time.h"
#include "queue/call.h"
#include "tests/rig.h"
#include "tests/tap.h"
#include "worker/calls.h"

static struct arena arena;
static struct redis *redis;
static struct worker worker;

static struct redis *connection(void)
{
    struct redis_config config = {.host = "127.0.0.1",
                                  .port = worker.conf.redis_port,
                                  .password = "",
                                  .prefix = worker.conf.redis_prefix};
    return redis_open(&config);
}

/* A socket on which somebody listens and nobody answers. */
static const char *silent_engine(void)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/engine.sock", rig_variable("SLIPWAY_TEST_DIR"));
    unlink(sa.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 64) < 0)
        exit(99);
    return arena_printf(&arena, "unix://%s", sa.sun_path);
}

static pid_t serve(void)
{
    pid_t pid = fork();
    if (pid == 0)
        exit(calls_run(&worker, NULL));
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* A process that asks for a service's output and exits with the code of the refusal. */
static pid_t ask_for_logs(int64_t wait_ms)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    const char *text;
    struct err err = {0};
    struct redis *own = connection();
    int rc = call_ask(own, &arena, "service.logs",
                      "{\"application\":\"a\",\"service\":\"web\",\"tail\":1,\"since\":0}", wait_ms,
                      &text, &err);
    redis_close(own);
    exit(rc == 0 ? 0 : (int)err.code);
}

static void answers(void)
{
    const char *text;
    struct err err = {0};
    pid_t pid = serve();
    TAP_OK(call_ask(redis, &arena, "ping", "{}", 0, &text, &err), &err);
    TAP_STR(text, "{\"worker\":\"tester\"}");
    CU_ASSERT_EQUAL(call_ask(redis, &arena, "no.such", "{}", 0, &text, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(call_ask(redis, &arena, "service.logs", "{}", 0, &text, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_MALFORMED);
    CU_ASSERT_EQUAL(call_ask(redis, &arena, "ping", "not json", 0, &text, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_MALFORMED);
    end(pid);
}

/* Requests that hang hold up no other, and each is told so in time. */
static void hanging(void)
{
    enum { HANG = 5 };
    const char *text;
    struct err err = {0};
    pid_t pid = serve(), hung[HANG];
    int status;
    for (int i = 0; i < HANG; i++)
        hung[i] = ask_for_logs(4000);
    time_sleep(500);
    for (int i = 0; i < 3; i++)
        TAP_OK(call_ask(redis, &arena, "ping", "{}", 0, &text, &err), &err);
    for (int i = 0; i < HANG; i++)
        CU_ASSERT_EQUAL(waitpid(hung[i], &status, WNOHANG), 0); /* they still wait */
    for (int i = 0; i < HANG; i++) {
        CU_ASSERT_EQUAL(waitpid(hung[i], &status, 0), hung[i]);
        CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == ERR_UNAVAILABLE);
    }
    end(pid);
}

/* More than may run at once: they end by their deadlines, and then there is room again. */
static void crowded(void)
{
    enum { HANG = CALLS_AT_ONCE + 4 };
    const char *text;
    struct err err = {0};
    pid_t pid = serve(), hung[HANG];
    int status;
    for (int i = 0; i < HANG; i++)
        hung[i] = ask_for_logs(1500);
    for (int i = 0; i < HANG; i++) {
        CU_ASSERT_EQUAL(waitpid(hung[i], &status, 0), hung[i]);
        CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == ERR_UNAVAILABLE);
    }
    TAP_OK(call_ask(redis, &arena, "ping", "{}", 0, &text, &err), &err);
    end(pid);
}

static const struct tap_test tests[] = {
    {"requests are answered or refused by kind", answers},
    {"requests that hang hold up no other", hanging},
    {"a crowd of them ends, and there is room again", crowded},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {{"calls", tests}, {NULL, NULL}};
    redis = rig_redis(&arena);
    worker = (struct worker){
        .name = "tester",
        .conf = {.redis_host = "127.0.0.1",
                 .redis_port = strtoll(rig_variable("SLIPWAY_TEST_REDIS_PORT"), NULL, 10),
                 .redis_password = "",
                 .redis_prefix = redis_prefix(redis),
                 .docker_host = silent_engine(),
                 .database_url = rig_variable("SLIPWAY_TEST_DATABASE_URL")},
    };
    int rc = tap_main(suites, argc, argv);
    redis_close(redis);
    arena_release(&arena);
    return rc;
}
