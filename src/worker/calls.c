/* SPDX-License-Identifier: MIT */
#include "worker/calls.h"

#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/json.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "cache/redis.h"
#include "deploy/secrets.h"
#include "deploy/spec.h"
#include "docker/logs.h"
#include "docker/service.h"
#include "queue/call.h"
#include "store/database.h"
#include "worker/child.h"
#include "worker/tools.h"

enum {
    BLOCK_MS = 1000,
    AWAY_MS = 1000,  /* before Redis is asked again */
    MARGIN_MS = 300, /* of the deadline, for the way of the answer */
    LEAST_MS = 100,
    TAIL_MAX = 10000,
    TAIL_MORE = 64, /* a task's two streams are not kept in the order of their times */
};

/* What answers a request: the JSON goes into OUT. */
struct request {
    struct worker *w;
    struct tools *tools;
    struct arena *arena;
    struct json_object *in;
    int64_t until; /* monotonic */
    struct buf *out;
};

/* ---- the kinds */

static int ping(struct request *r, struct err *err)
{
    struct jw w;
    (void)err;
    jw_init(&w, r->out);
    jw_begin(&w);
    jw_kstr(&w, "worker", r->w->name);
    jw_end(&w);
    return 0;
}

static const char *task_name(struct arena *a, const struct docker_tasks *tasks, const char *service,
                             const char *id)
{
    for (size_t i = 0; i < tasks->n; i++)
        if (str_eq(tasks->items[i].id, id))
            return arena_printf(a, "%s.%lld", service, (long long)tasks->items[i].slot);
    return id;
}

static char *entry_json(struct request *r, const struct docker_entry *e, const char *service,
                        const struct docker_tasks *tasks, const struct docker_nodes *nodes,
                        const struct secrets *secrets)
{
    const struct docker_node *node = docker_node_find(nodes, e->node_id);
    int64_t at = 0;
    AUTO_BUF text = {0};
    struct jw w;
    time_parse(e->at, &at);
    jw_init(&w, &text);
    jw_begin(&w);
    jw_ktime(&w, "at", at);
    jw_kstr(&w, "task", task_name(r->arena, tasks, service, e->task_id));
    jw_kstr(&w, "node", node ? node->hostname : e->node_id);
    jw_kstr(&w, "stream", e->stream);
    jw_kstr(&w, "text", secrets_mask(r->arena, secrets, e->text));
    jw_end(&w);
    return buf_dup(&text, r->arena);
}

/* The newest entries that fit into an answer, in their order. */
static int write_entries(struct request *r, const char *service, int64_t tail,
                         const struct docker_entries *all, const struct secrets *secrets,
                         struct err *err)
{
    struct docker_tasks tasks;
    struct docker_nodes nodes;
    size_t n = 0, bytes = 2;
    size_t most = all->n < (size_t)tail ? all->n : (size_t)tail;
    if (docker_task_list(&r->tools->docker, r->arena, service, &tasks, err) < 0 ||
        docker_node_list(&r->tools->docker, r->arena, &nodes, err) < 0)
        return -1;
    char **texts = ARENA_ARRAY(r->arena, most + 1, char *);
    for (; n < most; n++) {
        texts[n] = entry_json(r, &all->list[all->n - 1 - n], service, &tasks, &nodes, secrets);
        bytes += strlen(texts[n]) + 1;
        if (bytes > CALL_REPLY_MAX)
            break;
    }
    struct jw w;
    jw_init(&w, r->out);
    jw_begin_array(&w);
    while (n)
        jw_raw(&w, texts[--n]);
    jw_end_array(&w);
    return 0;
}

/* Whether there is a service of that name that is the application's. */
static int is_there(struct request *r, const char *service, const char *app_id, bool *there,
                    struct err *err)
{
    AUTO_JSON *o = NULL;
    struct err problem;
    *there = false;
    if (docker_service_inspect(&r->tools->docker, service, &o, &problem) < 0) {
        if (problem.code == ERR_NOT_FOUND)
            return 0;
        *err = problem;
        return -1;
    }
    *there = str_eq(json_str_at(o, "Spec/Labels/" SPEC_LABEL_APPLICATION), app_id);
    return 0;
}

