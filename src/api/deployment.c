/* SPDX-License-Identifier: MIT */
#include "api/deployment.h"

#include "api/app.h"
#include "api/rules.h"
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
    for (size_t i = 0; i < n; i++)
        api_job(c, QUEUE_BUILD, "deploy", list[i].id);
}

int api_deploy(struct api_call *c, const char *app_id, const char *trigger, struct json_object *in,
               struct store_deployment *out, struct err *err)
{
    struct deploy_in deploy = {0};
    struct store_app app;
    api_audit(c, "application.deploy", app_id);
    if (api_app_load(c, app_id, PERM_APPLICATION_DEPLOY, &app, NULL, err) < 0 ||
        api_valid(c, &table, in, false, &deploy, err) < 0)
        return -1;
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

static const struct valid_field error_fields[] = {
    {.name = "step", .type = VALID_STR, .flags = VALID_NULLABLE, .doc = "where it failed"},
    {.name = "message", .type = VALID_STR, .doc = "the cause in one sentence"},
    {.name = "task", .type = VALID_STR, .flags = VALID_NULLABLE, .doc = "the Swarm task"},
    {.name = "node", .type = VALID_STR, .flags = VALID_NULLABLE, .doc = "the node it ran on"},
    {.name = "exitCode", .type = VALID_INT, .flags = VALID_NULLABLE, .doc = "what it ended with"},
    {.name = "output", .type = VALID_STR, .flags = VALID_NULLABLE, .doc = "its last output"},
};
static const struct valid_table error_table = {"DeploymentError", error_fields,
                                               ARRAY_LEN(error_fields), 0};

static const struct valid_field step_fields[] = {
    {.name = "name",
     .type = VALID_ENUM,
     .choices = "clone|build|push|deploy|verdict",
     .doc = "the step"},
    {.name = "startedAt", .type = VALID_TIME, .doc = "when it began"},
    {.name = "finishedAt",
     .type = VALID_TIME,
     .flags = VALID_NULLABLE,
     .doc = "when it ended; null while it goes on"},
    {.name = "outcome",
     .type = VALID_ENUM,
     .flags = VALID_NULLABLE,
     .choices = "success|failed|skipped|cancelled",
     .doc = "how it ended"},
};
static const struct valid_table step_table = {"DeploymentStep", step_fields, ARRAY_LEN(step_fields),
                                              0};

#define DERIVED(name_, type_, flags_, doc_)                                                      \
    {                                                                                            \
        .name = (name_), .type = VALID_##type_, .flags = VALID_DERIVED | (flags_), .doc = (doc_) \
    }
#define STATUSES                                                                      \
    "pending|cloning|building|pushing|deploying|success|failed|cancelled|superseded|" \
    "rolled_back"
static const struct valid_field answer_fields[] = {
    FIELD_ID,
    DERIVED("deploymentId", STR, 0, "the same id"),
    DERIVED("applicationId", STR, 0, "what is deployed"),
    {.name = "status",
     .type = VALID_ENUM,
     .flags = VALID_DERIVED,
     .choices = STATUSES,
     .doc = "only moves forward; the last five are ends"},
    DERIVED("progress", INT, 0, "percent"),
    {.name = "trigger",
     .type = VALID_ENUM,
     .flags = VALID_DERIVED,
     .choices = "manual|webhook|rollback|api",
     .doc = "what started it"},
    DERIVED("commitSha", STR, VALID_NULLABLE, "the commit, once it is known"),
    DERIVED("commitMessage", STR, VALID_NULLABLE, "and its message"),
    DERIVED("branch", STR, VALID_NULLABLE, "the branch it came from"),
    DERIVED("image", STR, VALID_NULLABLE,
            "the image that runs, with its digest where there is one"),
    DERIVED("previousId", STR, VALID_NULLABLE, "the deployment that ran before it"),
    DERIVED("supersededBy", STR, VALID_NULLABLE, "the newer deployment that took its place"),
    {.name = "error",
     .type = VALID_OBJECT,
     .flags = VALID_DERIVED | VALID_NULLABLE,
     .sub = &error_table,
     .doc = "why it failed"},
    {.name = "steps",
     .type = VALID_LIST,
     .flags = VALID_DERIVED,
     .sub = &step_table,
     .doc = "what was done when"},
    DERIVED("attempt", INT, 0, "how often it was taken up"),
    FIELD_CREATED,
    DERIVED("startedAt", TIME, VALID_NULLABLE, "when a worker took it up"),
    DERIVED("finishedAt", TIME, VALID_NULLABLE, "when it ended"),
};
const struct valid_table api_deployment_table = {"Deployment", answer_fields,
                                                 ARRAY_LEN(answer_fields), 0};

static const struct valid_field line_fields[] = {
    DERIVED("line", INT, 0, "its number, from 1"),
    DERIVED("at", TIME, 0, "when it was printed"),
    DERIVED("step", STR, 0, "during which step"),
    {.name = "stream",
     .type = VALID_ENUM,
     .flags = VALID_DERIVED,
     .choices = "stdout|stderr|system",
     .doc = "where it came from; system is Slipway itself"},
    DERIVED("text", STR, 0, "without its line end"),
};
static const struct valid_table line_table = {"LogLine", line_fields, ARRAY_LEN(line_fields), 0};

static const struct valid_field list_query_fields[] = {
    {.name = "applicationId", .type = VALID_STR, .doc = "of this application"},
    {.name = "projectId", .type = VALID_STR, .doc = "of this project's applications"},
    {.name = "status", .type = VALID_ENUM, .choices = STATUSES, .doc = "in this state"},
};
static const struct valid_table list_query = {"DeploymentFilter", list_query_fields,
                                              ARRAY_LEN(list_query_fields), 0};
static const struct valid_field log_query_fields[] = {
    {.name = "after",
     .type = VALID_INT,
     .min = 0,
     .max = INT32_MAX,
     .doc = "number of the last line that is known"},
};
static const struct valid_table log_query = {"LogFrom", log_query_fields,
                                             ARRAY_LEN(log_query_fields), 0};

static void write_deployment(const void *d, struct jw *w)
{
    store_deployment_json(d, w);
}

static int handle_deploy(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    struct store_deployment d;
    if (api_body(c, true, &in, err) < 0 ||
        api_deploy(c, c->req->params[0], c->by_cookie ? "manual" : "api", in, &d, err) < 0)
        return -1;
    http_set(c->res, "Location", "/api/deployments/%s", d.id);
    api_send_one(c, 202, &d, write_deployment);
    return 0;
}

static int read_filter(struct api_call *c, struct store_deployment_filter *f, struct err *err)
{
    if (api_id_filter(c, "applicationId", &f->application_id, err) < 0 ||
        api_id_filter(c, "projectId", &f->project_id, err) < 0)
        return -1;
    return api_choice(c, "status", STATUSES, &f->status, err);
}

static int handle_list(struct api_call *c, struct err *err)
{
    struct store_page page;
    struct store_deployment_filter filter;
    struct store_deployments list;
    if (api_page(c, &page, err) < 0 || read_filter(c, &filter, err) < 0 ||
        api_deployment_list(c, &filter, &page, &list, err) < 0)
        return -1;
    api_send_list(c, list.list, list.n, sizeof(*list.list), write_deployment, list.more,
                  list.n ? list.list[list.n - 1].id : NULL);
    return 0;
}

static int handle_get(struct api_call *c, struct err *err)
{
    struct store_deployment d;
    if (api_deployment_get(c, c->req->params[0], &d, err) < 0)
        return -1;
    api_send_one(c, 200, &d, write_deployment);
    return 0;
}

static int handle_logs(struct api_call *c, struct err *err)
{
    struct store_log_line *lines;
    size_t n;
    int64_t after = 0;
    struct jw w;
    if (api_number(c, "after", 0, INT32_MAX, &after, err) < 0 ||
        api_deployment_logs(c, c->req->params[0], after, LOG_PAGE, &lines, &n, err) < 0)
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
    ROUTE(POST, "/api/applications/:id/deploy", handle_deploy, APPLICATION_DEPLOY, USER,
          .doc = "Deploy an application", .in = &table, .out = &api_deployment_table, .status = 202,
          .flags = ROUTE_EMPTY, .also = "503"),
    ROUTE(GET, "/api/deployments", handle_list, DEPLOYMENT_READ, USER, .cache = CACHE_LIST_SECONDS,
          .doc = "List the deployments", .query = &list_query, .out = &api_deployment_table,
          .flags = ROUTE_LIST),
    ROUTE(GET, "/api/deployments/:id", handle_get, DEPLOYMENT_READ, USER,
          .cache = CACHE_DETAIL_SECONDS, .doc = "Read a deployment", .out = &api_deployment_table),
    ROUTE(GET, "/api/deployments/:id/logs", handle_logs, DEPLOYMENT_READ, USER,
          .doc = "Read a deployment's output",
          .note = "At most 1,000 lines; the Link header leads to the next.", .query = &log_query,
          .out = &line_table, .flags = ROUTE_ARRAY),
};
const struct route_table api_deployment_routes = {routes, ARRAY_LEN(routes)};
