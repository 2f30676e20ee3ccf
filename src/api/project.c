/* SPDX-License-Identifier: MIT */
#include "api/project.h"

#include "api/rules.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/str.h"
#include "queue/queue.h"

struct project_in {
    uint64_t set;
    struct store_project p;
};

#define AT(m) offsetof(struct project_in, m)
static const struct valid_field fields[] = {
    {.name = "name",
     .type = VALID_STR,
     .flags = VALID_REQUIRED,
     .min = 1,
     .max = 100,
     .rule = rule_line,
     .offset = AT(p.name),
     .doc = "what the project is called"},
    {.name = "description",
     .type = VALID_STR,
     .max = 2000,
     .rule = rule_text,
     .offset = AT(p.description),
     .doc = "what it is for"},
    {.name = "teamId",
     .type = VALID_STR,
     .flags = VALID_NULLABLE,
     .rule = rule_id,
     .offset = AT(p.team_id),
     .doc = "the team whose members share it"},
};
#undef AT
static const struct valid_table table = {"Project", fields, ARRAY_LEN(fields),
                                         sizeof(struct project_in)};

static int unknown_team(struct api_call *c, struct err *err)
{
    if (err->code == ERR_INVALID)
        return api_bad_field(c, "teamId", "names no team", err);
    return -1;
}

int api_project_create(struct api_call *c, struct json_object *in, struct store_project *out,
                       struct err *err)
{
    struct project_in new = {.p = {.description = ""}};
    if (api_require(c, NULL, PERM_PROJECT_CREATE, err) < 0)
        return -1;
    if (!valid_object(&table, in, false, &new, &c->problems))
        return api_invalid(c, err);
    new.p.id = uuid_new(c->arena);
    new.p.owner_id = c->session->user.id;
    if (store_project_insert(c->api->pg, c->arena, &new.p, out, err) < 0)
        return unknown_team(c, err);
    return 0;
}

int api_project_get(struct api_call *c, const char *id, enum permission p,
                    struct store_project *out, const char **role, struct err *err)
{
    const char *own_role;
    if (api_check_id(id, "project", err) < 0 ||
        store_project_get(c->api->pg, c->arena, &c->scope, id, out, &own_role, err) < 0)
        return -1;
    if (role)
        *role = own_role;
    return api_require(c, own_role, p, err);
}

int api_project_list(struct api_call *c, const struct store_page *page, struct store_projects *out,
                     struct err *err)
{
    return store_project_list(c->api->pg, c->arena, &c->scope, page, out, err);
}

int api_project_update(struct api_call *c, const char *id, struct json_object *in,
                       struct store_project *out, struct err *err)
{
    struct project_in change = {0};
    if (api_project_get(c, id, PERM_PROJECT_UPDATE, &change.p, NULL, err) < 0)
        return -1;
    if (!valid_object(&table, in, true, &change, &c->problems))
        return api_invalid(c, err);
    if (store_project_update(c->api->pg, c->arena, &change.p, out, err) < 0)
        return unknown_team(c, err);
    return 0;
}

int api_project_delete(struct api_call *c, const char *id, bool force, struct err *err)
{
    struct store_project p;
    const char **removed;
    if (api_project_get(c, id, PERM_PROJECT_DELETE, &p, NULL, err) < 0 ||
        store_project_delete(c->api->pg, c->arena, id, force, &removed, err) < 0)
        return -1;
    struct err late; /* the rows say it; the worker looks for what the queue did not bring */
    for (; *removed; removed++)
        if (queue_put(c->api->redis, QUEUE_ACTION, "remove", *removed, &late) < 0)
            log_err(LOG_LEVEL_WARN, "could not queue a removal", &late);
    return 0;
}

static int send_one(struct api_call *c, const struct store_project *p, int status)
{
    struct jw w;
    api_begin(c, &w);
    jw_begin(&w);
    store_project_json(p, &w);
    jw_end(&w);
    api_send(c, status, "");
    return 0;
}

static int handle_list(struct api_call *c, struct err *err)
{
    struct store_page page;
    struct store_projects list;
    struct jw w;
    if (api_page(c, &page, err) < 0 || api_project_list(c, &page, &list, err) < 0)
        return -1;
    api_begin(c, &w);
    jw_begin_array(&w);
    for (size_t i = 0; i < list.n; i++) {
        jw_begin(&w);
        store_project_json(&list.list[i], &w);
        jw_end(&w);
    }
    jw_end_array(&w);
    if (list.more)
        api_next_page(c, list.list[list.n - 1].id);
    api_send(c, 200, NULL);
    return 0;
}

static int handle_create(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    struct store_project p;
    if (api_body(c, false, &in, err) < 0 || api_project_create(c, in, &p, err) < 0)
        return -1;
    http_set(c->res, "Location", "/api/projects/%s", p.id);
    return send_one(c, &p, 201);
}

static int handle_get(struct api_call *c, struct err *err)
{
    struct store_project p;
    if (api_project_get(c, c->req->params[0], PERM_PROJECT_READ, &p, NULL, err) < 0)
        return -1;
    return send_one(c, &p, 200);
}

static int check_match(struct api_call *c, struct err *err)
{
    struct store_project p;
    AUTO_BUF text = {0};
    struct jw w;
    if (!http_header(c->req, "If-Match"))
        return 0;
    if (api_project_get(c, c->req->params[0], PERM_PROJECT_READ, &p, NULL, err) < 0)
        return -1;
    jw_init(&w, &text);
    jw_begin(&w);
    store_project_json(&p, &w);
    jw_end(&w);
    return api_check_match(c, &text, err);
}

static int handle_update(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    struct store_project p;
    if (api_body(c, false, &in, err) < 0 || check_match(c, err) < 0 ||
        api_project_update(c, c->req->params[0], in, &p, err) < 0)
        return -1;
    return send_one(c, &p, 200);
}

static int handle_delete(struct api_call *c, struct err *err)
{
    bool force = str_eq(http_query(c->req, "force"), "true");
    if (check_match(c, err) < 0 || api_project_delete(c, c->req->params[0], force, err) < 0)
        return -1;
    api_no_content(c);
    return 0;
}

static const struct route routes[] = {
    ROUTE(GET, "/api/projects", handle_list, PROJECT_READ, USER),
    ROUTE(POST, "/api/projects", handle_create, PROJECT_CREATE, USER),
    ROUTE(GET, "/api/projects/:id", handle_get, PROJECT_READ, USER),
    ROUTE(PATCH, "/api/projects/:id", handle_update, PROJECT_UPDATE, USER),
    ROUTE(DELETE, "/api/projects/:id", handle_delete, PROJECT_DELETE, USER),
};
const struct route_table api_project_routes = {routes, ARRAY_LEN(routes)};
