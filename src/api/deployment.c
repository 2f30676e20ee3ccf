/* SPDX-License-Identifier: MIT */
#include "api/deployment.h"

#include "api/app.h"
#include "api/rules.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/str.h"
#include "queue/queue.h"

enum { LOG_PAGE = 1000 };

struct deploy_in {
    uint64_t set;
    const char *branch, *commit_sha;
};

#define AT(m) offsetof(struct deploy_in, m)
static const struct valid_field fields[] = {
    {.name = "branch",
     .type = VALID_STR,
     .flags = VALID_NULLABLE,
     .min = 1,
     .max = 244,
     .rule = rule_branch,
     .offset = AT(branch),
     .doc = "the branch to deploy; absent: the application's"},
    {.name = "commitSha",
     .type = VALID_STR,
     .flags = VALID_NULLABLE,
     .min = 7,
     .max = 40,
     .rule = rule_commit,
     .offset = AT(commit_sha),
     .doc = "the commit to deploy; absent: the branch's newest"},
};
#undef AT
static const struct valid_table table = {"Deploy", fields, ARRAY_LEN(fields),
                                         sizeof(struct deploy_in)};

void api_enqueue(struct api_call *c, const struct store_deployment *list, size_t n)
{
    struct err err;
    for (size_t i = 0; i < n; i++)
        if (queue_put(c->api->redis, QUEUE_BUILD, "deploy", list[i].id, &err) < 0)
            log_err(LOG_LEVEL_WARN, "could not queue a deployment; the worker will find it", &err);
}

int api_deploy(struct api_call *c, const char *app_id, const char *trigger, struct json_object *in,
               struct store_deployment *out, struct err *err)
{
    struct deploy_in deploy = {0};
    struct store_app app;
    if (api_app_load(c, app_id, PERM_APPLICATION_DEPLOY, &app, NULL, err) < 0)
        return -1;
    if (!valid_object(&table, in, false, &deploy, &c->problems))
        return api_invalid(c, err);
    if (!app.repo_url && (deploy.branch || deploy.commit_sha))
        return api_bad_field(c, deploy.branch ? "branch" : "commitSha",
                             "means nothing here: the application runs an image", err);
    if (api_need_queue(c, err) < 0)
        return -1;
    struct store_deployment new = {
        .id = uuid_new(c->arena),
        .application_id = app.id,
        .trigger = trigger,
        .branch = deploy.branch ? deploy.branch : app.branch,
        .commit_sha = deploy.commit_sha,
        .created_by = c->session->user.id,
    };
    if (store_deployment_insert(c->api->pg, c->arena, &new, err) < 0)
        return -1;
    api_enqueue(c, &new, 1);
    return api_deployment_get(c, new.id, out, err);
}

int api_deployment_get(struct api_call *c, const char *id, struct store_deployment *out,
                       struct err *err)
{
    const char *role;
    if (api_check_id(id, "deployment", err) < 0 ||
        store_deployment_get(c->api->pg, c->arena, &c->scope, id, out, &role, err) < 0)
        return -1;
    return api_require(c, role, PERM_DEPLOYMENT_READ, err);
}

int api_deployment_list(struct api_call *c, const struct store_deployment_filter *filter,
                        const struct store_page *page, struct store_deployments *out,
                        struct err *err)
{
    return store_deployment_list(c->api->pg, c->arena, &c->scope, filter, page, out, err);
}

int api_deployment_logs(struct api_call *c, const char *id, int64_t after, int64_t limit,
                        struct store_log_line **lines, size_t *n, struct err *err)
{
    struct store_deployment d;
    if (api_deployment_get(c, id, &d, err) < 0)
        return -1;
    return store_log_read(c->api->pg, c->arena, id, after, limit, lines, n, err);
}

int api_deployment_log_tail(struct api_call *c, const char *id, int64_t limit,
                            struct store_log_line **lines, size_t *n, struct err *err)
{
    struct store_deployment d;
    if (api_deployment_get(c, id, &d, err) < 0)
        return -1;
    return store_log_tail(c->api->pg, c->arena, id, limit, lines, n, err);
}

int api_deployment_first_error(struct api_call *c, const char *id, const char *failed_step,
                               int64_t *line, struct err *err)
{
    struct store_deployment d;
    if (api_deployment_get(c, id, &d, err) < 0)
        return -1;
    return store_log_first_error(c->api->pg, c->arena, id, failed_step, line, err);
}

