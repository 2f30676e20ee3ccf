/* SPDX-License-Identifier: MIT */
/* API tokens: what programs log in with in a user's name. */
#include <string.h>

#include "api/crud.h"
#include "api/project.h"
#include "api/routes.h"
#include "api/rules.h"
#include "auth/token.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "store/token.h"

struct token_in {
    uint64_t set;
    struct store_token t;
};

#define AT(m) offsetof(struct token_in, m)
static const struct valid_field fields[] = {
    FIELD_ID,
    {.name = "userId", .type = VALID_STR, .flags = VALID_DERIVED, .doc = "in whose name it acts"},
    FIELD_NAME(AT(t.name), "what it is for"),
    {.name = "role",
     .type = VALID_ENUM,
     .flags = VALID_REQUIRED,
     .choices = "owner|admin|developer|viewer|metrics",
     .offset = AT(t.role),
     .doc = "what it may do at most, never more than its user; metrics: scrape and nothing else"},
    {.name = "projectIds",
     .type = VALID_LIST,
     .flags = VALID_NULLABLE,
     .min = 1,
     .rule = rule_id,
     .offset = AT(t.project_ids),
     .doc = "the only projects that it may touch; null: wherever its user may"},
    {.name = "expiresAt",
     .type = VALID_TIME,
     .flags = VALID_NULLABLE,
     .offset = AT(t.expires_at),
     .doc = "until when it is good; null: until it is deleted"},
    {.name = "lastUsedAt",
     .type = VALID_TIME,
     .flags = VALID_DERIVED | VALID_NULLABLE,
     .doc = "when it was last used, to the minute"},
    {.name = "token",
     .type = VALID_STR,
     .flags = VALID_DERIVED | VALID_MAYBE | VALID_NULLABLE,
     .doc = "the secret; shown once, when it is made"},
    FIELD_CREATED,
};
#undef AT
static const struct valid_table table = {"Token", fields, ARRAY_LEN(fields),
                                         sizeof(struct token_in)};

static const struct valid_field query_fields[] = {
    {.name = "all", .type = VALID_BOOL, .doc = "everybody's, not only one's own"},
};
static const struct valid_table query = {"TokenFilter", query_fields, ARRAY_LEN(query_fields), 0};

/* The projects must be there for the maker. */
static int check_projects(struct api_call *c, const char *ids, struct err *err)
{
    AUTO_JSON *list = NULL;
    if (!ids || json_parse(ids, strlen(ids), &list, err) < 0)
        return ids ? -1 : 0;
    for (size_t i = 0; i < json_len(list); i++) {
        struct store_project p;
        const char *id = json_object_get_string(json_object_array_get_idx(list, i));
        if (api_project_get(c, id, PERM_PROJECT_READ, &p, NULL, err) == 0)
            continue;
        if (err->code != ERR_NOT_FOUND)
            return -1;
        api_add_problem(c, arena_printf(c->arena, "projectIds[%zu]", i), "names no project");
    }
    return api_refuse(c, err);
}

static int check_strength(struct api_call *c, const struct store_token *t, struct err *err)
{
    const char *by_project;
    if (str_eq(t->role, "metrics"))
        return api_require(c, NULL, PERM_METRICS_SCRAPE, err);
    if (store_user_strongest(c->api->pg, c->arena, c->session->user.id, &by_project, err) < 0)
        return -1;
    unsigned strongest = c->session->role;
    if (by_project && rbac_role(by_project) > strongest)
        strongest = rbac_role(by_project);
    if (rbac_role(t->role) <= strongest)
        return 0;
    return api_bad_field(
        c, "role", arena_printf(c->arena, "must not be stronger than your own, not '%s'", t->role),
        err);
}

static void write_token(const void *t, struct jw *w)
{
    store_token_json(t, w);
}

static int handle_list(struct api_call *c, struct err *err)
{
    struct store_page page;
    struct store_tokens list;
    bool all;
    if (api_page(c, &page, err) < 0 || api_flag(c, "all", &all, err) < 0 ||
        (all && api_require(c, NULL, PERM_TOKEN_READ, err) < 0) ||
        store_token_list(c->api->pg, c->arena, all ? NULL : c->session->user.id, &page, &list,
                         err) < 0)
        return -1;
    api_send_list(c, list.list, list.n, sizeof(*list.list), write_token, list.more,
                  list.n ? list.list[list.n - 1].id : NULL);
    return 0;
}

static const struct crud crud = {.path = "/api/auth/tokens", .write = write_token};

static int handle_create(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    struct token_in new = {.t = {.id = uuid_new(c->arena), .user_id = c->session->user.id}};
    unsigned char hash[SHA256_SIZE];
    api_audit(c, "token.create", new.t.id);
    if (api_body(c, false, &in, err) < 0 || api_valid(c, &table, in, false, &new, err) < 0 ||
        check_strength(c, &new.t, err) < 0 || check_projects(c, new.t.project_ids, err) < 0)
        return -1;
    if (new.t.expires_at &&new.t.expires_at <= time_now())
        return api_bad_field(c, "expiresAt", "must be in the future", err);
    const char *secret = token_make(c->arena, hash);
    if (store_token_insert(c->api->pg, c->arena, &new.t, hash, err) < 0 ||
        store_token_get(c->api->pg, c->arena, new.t.id, &new.t, err) < 0)
        return -1;
    crud_made(c, &crud, &new.t, "token", secret);
    return 0;
}

static int handle_delete(struct api_call *c, struct err *err)
{
    const char *id = c->req->params[0];
    struct store_token t;
    api_audit(c, "token.delete", id);
    if (api_check_id(id, "token", err) < 0 ||
        store_token_get(c->api->pg, c->arena, id, &t, err) < 0)
        return -1;
    struct err hidden;
    if (!str_eq(t.user_id, c->session->user.id) &&
        api_require(c, NULL, PERM_TOKEN_DELETE, &hidden) < 0)
        return err_set(err, ERR_NOT_FOUND, "there is no such token");
    if (store_token_revoke(c->api->pg, c->arena, id, err) < 0)
        return -1;
    api_no_content(c);
    return 0;
}

static const struct route routes[] = {
    ROUTE(GET, "/api/auth/tokens", handle_list, LOGIN, USER, .doc = "List your own API tokens",
          .query = &query, .out = &table, .flags = ROUTE_LIST),
    ROUTE(POST, "/api/auth/tokens", handle_create, PERSON, USER, .doc = "Make an API token",
          .in = &table, .out = &table, .status = 201),
    ROUTE(DELETE, "/api/auth/tokens/:id", handle_delete, PERSON, USER, .doc = "Delete an API token",
          .note = "It is dead at once."),
};
const struct route_table api_token_routes = {routes, ARRAY_LEN(routes)};
