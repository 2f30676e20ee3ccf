/* SPDX-License-Identifier: MIT */
#include "api/user.h"

#include <string.h>

#include "api/auth.h"
#include "api/crud.h"
#include "api/rules.h"
#include "auth/password.h"
#include "base/rand.h"
#include "base/str.h"

struct user_in {
    uint64_t set;
    struct store_user u;
    const char *password;
};

#define AT(m) offsetof(struct user_in, m)
static const struct valid_field fields[] = {
    FIELD_ID,
    {.name = "username",
     .type = VALID_STR,
     .flags = VALID_REQUIRED | VALID_FIXED,
     .min = 1,
     .max = 64,
     .rule = rule_username,
     .offset = AT(u.username),
     .doc = "name to log in with"},
    {.name = "email",
     .type = VALID_STR,
     .flags = VALID_REQUIRED,
     .min = 3,
     .max = 254,
     .rule = rule_email,
     .offset = AT(u.email),
     .doc = "e-mail address"},
    {.name = "name",
     .type = VALID_STR,
     .flags = VALID_NULLABLE,
     .min = 1,
     .max = 100,
     .rule = rule_line,
     .offset = AT(u.name),
     .doc = "the person's name"},
    {.name = "picture",
     .type = VALID_STR,
     .flags = VALID_DERIVED | VALID_NULLABLE,
     .doc = "address of a picture; an issuer says it"},
    {.name = "roles",
     .type = VALID_LIST,
     .max = 4,
     .rule = rule_role,
     .offset = AT(u.roles),
     .doc = "owner, admin, developer, viewer; the strongest counts"},
    {.name = "disabled",
     .type = VALID_BOOL,
     .offset = AT(u.disabled),
     .doc = "whether the user is kept from logging in"},
    {.name = "password",
     .type = VALID_STR,
     .flags = VALID_WRITE_ONLY | VALID_SECRET,
     .min = 8,
     .max = 1024,
     .rule = password_rule,
     .offset = AT(password),
     .doc = "a new password; without one the user logs in through an issuer"},
    FIELD_CREATED,
};
#undef AT
const struct valid_table api_user_table = {"User", fields, ARRAY_LEN(fields),
                                           sizeof(struct user_in)};

static int may_touch_owner(struct api_call *c, const char *roles, struct err *err)
{
    if (!(rbac_strongest(roles) & ROLE_OWNER))
        return 0;
    if (api_require(c, NULL, PERM_OWNER_ONLY, err) == 0)
        return 0;
    return err_set(err, ERR_FORBIDDEN, "only an owner may make, change or remove an owner");
}

static int taken(struct api_call *c, struct err *err)
{
    if (err->code != ERR_CONFLICT || !str_starts(err->msg, "users_"))
        return -1;
    return api_bad_field(c, str_eq(err->msg, "users_email") ? "email" : "username", "is taken",
                         err);
}

int api_user_list(struct api_call *c, const struct store_page *page, struct store_users *out,
                  struct err *err)
{
    return store_user_list(c->api->pg, c->arena, page, out, err);
}

int api_user_get(struct api_call *c, const char *id, struct store_user *out, struct err *err)
{
    if (api_require(c, NULL, PERM_USER_READ, err) < 0 || api_check_id(id, "user", err) < 0)
        return -1;
    return store_user_by_id(c->api->pg, c->arena, id, out, err) == 0 ? 0
           : err->code == ERR_NOT_FOUND ? err_set(err, ERR_NOT_FOUND, "there is no such user")
                                        : -1;
}

int api_user_create(struct api_call *c, struct json_object *in, struct store_user *out,
                    struct err *err)
{
    struct user_in new = {.u = {.id = uuid_new(c->arena), .roles = "[]"}};
    api_audit(c, "user.create", new.u.id);
    if (api_require(c, NULL, PERM_USER_CREATE, err) < 0 ||
        api_valid(c, &api_user_table, in, false, &new, err) < 0 ||
        may_touch_owner(c, new.u.roles, err) < 0 ||
        (new.password &&password_hash(c->arena, new.password, &new.u.password_hash, err) < 0))
        return -1;
    if (store_user_create(c->api->pg, c->arena, &new.u, false, out, err) < 0)
        return taken(c, err);
    if (new.u.disabled)
        return store_user_update(c->api->pg, c->arena, &new.u, out, err);
    return 0;
}