static int service_logs(struct request *r, struct err *err)
{
    const char *service = json_str_at(r->in, "service");
    const char *app_id = json_str_at(r->in, "application");
    int64_t tail = json_int_at(r->in, "tail", 100), since = json_int_at(r->in, "since", 0);
    struct docker_entries all;
    struct err problem;
    struct store_env_list env;
    struct secrets secrets;
    bool there;
    if (str_empty(service) || str_empty(app_id) || tail < 1 || tail > TAIL_MAX || since < 0)
        return err_set(err, ERR_MALFORMED, "the arguments of service.logs cannot be read");
    if (is_there(r, service, app_id, &there, err) < 0 ||
        secrets_read_env(r->tools->pg, &r->w->keys, r->arena, app_id, &env, err) < 0)
        return -1;
    secrets_learn(r->arena, &env, &secrets);
    if (!there) {
        buf_adds(r->out, "[]");
        return 0;
    }
    if (docker_service_logs(&r->tools->docker, r->arena, service, tail + TAIL_MORE, since,
                            r->until - time_monotonic(), &all, &problem) < 0) {
        if (problem.code != ERR_NOT_FOUND) {
            *err = problem;
            return -1;
        }
        all = (struct docker_entries){0}; /* it went away this moment */
    }
    return write_entries(r, service, tail, &all, &secrets, err);
}

/* Whoever asks has checked the permission and written it down. */
static int database_password(struct request *r, struct err *err)
{
    const char *id = json_str_at(r->in, "id");
    struct store_database d;
    const void *sealed;
    size_t n;
    char *password;
    struct jw w;
    if (!id || !uuid_valid(id))
        return err_set(err, ERR_INVALID, "the request names no database");
    if (store_database_secret(r->tools->pg, r->arena, id, &d, &sealed, &n, err) < 0 ||
        secret_open(&r->w->keys, r->arena, id, sealed, n, &password, err) < 0)
        return -1;
    jw_init(&w, r->out);
    jw_begin(&w);
    jw_kstr(&w, "password", password);
    jw_end(&w);
    return 0;
}

static const struct {
    const char *name;
    int (*serve)(struct request *r, struct err *err);
} kinds[] = {
    {"database.password", database_password},
    {"ping", ping},
    {"service.logs", service_logs},
};

/* ---- serving */

static int serve(struct request *r, const struct call *c, struct err *err)
{
    if (json_parse(c->arguments, strlen(c->arguments), &r->in, err) < 0 ||
        tools_open(r->w, r->tools, "slipway-call", err) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(kinds[i].name, c->kind))
            return kinds[i].serve(r, err);
    return err_set(err, ERR_NOT_FOUND, "there is no kind of request '%.100s'", c->kind);
}

/* The whole life of a request's process; ARG is its struct call. */
static int serve_one(struct worker *w, void *arg)
{
    const struct call *c = arg;
    AUTO_ARENA a = {0};
    AUTO_BUF out = {0};
    struct tools tools = {0};
    struct err err, ignored;
    int64_t left = c->left_ms - MARGIN_MS < LEAST_MS ? LEAST_MS : c->left_ms - MARGIN_MS;
    struct itimerval end = {
        .it_value = {.tv_sec = c->left_ms / 1000, .tv_usec = c->left_ms % 1000 * 1000}};
    setitimer(ITIMER_REAL, &end, NULL); /* SIGALRM ends the process */
    log_context(arena_printf(&a, "call=%.40s", c->kind));
    struct redis *redis = tools_redis(w);
    struct request r = {
        .w = w, .tools = &tools, .arena = &a, .until = time_monotonic() + left, .out = &out};
    int rc = serve(&r, c, &err);
    if (rc < 0)
        log_err(LOG_LEVEL_WARN, "could not answer", &err);
    if ((rc == 0 ? call_answer(redis, c, buf_str(&out), &ignored)
                 : call_refuse(redis, c, &err, &ignored)) < 0)
        log_err(LOG_LEVEL_WARN, "could not send an answer", &ignored);
    json_release(&r.in);
    tools_close(&tools);
    redis_close(redis);
    return 0;
}

/* Waits for a process to end when CALLS_AT_ONCE run. Each ends by its deadline. */
static void make_room(int *running)
{
    while (*running > 0 && waitpid(-1, NULL, *running < CALLS_AT_ONCE ? WNOHANG : 0) > 0)
        (*running)--;
}

int calls_run(struct worker *w, void *arg)
{
    (void)arg;
    AUTO_ARENA a = {0};
    struct redis *redis = tools_redis(w);
    struct call c;
    struct err err;
    int running = 0, none[] = {-1};
    bool got, away = false;
    while (!job_asked_to_stop()) {
        arena_reset(&a);
        int rc = call_next(redis, &a, BLOCK_MS, &got, &c, &err);
        if (rc < 0 && !away)
            log_err(LOG_LEVEL_WARN, "could not look for requests", &err);
        away = rc < 0;
        if (rc < 0)
            time_sleep(AWAY_MS);
        else if (got && child_start(w, "slipway-call", serve_one, &c, none) > 0)
            running++;
        make_room(&running);
    }
    redis_close(redis);
    return 0;
}
