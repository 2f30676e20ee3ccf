/* SPDX-License-Identifier: MIT */
/* The teams' half of api/user.h. */
#include "api/crud.h"
#include "api/rules.h"
#include "api/user.h"
#include "base/rand.h"
#include "base/str.h"

struct team_in {
    uint64_t set;
    const char *name;
};

struct member_in {
    uint64_t set;
    const char *role;
};

static const struct valid_field member_fields[] = {
    {.name = "userId", .type = VALID_STR, .doc = "the user"},
    {.name = "username", .type = VALID_STR, .doc = "and the name"},
    {.name = "role",
     .type = VALID_ENUM,
     .choices = "admin|developer|viewer",
     .doc = "in the team's projects"},
};
static const struct valid_table member_table = {"TeamMember", member_fields,
                                                ARRAY_LEN(member_fields), 0};

static const struct valid_field fields[] = {
    FIELD_ID,
    FIELD_NAME(offsetof(struct team_in, name), "what the team is called"),
    {.name = "members",
     .type = VALID_LIST,
     .flags = VALID_DERIVED,
     .sub = &member_table,
     .doc = "who is in it, by name"},
    FIELD_CREATED,
    FIELD_UPDATED,
};
static const struct valid_table table = {"Team", fields, ARRAY_LEN(fields), sizeof(struct team_in)};

static const struct valid_field role_fields[] = {
    {.name = "role",
     .type = VALID_ENUM,
     .flags = VALID_REQUIRED,
     .choices = "admin|developer|viewer",
     .offset = offsetof(struct member_in, role),
     .doc = "in the team's projects"},
};
static const struct valid_table role_table = {"Membership", role_fields, ARRAY_LEN(role_fields),
                                              sizeof(struct member_in)};

static int taken(struct api_call *c, struct err *err)
{
    return err->code == ERR_CONFLICT ? api_bad_field(c, "name", "is another team's", err) : -1;
}

int api_team_list(struct api_call *c, const struct store_page *page, struct store_teams *out,
                  struct err *err)
{
    return store_team_list(c->api->pg, c->arena, page, out, err);
}

static int load(struct api_call *c, const char *id, enum permission p, struct store_team *out,
                struct err *err)
{
    if (api_require(c, NULL, p, err) < 0 || api_check_id(id, "team", err) < 0)
        return -1;
    return store_team_get(c->api->pg, c->arena, id, out, err);
}

int api_team_get(struct api_call *c, const char *id, struct store_team *out, struct err *err)
{
    return load(c, id, PERM_TEAM_READ, out, err);
}

int api_team_create(struct api_call *c, struct json_object *in, struct store_team *out,
                    struct err *err)
{
    struct team_in new = {0};
    const char *id = uuid_new(c->arena);
    api_audit(c, "team.create", id);
    if (api_require(c, NULL, PERM_TEAM_CREATE, err) < 0 ||
        api_valid(c, &table, in, false, &new, err) < 0)
        return -1;
    if (store_team_insert(c->api->pg, c->arena, id, new.name, err) < 0)
        return taken(c, err);
    return store_team_get(c->api->pg, c->arena, id, out, err);
}

int api_team_update(struct api_call *c, const char *id, struct json_object *in,
                    struct store_team *out, struct err *err)
{
    struct team_in change = {0};
    api_audit(c, "team.update", id);
    if (load(c, id, PERM_TEAM_UPDATE, out, err) < 0)
        return -1;
    change.name = out->name;
    if (api_valid(c, &table, in, true, &change, err) < 0)
        return -1;
    if (store_team_rename(c->api->pg, c->arena, id, change.name, err) < 0)
        return taken(c, err);
    return store_team_get(c->api->pg, c->arena, id, out, err);
}

int api_team_delete(struct api_call *c, const char *id, struct err *err)
{
    struct store_team team;
    api_audit(c, "team.delete", id);
    if (load(c, id, PERM_TEAM_DELETE, &team, err) < 0)
        return -1;
    return store_team_delete(c->api->pg, c->arena, id, err);
}