/* What of the change must be felt by whoever is logged in with the account. */
static bool ends_sessions(const struct user_in *change, const struct store_user *before)
{
    return change->password || change->u.disabled != before->disabled ||
           !str_eq(change->u.roles, before->roles);
}

int api_user_update(struct api_call *c, const char *id, struct json_object *in,
                    struct store_user *out, struct err *err)
{
    struct store_user before;
    struct session_deps deps = api_session_deps(c);
    api_audit(c, "user.update", id);
    if (api_require(c, NULL, PERM_USER_UPDATE, err) < 0 || api_check_id(id, "user", err) < 0 ||
        store_user_lock(c->api->pg, c->arena, id, &before, err) < 0)
        return -1;
    struct user_in change = {.u = before};
    if (may_touch_owner(c, before.roles, err) < 0 ||
        api_valid(c, &api_user_table, in, true, &change, err) < 0 ||
        may_touch_owner(c, change.u.roles, err) < 0 ||
        (change.password &&
         password_hash(c->arena, change.password, &change.u.password_hash, err) < 0))
        return -1;
    if (store_user_update(c->api->pg, c->arena, &change.u, out, err) < 0)
        return taken(c, err);
    if (!ends_sessions(&change, &before))
        return 0;
    return session_end_all(&deps, c->arena, id, NULL, NULL, err);
}

int api_user_delete(struct api_call *c, const char *id, struct err *err)
{
    struct store_user user;
    struct session_deps deps = api_session_deps(c);
    api_audit(c, "user.delete", id);
    if (api_require(c, NULL, PERM_USER_DELETE, err) < 0 || api_check_id(id, "user", err) < 0 ||
        store_user_lock(c->api->pg, c->arena, id, &user, err) < 0 ||
        may_touch_owner(c, user.roles, err) < 0)
        return -1;
    if (str_eq(id, c->session->user.id))
        return err_set(err, ERR_CONFLICT, "you cannot delete yourself");
    if (store_user_delete(c->api->pg, c->arena, id, err) < 0)
        return -1;
    return session_end_all(&deps, c->arena, id, NULL, NULL, err);
}

/* ---- HTTP */

static void write_user(const void *u, struct jw *w)
{
    store_user_json(u, w);
}

static int list(struct api_call *c, const struct store_page *page, struct crud_list *out,
                struct err *err)
{
    struct store_users users;
    if (api_user_list(c, page, &users, err) < 0)
        return -1;
    CRUD_LIST(out, users);
    return 0;
}

static int get(struct api_call *c, const char *id, void *out, struct err *err)
{
    return api_user_get(c, id, out, err);
}

static int create(struct api_call *c, struct json_object *in, void *out, struct err *err)
{
    return api_user_create(c, in, out, err);
}

static int update(struct api_call *c, const char *id, struct json_object *in, void *out,
                  struct err *err)
{
    return api_user_update(c, id, in, out, err);
}

static const struct crud crud = {.path = "/api/users",
                                 .size = sizeof(struct store_user),
                                 .write = write_user,
                                 .list = list,
                                 .get = get,
                                 .create = create,
                                 .update = update,
                                 .remove = api_user_delete};

static const struct route routes[] = {
    ROUTE(GET, "/api/users", crud_list, USER_READ, USER, .doc = "List the users", .crud = &crud,
          .out = &api_user_table, .flags = ROUTE_LIST),
    ROUTE(POST, "/api/users", crud_create, USER_CREATE, USER, .doc = "Make a user", .crud = &crud,
          .in = &api_user_table, .out = &api_user_table, .status = 201),
    ROUTE(GET, "/api/users/:id", crud_get, USER_READ, USER, .doc = "Read a user", .crud = &crud,
          .out = &api_user_table),
    ROUTE(PATCH, "/api/users/:id", crud_update, USER_UPDATE, USER, .doc = "Change a user",
          .note = "Other roles, another password and disabling end the user's sessions.",
          .crud = &crud, .in = &api_user_table, .out = &api_user_table, .flags = ROUTE_MATCH),
    ROUTE(DELETE, "/api/users/:id", crud_delete, USER_DELETE, USER, .doc = "Delete a user",
          .crud = &crud, .flags = ROUTE_MATCH),
};
const struct route_table api_user_routes = {routes, ARRAY_LEN(routes)};
