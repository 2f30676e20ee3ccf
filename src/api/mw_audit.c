/* SPDX-License-Identifier: MIT */
/* The audit log's entries of a request. */
#include <string.h>

#include "api/serve.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/str.h"
#include "store/audit.h"

static const char *outcome_of(int status)
{
    if (status < 400)
        return "success";
    return status == 401 || status == 403 ? "denied" : "failed";
}

/* What was not even readable, or not there, was no attempt at anything. */
static bool counts(const struct api_audit *e, int status)
{
    if (e->outcome) /* the operation says what it was */
        return true;
    if (str_starts(e->action, "auth."))
        return status != 400 && status != 422;
    return status != 400 && status != 404 && status != 413 && status != 422 && status != 429;
}

static const char *actor_of(const struct api_call *c, const struct api_audit *e)
{
    if (e->actor)
        return e->actor;
    if (!c->session)
        return "nobody";
    return c->session->token_name ? arena_printf(c->arena, "%s (token %s)",
                                                 c->session->user.username, c->session->token_name)
                                  : c->session->user.username;
}

void mw_audit_refused(struct api_call *c, const struct route *route)
{
    if (c->audit || !c->session)
        return;
    const char *name = rbac_permission_name(route->permission);
    const char *id = c->req->params[0];
    bool known = strchr(name, '.') != NULL;
    api_audit(c, known ? name : "request.refused", known && id && uuid_valid(id) ? id : NULL);
}

/* Oldest first, as they came. */
static int write_entries(struct api_call *c, const struct api_audit *e, int status, struct err *err)
{
    if (!e)
        return 0;
    if (write_entries(c, e->next, status, err) < 0)
        return -1;
    if (!counts(e, status))
        return 0;
    struct store_audit row = {
        .actor_id = e->actor_id || !c->session ? e->actor_id : c->session->user.id,
        .actor = actor_of(c, e),
        .action = e->action,
        .resource = e->resource,
        .outcome = e->outcome ? e->outcome : outcome_of(status),
        .address = c->req->address,
        .request_id = c->req->id,
        .change = e->change,
    };
    return store_audit_add(c->api->pg, c->arena, &row, err);
}

int mw_audit(struct api_call *c, int status, struct err *err)
{
    return write_entries(c, c->audit, status, err);
}