static int send_one(struct api_call *c, const struct store_deployment *d, int status)
{
    struct jw w;
    api_begin(c, &w);
    jw_begin(&w);
    store_deployment_json(d, &w);
    jw_end(&w);
    api_send(c, status, "");
    return 0;
}

static int handle_deploy(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    struct store_deployment d;
    if (api_body(c, true, &in, err) < 0 ||
        api_deploy(c, c->req->params[0], c->by_cookie ? "manual" : "api", in, &d, err) < 0)
        return -1;
    http_set(c->res, "Location", "/api/deployments/%s", d.id);
    return send_one(c, &d, 202);
}

static int read_filter(struct api_call *c, struct store_deployment_filter *f, struct err *err)
{
    static const char statuses[] =
        "pending|cloning|building|pushing|deploying|success|failed|cancelled|superseded|"
        "rolled_back";
    if (api_id_filter(c, "applicationId", &f->application_id, err) < 0 ||
        api_id_filter(c, "projectId", &f->project_id, err) < 0)
        return -1;
    f->status = http_query(c->req, "status");
    if (!f->status)
        return 0;
    for (char **w = str_split(c->arena, statuses, '|'); *w; w++)
        if (str_eq(*w, f->status))
            return 0;
    return api_bad_field(c, "status", arena_printf(c->arena, "must be one of %s", statuses), err);
}

static int handle_list(struct api_call *c, struct err *err)
{
    struct store_page page;
    struct store_deployment_filter filter;
    struct store_deployments list;
    struct jw w;
    if (api_page(c, &page, err) < 0 || read_filter(c, &filter, err) < 0 ||
        api_deployment_list(c, &filter, &page, &list, err) < 0)
        return -1;
    api_begin(c, &w);
    jw_begin_array(&w);
    for (size_t i = 0; i < list.n; i++) {
        jw_begin(&w);
        store_deployment_json(&list.list[i], &w);
        jw_end(&w);
    }
    jw_end_array(&w);
    if (list.more)
        api_next_page(c, list.list[list.n - 1].id);
    api_send(c, 200, NULL);
    return 0;
}

static int handle_get(struct api_call *c, struct err *err)
{
    struct store_deployment d;
    if (api_deployment_get(c, c->req->params[0], &d, err) < 0)
        return -1;
    return send_one(c, &d, 200);
}

static int handle_logs(struct api_call *c, struct err *err)
{
    const char *text = http_query(c->req, "after");
    struct store_log_line *lines;
    size_t n;
    int64_t after = 0;
    struct jw w;
    if (text && !str_to_int(text, 0, INT32_MAX, &after))
        return api_bad_field(c, "after", "must be the number of a line", err);
    if (api_deployment_logs(c, c->req->params[0], after, LOG_PAGE, &lines, &n, err) < 0)
        return -1;
    api_begin(c, &w);
    jw_begin_array(&w);
    for (size_t i = 0; i < n; i++) {
        jw_begin(&w);
        jw_kint(&w, "line", lines[i].line);
        jw_ktime(&w, "at", lines[i].at);
        jw_kstr(&w, "step", lines[i].step);
        jw_kstr(&w, "stream", lines[i].stream);
        jw_kstr(&w, "text", lines[i].text);
        jw_end(&w);
    }
    jw_end_array(&w);
    if (n == LOG_PAGE)
        http_set(c->res, "Link", "<%s?after=%lld>; rel=\"next\"", c->req->path,
                 (long long)lines[n - 1].line);
    api_send(c, 200, NULL);
    return 0;
}

static const struct route routes[] = {
    ROUTE(POST, "/api/applications/:id/deploy", handle_deploy, APPLICATION_DEPLOY, USER),
    ROUTE(GET, "/api/deployments", handle_list, DEPLOYMENT_READ, USER),
    ROUTE(GET, "/api/deployments/:id", handle_get, DEPLOYMENT_READ, USER),
    ROUTE(GET, "/api/deployments/:id/logs", handle_logs, DEPLOYMENT_READ, USER),
};
const struct route_table api_deployment_routes = {routes, ARRAY_LEN(routes)};
