/* SPDX-License-Identifier: MIT */
#include "api/action.h"

#include "api/app.h"
#include "base/str.h"
#include "queue/call.h"
#include "queue/queue.h"

enum { TAIL_DEFAULT = 100, TAIL_MOST = 10000 };

int api_app_act(struct api_call *c, const char *id, enum store_act act, struct err *err)
{
    static const char *const names[] = {
        [STORE_ACT_START] = "application.start",
        [STORE_ACT_STOP] = "application.stop",
        [STORE_ACT_RESTART] = "application.restart",
    };
    struct store_app app;
    api_audit(c, names[act], id);
    if (api_app_load(c, id, PERM_APPLICATION_DEPLOY, &app, NULL, err) < 0 ||
        api_need_queue(c, err) < 0 || store_action_ask(c->api->pg, c->arena, app.id, act, err) < 0)
        return -1;
    api_job(c, QUEUE_ACTION, "act", app.id);
    return 0;
}

static char *log_arguments(struct arena *a, const struct store_app *app, int64_t tail,
                           int64_t since)
{
    AUTO_BUF text = {0};
    struct jw w;
    jw_init(&w, &text);
    jw_begin(&w);
    jw_kstr(&w, "application", app->id);
    jw_kstr(&w, "service", app->service_name);
    jw_kint(&w, "tail", tail);
    jw_kint(&w, "since", since);
    jw_end(&w);
    return buf_dup(&text, a);
}

int api_app_logs(struct api_call *c, const char *id, int64_t tail, int64_t since, const char **json,
                 struct err *err)
{
    struct store_app app;
    struct store_deployments any;
    if (api_app_load(c, id, PERM_APPLICATION_READ, &app, NULL, err) < 0 ||
        store_deployment_newest(c->api->pg, c->arena, &app.id, 1, 1, &any, err) < 0)
        return -1;
    *json = "[]";
    if (!any.n) /* nothing can have printed anything, so nobody is asked */
        return 0;
    return call_ask(c->api->redis, c->arena, "service.logs",
                    log_arguments(c->arena, &app, tail, since), 0, json, err);
}

static int act(struct api_call *c, enum store_act act, struct err *err)
{
    struct app_view v;
    if (api_app_act(c, c->req->params[0], act, err) < 0 ||
        api_app_get(c, c->req->params[0], &v, err) < 0)
        return -1;
    api_send_one(c, 202, &v, api_app_write);
    return 0;
}

static int handle_start(struct api_call *c, struct err *err)
{
    return act(c, STORE_ACT_START, err);
}

static int handle_stop(struct api_call *c, struct err *err)
{
    return act(c, STORE_ACT_STOP, err);
}

static int handle_restart(struct api_call *c, struct err *err)
{
    return act(c, STORE_ACT_RESTART, err);
}

static int handle_logs(struct api_call *c, struct err *err)
{
    const char *json;
    int64_t tail = TAIL_DEFAULT, since;
    if (api_number(c, "tail", 1, TAIL_MOST, &tail, err) < 0 ||
        api_moment(c, "since", &since, err) < 0 ||
        api_app_logs(c, c->req->params[0], tail, since, &json, err) < 0)
        return -1;
    buf_adds(&c->res->body, json);
    api_send(c, 200, NULL);
    return 0;
}

#define DERIVED(name_, type_, doc_)                                                   \
    {                                                                                 \
        .name = (name_), .type = VALID_##type_, .flags = VALID_DERIVED, .doc = (doc_) \
    }
static const struct valid_field line_fields[] = {
    DERIVED("at", TIME, "when it was printed"),
    DERIVED("task", STR, "the Swarm task that printed it, such as shop-api.2"),
    DERIVED("node", STR, "the node that the task ran on"),
    {.name = "stream",
     .type = VALID_ENUM,
     .flags = VALID_DERIVED,
     .choices = "stdout|stderr",
     .doc = "where it was printed to"},
    DERIVED("text", STR, "without its line end"),
};
static const struct valid_table line_table = {"ServiceLogLine", line_fields, ARRAY_LEN(line_fields),
                                              0};
static const struct valid_field log_query_fields[] = {
    {.name = "tail",
     .type = VALID_INT,
     .min = 1,
     .max = TAIL_MOST,
     .doc = "how many of the newest lines; 100 when it is left out"},
    {.name = "since", .type = VALID_TIME, .doc = "nothing that was printed before"},
};
static const struct valid_table log_query = {"ServiceLogFrom", log_query_fields,
                                             ARRAY_LEN(log_query_fields), 0};

#define ACTION(verb, handler_, doc_, note_)                                                       \
    ROUTE(POST, "/api/applications/:id/" verb, handler_, APPLICATION_DEPLOY, USER, .doc = (doc_), \
          .note = (note_), .out = &app_table, .status = 202, .flags = ROUTE_EMPTY,                \
          .also = "409 503")

static const struct route routes[] = {
    ACTION("start", handle_start, "Start a stopped application",
           "Its service gets the replicas back that it had. One that runs is left alone."),
    ACTION("stop", handle_stop, "Stop an application",
           "Its tasks end and it stays stopped, until it is started or deployed again."),
    ACTION("restart", handle_restart, "Restart an application",
           "Task by task, as its updateConfig says, so it goes on answering. One that is stopped "
           "is started."),
    ROUTE(GET, "/api/applications/:id/logs", handle_logs, APPLICATION_READ, USER,
          .doc = "Read what an application's tasks printed",
          .note = "The newest lines of all tasks, ended ones included, oldest first. An answer has "
                  "at most 1 MiB; older lines are left out.",
          .query = &log_query, .out = &line_table, .flags = ROUTE_ARRAY, .also = "503"),
};
const struct route_table api_action_routes = {routes, ARRAY_LEN(routes)};
