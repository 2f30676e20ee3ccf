/* SPDX-License-Identifier: MIT */
/* Metrics: what applications use, and what Prometheus scrapes of Slipway itself. */
#include "api/app.h"
#include "api/project.h"
#include "api/routes.h"
#include "base/str.h"
#include "queue/queue.h"

enum { STEP_MIN = 1, STEP_MAX = 86400 };

static const char *const names[] = {"cpu",        "memory",   "network_rx",
                                    "network_tx", "requests", "errors"};

#define VALUE(name_, doc_)                                                         \
    {                                                                              \
        .name = (name_), .type = VALID_NUM, .flags = VALID_NULLABLE, .doc = (doc_) \
    }
static const struct valid_field current_fields[] = {
    VALUE("cpu", "cores in use; null: not measured"),
    VALUE("memory", "MiB in use, without page cache"),
    VALUE("network_rx", "bytes a second received"),
    VALUE("network_tx", "bytes a second sent"),
    VALUE("requests", "HTTP requests a second"),
    VALUE("errors", "of them answered by 5xx"),
};
static const struct valid_table current_table = {"CurrentMetrics", current_fields,
                                                 ARRAY_LEN(current_fields), 0};
static const struct valid_field point_fields[] = {
    {.name = "at", .type = VALID_TIME, .doc = "the end of the step"},
    {.name = "value", .type = VALID_NUM, .flags = VALID_NULLABLE, .doc = "the mean over it"},
};
static const struct valid_table point_table = {"MetricPoint", point_fields, ARRAY_LEN(point_fields),
                                               0};
#define SERIES(name_)                                                                   \
    {                                                                                   \
        .name = (name_), .type = VALID_LIST, .sub = &point_table, .doc = "oldest first" \
    }
static const struct valid_field series_fields[] = {
    SERIES("cpu"),        SERIES("memory"),   SERIES("network_rx"),
    SERIES("network_tx"), SERIES("requests"), SERIES("errors"),
};
static const struct valid_table series_table = {"MetricSeries", series_fields,
                                                ARRAY_LEN(series_fields), 0};
static const struct valid_field app_fields[] = {
    {.name = "applicationId", .type = VALID_STR, .doc = "the application"},
    {.name = "current", .type = VALID_OBJECT, .sub = &current_table, .doc = "the newest values"},
    {.name = "series", .type = VALID_OBJECT, .sub = &series_table, .doc = "each over time"},
};
static const struct valid_table app_metrics_table = {"ApplicationMetrics", app_fields,
                                                     ARRAY_LEN(app_fields), 0};
static const struct valid_field usage_fields[] = {
    {.name = "totalCpu", .type = VALID_NUM, .flags = VALID_NULLABLE, .doc = "cores in use"},
    {.name = "totalMemory", .type = VALID_NUM, .flags = VALID_NULLABLE, .doc = "MiB in use"},
    {.name = "totalNetwork",
     .type = VALID_NUM,
     .flags = VALID_NULLABLE,
     .doc = "bytes a second, received and sent"},
    {.name = "applications",
     .type = VALID_LIST,
     .sub = &current_table,
     .doc = "of each application that is measured"},
};
static const struct valid_table usage_table = {"ResourceUsage", usage_fields,
                                               ARRAY_LEN(usage_fields), 0};

static const struct valid_field range_fields[] = {
    {.name = "from", .type = VALID_TIME, .doc = "from this moment on; an hour ago"},
    {.name = "to", .type = VALID_TIME, .doc = "until this moment; now"},
    {.name = "step",
     .type = VALID_INT,
     .min = STEP_MIN,
     .max = STEP_MAX,
     .doc = "seconds from point to point"},
};
static const struct valid_table range_query = {"MetricRange", range_fields, ARRAY_LEN(range_fields),
                                               0};

/* Nothing is measured in this version: values are null, series empty. */
static int handle_usage(struct api_call *c, struct err *err)
{
    const char *project;
    struct store_project p;
    struct jw w;
    if (api_id_filter(c, "projectId", &project, err) < 0 ||
        (project && api_project_get(c, project, PERM_METRICS_READ, &p, NULL, err) < 0))
        return -1;
    api_begin(c, &w);
    jw_begin(&w);
    jw_kraw(&w, "totalCpu", NULL);
    jw_kraw(&w, "totalMemory", NULL);
    jw_kraw(&w, "totalNetwork", NULL);
    jw_kraw(&w, "applications", "[]");
    jw_end(&w);
    api_send(c, 200, NULL);
    return 0;
}

