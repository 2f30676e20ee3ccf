/* SPDX-License-Identifier: MIT */
/* The HTTP side of api/app.h. */
#include "api/app.h"
#include <string.h>

#include "base/str.h"

static void app_members(const struct app_view *v, struct jw *w)
{
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
    app_members(v, &w);
    if (secret)
        jw_kstr(&w, "webhookSecret", secret);
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
    struct jw w;
    if (api_page(c, &page, err) < 0 || api_id_filter(c, "projectId", &project, err) < 0 ||
        api_app_list(c, project, &page, &list, err) < 0)
        return -1;
    api_begin(c, &w);
    jw_begin_array(&w);
    for (size_t i = 0; i < list.n; i++) {
        jw_begin(&w);
        app_members(&list.list[i], &w);
        jw_end(&w);
    }
    jw_end_array(&w);
    if (list.more)
        api_next_page(c, list.list[list.n - 1].app.id);
    api_send(c, 200, NULL);
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
    bool volumes = str_eq(http_query(c->req, "volumes"), "true");
    int64_t version;
    if (wanted_version(c, &version, err) < 0 ||
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
    jw_kstr(&w, "webhookSecret", secret);
    jw_end(&w);
    api_send(c, 200, NULL);
    return 0;
}

static const struct route routes[] = {
    ROUTE(GET, "/api/applications", handle_list, APPLICATION_READ, USER),
    ROUTE(POST, "/api/applications", handle_create, APPLICATION_CREATE, USER),
    ROUTE(GET, "/api/applications/:id", handle_get, APPLICATION_READ, USER),
    ROUTE(PATCH, "/api/applications/:id", handle_update, APPLICATION_UPDATE, USER),
    ROUTE(DELETE, "/api/applications/:id", handle_delete, APPLICATION_DELETE, USER),
    ROUTE(POST, "/api/applications/:id/webhook-secret", handle_webhook_secret, APPLICATION_UPDATE,
          USER),
};
const struct route_table api_app_routes = {routes, ARRAY_LEN(routes)};
