/* SPDX-License-Identifier: MIT */
/* POST /api/applications/bulk: one action on many applications, each by itself. */
#include <string.h>

#include "api/action.h"
#include "api/app.h"
#include "api/deployment.h"
#include "api/routes.h"
#include "api/rules.h"
#include "base/str.h"

enum { IDS_MOST = 100 };

struct bulk_in {
    uint64_t set;
    const char *action, *ids;
};

static const struct valid_field fields[] = {
    {.name = "action",
     .type = VALID_ENUM,
     .flags = VALID_REQUIRED,
     .choices = "deploy|restart|stop|start|delete",
     .offset = offsetof(struct bulk_in, action),
     .doc = "what is done to each"},
    {.name = "ids",
     .type = VALID_LIST,
     .flags = VALID_REQUIRED,
     .min = 1,
     .max = IDS_MOST,
     .rule = rule_line,
     .offset = offsetof(struct bulk_in, ids),
     .doc = "ids of applications, at most 100"},
};
static const struct valid_table table = {"Bulk", fields, ARRAY_LEN(fields), sizeof(struct bulk_in)};

static const struct valid_field result_fields[] = {
    {.name = "id", .type = VALID_STR, .doc = "the application"},
    {.name = "status", .type = VALID_INT, .doc = "what the single request would have answered"},
    {.name = "detail", .type = VALID_STR, .flags = VALID_NULLABLE, .doc = "why it was refused"},
    {.name = "deploymentId",
     .type = VALID_STR,
     .flags = VALID_NULLABLE,
     .doc = "of action deploy: what was started"},
};
static const struct valid_table result_table = {"BulkResult", result_fields,
                                                ARRAY_LEN(result_fields), 0};

struct result {
    const char *id, *detail, *deployment;
    int status;
};

static int do_one(struct api_call *c, const char *action, struct result *r, struct err *err)
{
    struct store_deployment d;
    r->status = 202;
    if (str_eq(action, "deploy")) {
        AUTO_JSON *nothing = json_object_new_object();
        if (api_deploy(c, r->id, c->by_cookie ? "manual" : "api", nothing, &d, err) < 0)
            return -1;
        r->deployment = d.id;
        return 0;
    }
    if (str_eq(action, "delete")) {
        r->status = 204;
        return api_app_delete(c, r->id, -1, false, err);
    }
    return api_app_act(c, r->id,
                       str_eq(action, "start")  ? STORE_ACT_START
                       : str_eq(action, "stop") ? STORE_ACT_STOP
                                                : STORE_ACT_RESTART,
                       err);
}

/* In a transaction of its own within the request's. False: the database itself is away. */
static bool try_one(struct api_call *c, const char *action, struct result *r, struct err *err)
{
    struct api_job **last = c->last_job ? c->last_job : &c->jobs;
    if (pg_begin(c->api->pg, err) < 0)
        return false;
    if (do_one(c, action, r, err) == 0)
        return pg_commit(c->api->pg, err) == 0;
    pg_rollback(c->api->pg);
    *last = NULL; /* no job for what was undone */
    c->last_job = last;
    if (c->audit)
        c->audit->outcome = err->code == ERR_FORBIDDEN ? "denied" : "failed";
    problems_init(&c->problems, c->arena);
    r->status = err_http_status(err->code);
    r->detail = err->code == ERR_INTERNAL ? "something failed on our side"
                                          : arena_strdup(c->arena, err->msg);
    return err->code != ERR_INTERNAL && err->code != ERR_TIMEOUT;
}

static void write_result(const void *element, struct jw *w)
{
    const struct result *r = element;
    jw_kstr(w, "id", r->id);
    jw_kint(w, "status", r->status);
    jw_kstr(w, "detail", r->detail);
    jw_kstr(w, "deploymentId", r->deployment);
}

static int handle_bulk(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    AUTO_JSON *ids = NULL;
    struct bulk_in bulk = {0};
    if (api_body(c, false, &in, err) < 0 || api_valid(c, &table, in, false, &bulk, err) < 0 ||
        json_parse(bulk.ids, strlen(bulk.ids), &ids, err) < 0)
        return -1;
    size_t n = json_len(ids);
    struct result *results = ARENA_ARRAY(c->arena, n, struct result);
    for (size_t i = 0; i < n; i++) {
        results[i] = (struct result){
            .id =
                arena_strdup(c->arena, json_object_get_string(json_object_array_get_idx(ids, i)))};
        if (!try_one(c, bulk.action, &results[i], err))
            return -1;
    }
    api_send_list(c, results, n, sizeof(*results), write_result, false, NULL);
    return 0;
}

static const struct route routes[] = {
    ROUTE(POST, "/api/applications/bulk", handle_bulk, LOGIN, USER,
          .doc = "Do one thing to many applications",
          .note = "Each by itself, with a status of its own: never all or nothing.", .in = &table,
          .out = &result_table, .flags = ROUTE_ARRAY),
};
const struct route_table api_bulk_routes = {routes, ARRAY_LEN(routes)};