static int check_range(struct api_call *c, struct err *err)
{
    int64_t from, to, step;
    if (api_moment(c, "from", &from, err) < 0 || api_moment(c, "to", &to, err) < 0 ||
        api_number(c, "step", STEP_MIN, STEP_MAX, &step, err) < 0)
        return -1;
    if (from && to && from >= to)
        api_add_problem(c, "from", "must be before to");
    return api_refuse(c, err);
}

static int handle_app(struct api_call *c, struct err *err)
{
    struct store_app app;
    struct jw w;
    if (api_app_load(c, c->req->params[0], PERM_METRICS_READ, &app, NULL, err) < 0 ||
        check_range(c, err) < 0)
        return -1;
    api_begin(c, &w);
    jw_begin(&w);
    jw_kstr(&w, "applicationId", app.id);
    jw_key(&w, "current");
    jw_begin(&w);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        jw_kraw(&w, names[i], NULL);
    jw_end(&w);
    jw_key(&w, "series");
    jw_begin(&w);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        jw_kraw(&w, names[i], "[]");
    jw_end(&w);
    jw_end(&w);
    api_send(c, 200, NULL);
    return 0;
}

/* ---- Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/) */

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static int add_queue(struct api_call *c, struct buf *out)
{
    static const char *const lanes[QUEUE_LANES] = {"rollback", "action", "build"};
    struct queue_depth d;
    struct err err;
    bool up = queue_depth(c->api->redis, &d, &err) == 0;
    family(out, "slipway_redis_up", "gauge", "Whether Redis answers.");
    buf_addf(out, "slipway_redis_up %d\n", up);
    if (!up)
        return 0;
    family(out, "slipway_queue_jobs", "gauge", "Jobs of the queue by state.");
    for (size_t i = 0; i < QUEUE_LANES; i++)
        buf_addf(out, "slipway_queue_jobs{state=\"waiting\",lane=\"%s\"} %lld\n", lanes[i],
                 (long long)d.waiting[i]);
    buf_addf(out, "slipway_queue_jobs{state=\"running\",lane=\"\"} %lld\n", (long long)d.running);
    buf_addf(out, "slipway_queue_jobs{state=\"due\",lane=\"\"} %lld\n", (long long)d.due);
    return 0;
}

static int handle_prometheus(struct api_call *c, struct err *err)
{
    struct store_counts counts;
    struct buf *out = &c->res->body;
    if (store_deployment_counts(c->api->pg, c->arena, &counts, err) < 0)
        return -1;
    family(out, "slipway_info", "gauge", "The version that answers.");
    buf_addf(out, "slipway_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
    family(out, "slipway_deployments", "gauge", "Deployments by status.");
    for (size_t i = 0; i < counts.n; i++)
        buf_addf(out, "slipway_deployments{status=\"%s\"} %lld\n", counts.list[i].name,
                 (long long)counts.list[i].count);
    add_queue(c, out);
    http_set(c->res, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return 0;
}

static const struct route routes[] = {
    ROUTE(GET, "/api/metrics", handle_usage, METRICS_READ, USER,
          .doc = "Read what a project's applications use",
          .note = "Nothing is measured in this version: the values are null.",
          .query = &api_project_filter, .out = &usage_table, .also = "404"),
    ROUTE(GET, "/api/metrics/prometheus", handle_prometheus, METRICS_SCRAPE, USER,
          .doc = "Metrics for Prometheus",
          .note = "By an administrator, or an API token of the role metrics.",
          .media = "text/plain"),
    ROUTE(GET, "/api/applications/:id/metrics", handle_app, METRICS_READ, USER,
          .doc = "Read what an application uses",
          .note = "Nothing is measured in this version: values are null and series empty.",
          .query = &range_query, .out = &app_metrics_table),
};
const struct route_table api_metrics_routes = {routes, ARRAY_LEN(routes)};
