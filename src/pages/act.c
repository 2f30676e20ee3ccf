/* SPDX-License-Identifier: MIT */
/* The buttons of an application and of a deployment that need no page of their own. */
#include "api/action.h"
#include "api/release.h"
#include "pages/form.h"
#include "pages/page.h"
#include "pages/pages.h"

static int act(struct api_call *c, enum store_act act, enum toast toast, struct err *err)
{
    const char *id = c->req->params[0];
    if (api_app_act(c, id, act, err) < 0)
        return -1;
    return page_redirect(c, toast, arena_printf(c->arena, "/applications/%s", id));
}

static int post_start(struct api_call *c, struct err *err)
{
    return act(c, STORE_ACT_START, TOAST_STARTING, err);
}

static int post_stop(struct api_call *c, struct err *err)
{
    return act(c, STORE_ACT_STOP, TOAST_STOPPING, err);
}

static int post_restart(struct api_call *c, struct err *err)
{
    return act(c, STORE_ACT_RESTART, TOAST_RESTARTING, err);
}

static int post_cancel(struct api_call *c, struct err *err)
{
    struct store_deployment d;
    if (api_deployment_cancel(c, c->req->params[0], &d, err) < 0)
        return -1;
    return page_redirect(c, TOAST_CANCELLING, arena_printf(c->arena, "/deployments/%s", d.id));
}

static int post_rollback(struct api_call *c, struct err *err)
{
    static const struct form_field fields[] = {
        {.name = "to", .label = "Release", .flags = FORM_OMIT},
    };
    static const struct form_table form = {fields, ARRAY_LEN(fields)};
    struct store_deployment d;
    AUTO_JSON *in = form_json(c, &form);
    if (api_rollback(c, c->req->params[0], in, &d, err) < 0)
        return -1;
    return page_redirect(c, TOAST_ROLLING_BACK, arena_printf(c->arena, "/deployments/%s", d.id));
}

static const struct route routes[] = {
    ROUTE(POST, "/applications/:id/start", post_start, APPLICATION_DEPLOY, USER,
          .flags = ROUTE_PAGE),
    ROUTE(POST, "/applications/:id/stop", post_stop, APPLICATION_DEPLOY, USER, .flags = ROUTE_PAGE),
    ROUTE(POST, "/applications/:id/restart", post_restart, APPLICATION_DEPLOY, USER,
          .flags = ROUTE_PAGE),
    ROUTE(POST, "/deployments/:id/cancel", post_cancel, DEPLOYMENT_CANCEL, USER,
          .flags = ROUTE_PAGE),
    ROUTE(POST, "/deployments/:id/rollback", post_rollback, DEPLOYMENT_ROLLBACK, USER,
          .flags = ROUTE_PAGE),
};
const struct route_table pages_act_routes = {routes, ARRAY_LEN(routes)};
