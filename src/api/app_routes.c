/* SPDX-License-Identifier: MIT */
/* The HTTP side of api/app.h. */
#include "api/app.h"
#include "api/project.h"
#include <string.h>

#include "base/str.h"

void api_app_write(const void *element, struct jw *w)
{
    const struct app_view *v = element;
    store_app_json(&v->app, w);
    jw_key(w, "deployments");
    jw_begin_array(w);
    for (size_t i = 0; i < v->deployments.n; i++) {
        jw_begin(w);
        store_deployment_json(&v->deployments.list[i], w);
        jw_end(w);
    }
    jw_end_array(w);
}

static int send_one(struct api_call *c, const struct app_view *v, int status, const char *secret)
{
    struct jw w;
    api_begin(c, &w);
    jw_begin(&w);
    api_app_write(v, &w);
    if (secret)
        api_once(c, &w, "webhookSecret", secret);
    jw_end(&w);
    if (secret)
        api_send(c, status, NULL);
    else
        api_send(c, status, arena_printf(c->arena, "%lld-", (long long)v->app.config_version));
    return 0;
}

static int handle_list(struct api_call *c, struct err *err)
{
    struct store_page page;
    struct app_views list;
    const char *project;
    if (api_page(c, &page, err) < 0 || api_id_filter(c, "projectId", &project, err) < 0 ||
        api_app_list(c, project, &page, &list, err) < 0)
        return -1;
    c->depends = project; /* NULL: any of all may change it */
    api_send_list(c, list.list, list.n, sizeof(*list.list), api_app_write, list.more,
                  list.n ? list.list[list.n - 1].app.id : NULL);
    return 0;
}

static int handle_create(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    struct app_view v;
    const char *secret;
    if (api_body(c, false, &in, err) < 0 || api_app_create(c, in, &v, &secret, err) < 0)
        return -1;
    http_set(c->res, "Location", "/api/applications/%s", v.app.id);
    return send_one(c, &v, 201, secret);
}

static int handle_get(struct api_call *c, struct err *err)
{
    struct app_view v;
    if (api_app_get(c, c->req->params[0], &v, err) < 0)
        return -1;
    return send_one(c, &v, 200, NULL);
}

/* If-Match guards what a person wrote: the tag begins with the version of that, so a deployment
 * that goes on meanwhile does not stand in the way of a change. *version is -1 without the header.
 */
static int wanted_version(struct api_call *c, int64_t *version, struct err *err)
{
    const char *tag = http_header(c->req, "If-Match");
    *version = -1;
    if (!tag || str_eq(tag, "*"))
        return 0;
    const char *digits =
        arena_memdup(c->arena, tag + (*tag == '"'), strcspn(tag + (*tag == '"'), "-\""));
    if (str_to_int(digits, 0, INT64_MAX, version))
        return 0;
    return err_set(err, ERR_PRECONDITION, "If-Match names no version of this application");
}

static int handle_update(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    struct app_view v;
    int64_t version;
    if (api_body(c, false, &in, err) < 0 || wanted_version(c, &version, err) < 0 ||
        api_app_update(c, c->req->params[0], version, in, &v, err) < 0)
        return -1;
    return send_one(c, &v, 200, NULL);
}

static int handle_delete(struct api_call *c, struct err *err)
{
    bool volumes;
    int64_t version;
    if (api_flag(c, "volumes", &volumes, err) < 0 || wanted_version(c, &version, err) < 0 ||
        api_app_delete(c, c->req->params[0], version, volumes, err) < 0)
        return -1;
    api_no_content(c);
    return 0;
}

static int handle_webhook_secret(struct api_call *c, struct err *err)
{
    const char *secret;
    struct jw w;
    if (api_app_webhook_secret(c, c->req->params[0], &secret, err) < 0)
        return -1;
    api_begin(c, &w);
    jw_begin(&w);
    api_once(c, &w, "webhookSecret", secret);
    jw_end(&w);
    api_send(c, 200, NULL);
    return 0;
}

static const struct valid_field delete_query_fields[] = {
    {.name = "volumes", .type = VALID_BOOL, .doc = "its named volumes go with it"},
};
static const struct valid_table delete_query = {"ApplicationDelete", delete_query_fields,
                                                ARRAY_LEN(delete_query_fields), 0};
static const struct valid_field secret_fields[] = {
    {.name = "webhookSecret",
     .type = VALID_STR,
     .flags = VALID_DERIVED | VALID_NULLABLE,
     .doc = "shown this once"},
};
static const struct valid_table secret_table = {"WebhookSecret", secret_fields,
                                                ARRAY_LEN(secret_fields), 0};

static const struct route routes[] = {
    ROUTE(GET, "/api/applications", handle_list, APPLICATION_READ, USER,
          .cache = CACHE_LIST_SECONDS, .doc = "List the applications", .query = &api_project_filter,
          .out = &app_table, .flags = ROUTE_LIST),
    ROUTE(POST, "/api/applications", handle_create, APPLICATION_CREATE, USER,
          .doc = "Make an application", .in = &app_table, .out = &app_table, .status = 201,
          .also = "409"),
    ROUTE(GET, "/api/applications/:id", handle_get, APPLICATION_READ, USER,
          .cache = CACHE_DETAIL_SECONDS, .doc = "Read an application", .out = &app_table),
    ROUTE(PATCH, "/api/applications/:id", handle_update, APPLICATION_UPDATE, USER,
          .doc = "Change an application",
          .note = "Most changes take effect at the next deployment; pendingChanges says so.",
          .in = &app_table, .out = &app_table, .flags = ROUTE_MATCH, .also = "409"),
    ROUTE(DELETE, "/api/applications/:id", handle_delete, APPLICATION_DELETE, USER,
          .doc = "Delete an application",
          .note = "Its service, routes and secrets go; named volumes stay unless asked for.",
          .query = &delete_query, .flags = ROUTE_MATCH),
    ROUTE(POST, "/api/applications/:id/webhook-secret", handle_webhook_secret, APPLICATION_UPDATE,
          USER, .doc = "Make a new webhook secret",
          .note = "The one before stays good for 24 hours.", .out = &secret_table,
          .flags = ROUTE_EMPTY),
};
const struct route_table api_app_routes = {routes, ARRAY_LEN(routes)};