int api_team_put_member(struct api_call *c, const char *id, const char *user_id,
                        struct json_object *in, struct store_team *out, struct err *err)
{
    struct member_in member = {0};
    api_audit(c, "team.member.put", id);
    if (load(c, id, PERM_TEAM_UPDATE, out, err) < 0 || api_check_id(user_id, "user", err) < 0 ||
        api_valid(c, &role_table, in, false, &member, err) < 0)
        return -1;
    c->audit->change =
        arena_printf(c->arena, "{\"userId\":\"%s\",\"role\":\"%s\"}", user_id, member.role);
    if (store_team_put_member(c->api->pg, c->arena, id, user_id, member.role, err) < 0)
        return -1;
    return store_team_get(c->api->pg, c->arena, id, out, err);
}

int api_team_drop_member(struct api_call *c, const char *id, const char *user_id, struct err *err)
{
    struct store_team team;
    api_audit(c, "team.member.remove", id);
    if (load(c, id, PERM_TEAM_UPDATE, &team, err) < 0 || api_check_id(user_id, "member", err) < 0)
        return -1;
    c->audit->change = arena_printf(c->arena, "{\"userId\":\"%s\"}", user_id);
    return store_team_drop_member(c->api->pg, c->arena, id, user_id, err);
}

/* ---- HTTP */

static void write_team(const void *t, struct jw *w)
{
    store_team_json(t, w);
}

static int list(struct api_call *c, const struct store_page *page, struct crud_list *out,
                struct err *err)
{
    struct store_teams teams;
    if (api_team_list(c, page, &teams, err) < 0)
        return -1;
    CRUD_LIST(out, teams);
    return 0;
}

static int get(struct api_call *c, const char *id, void *out, struct err *err)
{
    return api_team_get(c, id, out, err);
}

static int create(struct api_call *c, struct json_object *in, void *out, struct err *err)
{
    return api_team_create(c, in, out, err);
}

static int update(struct api_call *c, const char *id, struct json_object *in, void *out,
                  struct err *err)
{
    return api_team_update(c, id, in, out, err);
}

static const struct crud crud = {.path = "/api/teams",
                                 .size = sizeof(struct store_team),
                                 .write = write_team,
                                 .list = list,
                                 .get = get,
                                 .create = create,
                                 .update = update,
                                 .remove = api_team_delete};

static int handle_put_member(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    struct store_team t;
    if (api_body(c, false, &in, err) < 0 ||
        api_team_put_member(c, c->req->params[0], c->req->params[1], in, &t, err) < 0)
        return -1;
    api_send_one(c, 200, &t, write_team);
    return 0;
}

static int handle_drop_member(struct api_call *c, struct err *err)
{
    if (api_team_drop_member(c, c->req->params[0], c->req->params[1], err) < 0)
        return -1;
    api_no_content(c);
    return 0;
}

static const struct route routes[] = {
    ROUTE(GET, "/api/teams", crud_list, TEAM_READ, USER, .crud = &crud, .doc = "List the teams",
          .out = &table, .flags = ROUTE_LIST),
    ROUTE(POST, "/api/teams", crud_create, TEAM_CREATE, USER, .crud = &crud, .doc = "Make a team",
          .in = &table, .out = &table, .status = 201),
    ROUTE(GET, "/api/teams/:id", crud_get, TEAM_READ, USER, .crud = &crud, .doc = "Read a team",
          .out = &table),
    ROUTE(PATCH, "/api/teams/:id", crud_update, TEAM_UPDATE, USER, .crud = &crud,
          .doc = "Rename a team", .in = &table, .out = &table, .flags = ROUTE_MATCH),
    ROUTE(DELETE, "/api/teams/:id", crud_delete, TEAM_DELETE, USER, .crud = &crud,
          .doc = "Delete a team", .note = "Its projects stay, with their owners.",
          .flags = ROUTE_MATCH),
    ROUTE(PUT, "/api/teams/:id/members/:userId", handle_put_member, TEAM_UPDATE, USER,
          .doc = "Add a member or change the role", .in = &role_table, .out = &table),
    ROUTE(DELETE, "/api/teams/:id/members/:userId", handle_drop_member, TEAM_UPDATE, USER,
          .doc = "Remove a member"),
};
const struct route_table api_team_routes = {routes, ARRAY_LEN(routes)};
