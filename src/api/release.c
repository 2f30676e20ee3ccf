/* SPDX-License-Identifier: MIT */
#include "api/release.h"

#include "api/app.h"
#include "api/deployment.h"
#include "api/rules.h"
#include "base/rand.h"
#include "base/str.h"
#include "queue/queue.h"

struct rollback_in {
    uint64_t set;
    const char *to;
};

static const struct valid_field fields[] = {
    {.name = "to",
     .type = VALID_STR,
     .flags = VALID_NULLABLE,
     .rule = rule_id,
     .offset = offsetof(struct rollback_in, to),
     .doc = "the release to go back to; absent: the one before"},
};
static const struct valid_table table = {"Rollback", fields, ARRAY_LEN(fields),
                                         sizeof(struct rollback_in)};

/* A deployment of the caller's, on whose application they may do P. */
static int load(struct api_call *c, const char *id, enum permission p, struct store_deployment *out,
                struct err *err)
{
    const char *role;
    if (api_check_id(id, "deployment", err) < 0 ||
        store_deployment_get(c->api->pg, c->arena, &c->scope, id, out, &role, err) < 0)
        return -1;
    return api_require(c, role, p, err);
}

int api_deployment_cancel(struct api_call *c, const char *id, struct store_deployment *out,
                          struct err *err)
{
    struct store_deployment d;
    const struct store_user *user = &c->session->user;
    api_audit(c, "deployment.cancel", id);
    if (load(c, id, PERM_DEPLOYMENT_CANCEL, &d, err) < 0)
        return -1;
    if (d.finished_at)
        return err_set(err, ERR_CONFLICT, "the deployment has ended already: it is %s", d.status);
    if (store_deployment_cancel(c->api->pg, c->arena, d.id, user->id,
                                arena_printf(c->arena, "cancelled by %s", user->username), err) < 0)
        return -1;
    return api_deployment_get(c, d.id, out, err);
}

static int find_live(struct api_call *c, const char *app_id, const char **live, struct err *err)
{
    struct store_deployment d;
    struct err problem;
    *live = NULL;
    if (store_deployment_last_success(c->api->pg, c->arena, app_id, &d, &problem) == 0) {
        *live = d.id;
        return 0;
    }
    if (problem.code == ERR_NOT_FOUND)
        return 0;
    *err = problem;
    return -1;
}

/* The release that ID is rolled back to. */
static int find_target(struct api_call *c, const struct store_deployment *from, const char *wanted,
                       struct store_deployment *to, struct err *err)
{
    struct err problem;
    if (!wanted) {
        if (store_deployment_before(c->api->pg, c->arena, from->id, to, &problem) == 0)
            return 0;
        if (problem.code == ERR_NOT_FOUND)
            return err_set(err, ERR_CONFLICT,
                           "no release stands before this one; there is nothing to go back to");
        *err = problem;
        return -1;
    }
    if (str_eq(wanted, from->id))
        return api_bad_field(c, "to", "is the release that runs", err);
    if (store_deployment_get(c->api->pg, c->arena, &c->scope, wanted, to, NULL, &problem) < 0) {
        if (problem.code == ERR_NOT_FOUND)
            return api_bad_field(c, "to", "names no release of this application", err);
        *err = problem;
        return -1;
    }
    bool release =
        to->image && (str_eq(to->status, "success") || str_eq(to->status, "rolled_back"));
    if (!release || !str_eq(to->application_id, from->application_id))
        return api_bad_field(c, "to", "names no release of this application", err);
    return 0;
}

int api_rollback(struct api_call *c, const char *id, struct json_object *in,
                 struct store_deployment *out, struct err *err)
{
    struct rollback_in rollback = {0};
    struct store_deployment from, to;
    const char *live, *new = uuid_new(c->arena);
    api_audit(c, "deployment.rollback", id);
    if (load(c, id, PERM_DEPLOYMENT_ROLLBACK, &from, err) < 0 ||
        api_valid(c, &table, in, false, &rollback, err) < 0 ||
        find_live(c, from.application_id, &live, err) < 0)
        return -1;
    if (!str_eq(live, from.id))
        return err_set(err, ERR_CONFLICT,
                       "only the release that runs can be rolled back, and this is not it");
    if (find_target(c, &from, rollback.to, &to, err) < 0 || api_need_queue(c, err) < 0 ||
        store_deployment_insert_rollback(c->api->pg, c->arena, new, from.id, to.id,
                                         c->session->user.id, err) < 0)
        return -1;
    api_job(c, QUEUE_ROLLBACK, "deploy", new);
    return api_deployment_get(c, new, out, err);
}

int api_releases(struct api_call *c, const char *app_id, const struct store_page *page,
                 struct store_deployments *out, const char **live, struct err *err)
{
    struct store_app app;
    if (api_app_load(c, app_id, PERM_APPLICATION_READ, &app, NULL, err) < 0 ||
        store_deployment_releases(c->api->pg, c->arena, app.id, page, out, err) < 0)
        return -1;
    return live ? find_live(c, app.id, live, err) : 0;
}

static void write_deployment(const void *d, struct jw *w)
{
    store_deployment_json(d, w);
}

static int handle_cancel(struct api_call *c, struct err *err)
{
    struct store_deployment d;
    if (api_deployment_cancel(c, c->req->params[0], &d, err) < 0)
        return -1;
    api_send_one(c, 202, &d, write_deployment);
    return 0;
}

static int handle_rollback(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    struct store_deployment d = {0};
    if (api_body(c, true, &in, err) < 0 || api_rollback(c, c->req->params[0], in, &d, err) < 0)
        return -1;
    http_set(c->res, "Location", "/api/deployments/%s", d.id);
    api_send_one(c, 202, &d, write_deployment);
    return 0;
}

static int handle_releases(struct api_call *c, struct err *err)
{
    struct store_page page;
    struct store_deployments list;
    if (api_page(c, &page, err) < 0 ||
        api_releases(c, c->req->params[0], &page, &list, NULL, err) < 0)
        return -1;
    api_send_list(c, list.list, list.n, sizeof(*list.list), write_deployment, list.more,
                  list.n ? list.list[list.n - 1].id : NULL);
    return 0;
}

static const struct route routes[] = {
    ROUTE(POST, "/api/deployments/:id/cancel", handle_cancel, DEPLOYMENT_CANCEL, USER,
          .doc = "Cancel a deployment",
          .note = "One that waits ends at once. One at work is ended by its worker, which puts the "
                  "last success back when the service was touched.",
          .out = &api_deployment_table, .status = 202, .flags = ROUTE_EMPTY, .also = "409"),
    ROUTE(POST, "/api/deployments/:id/rollback", handle_rollback, DEPLOYMENT_ROLLBACK, USER,
          .doc = "Go back from the release that runs",
          .note = "Brings the image and the settings of the release before it back, or of `to`; "
                  "secrets have their present values. Nothing is built. When it is a success, the "
                  "deployment that it went back from reads rolled_back.",
          .in = &table, .out = &api_deployment_table, .status = 202, .flags = ROUTE_EMPTY,
          .also = "409 503"),
    ROUTE(GET, "/api/applications/:id/releases", handle_releases, APPLICATION_READ, USER,
          .doc = "List the releases of an application",
          .note = "Successful deployments, the one that runs among them, and those that a rollback "
                  "took away.",
          .out = &api_deployment_table, .flags = ROUTE_LIST),
};
const struct route_table api_release_routes = {routes, ARRAY_LEN(routes)};
