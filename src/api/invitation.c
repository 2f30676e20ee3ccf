/* SPDX-License-Identifier: MIT */
#include "api/invitation.h"

#include <string.h>
#include <strings.h>

#include "api/crud.h"
#include "api/rules.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "store/team.h"

enum { DAYS_DEFAULT = 7, DAYS_MOST = 90 };

struct invitation_in {
    uint64_t set;
    struct store_invitation i;
};

#define AT(m) offsetof(struct invitation_in, m)
static const struct valid_field fields[] = {
    FIELD_ID,
    {.name = "email",
     .type = VALID_STR,
     .flags = VALID_REQUIRED,
     .min = 3,
     .max = 254,
     .rule = rule_email,
     .offset = AT(i.email),
     .doc = "whom it is for; the account gets this address"},
    {.name = "roles",
     .type = VALID_LIST,
     .max = 4,
     .rule = rule_role,
     .offset = AT(i.roles),
     .doc = "system roles of the account"},
    {.name = "teamId",
     .type = VALID_STR,
     .flags = VALID_NULLABLE,
     .rule = rule_id,
     .offset = AT(i.team_id),
     .doc = "a team that the account joins"},
    {.name = "teamRole",
     .type = VALID_ENUM,
     .flags = VALID_NULLABLE,
     .choices = "admin|developer|viewer",
     .offset = AT(i.team_role),
     .doc = "with this role; viewer when it is left out"},
    {.name = "expiresAt",
     .type = VALID_TIME,
     .offset = AT(i.expires_at),
     .doc = "until when it is good: 7 days, at most 90"},
    {.name = "link",
     .type = VALID_STR,
     .flags = VALID_DERIVED | VALID_MAYBE | VALID_NULLABLE,
     .doc = "where the account is made; shown once, when the invitation is made"},
    FIELD_CREATED,
};
#undef AT
static const struct valid_table table = {"Invitation", fields, ARRAY_LEN(fields),
                                         sizeof(struct invitation_in)};

static void hash_of(const char *token, unsigned char hash[SHA256_SIZE])
{
    sha256(token, strlen(token), hash);
}

int api_invitation_find(struct api_call *c, const char *token, struct store_invitation *out,
                        struct err *err)
{
    unsigned char hash[SHA256_SIZE];
    hash_of(token, hash);
    if (store_invitation_find(c->api->pg, c->arena, hash, out, err) == 0)
        return 0;
    return err->code == ERR_NOT_FOUND
               ? err_set(err, ERR_FORBIDDEN,
                         "the invitation is not, or no longer, good; ask for a new one")
               : -1;
}

int api_invitation_accept(struct api_call *c, const char *token, const char *email,
                          struct store_invitation *out, struct err *err)
{
    unsigned char hash[SHA256_SIZE];
    hash_of(token, hash);
    if (store_invitation_accept(c->api->pg, c->arena, hash, out, err) < 0)
        return err->code == ERR_NOT_FOUND
                   ? api_bad_field(c, "invitation", "is not, or no longer, good; ask for a new one",
                                   err)
                   : -1;
    if (strcasecmp(out->email, email) != 0)
        return api_bad_field(c, "email", "is not the one that was invited", err);
    return 0;
}

static int check(struct api_call *c, struct store_invitation *i, struct err *err)
{
    int64_t now = time_now(), day = 24 * 3600 * 1000LL;
    if (!i->expires_at)
        i->expires_at = now + DAYS_DEFAULT * day;
    if (i->expires_at <= now || i->expires_at > now + DAYS_MOST * day)
        problem_add(&c->problems, "expiresAt", "must be within the next %d days", DAYS_MOST);
    struct store_team team;
    if (i->team_id && store_team_get(c->api->pg, c->arena, i->team_id, &team, err) < 0) {
        if (err->code != ERR_NOT_FOUND)
            return -1;
        api_add_problem(c, "teamId", "names no team");
    }
    if (i->team_role && !i->team_id)
        api_add_problem(c, "teamRole", "means nothing without teamId");
    if (i->team_id && !i->team_role)
        i->team_role = "viewer";
    if (rbac_strongest(i->roles) & ROLE_OWNER && api_require(c, NULL, PERM_OWNER_ONLY, err) < 0)
        return err_set(err, ERR_FORBIDDEN, "only an owner may invite an owner");
    return api_refuse(c, err);
}

static void write_invitation(const void *i, struct jw *w)
{
    store_invitation_json(i, w);
}

static int handle_list(struct api_call *c, struct err *err)
{
    struct store_page page;
    struct store_invitations list;
    if (api_page(c, &page, err) < 0 ||
        store_invitation_list(c->api->pg, c->arena, &page, &list, err) < 0)
        return -1;
    api_send_list(c, list.list, list.n, sizeof(*list.list), write_invitation, list.more,
                  list.n ? list.list[list.n - 1].id : NULL);
    return 0;
}

static int create(struct api_call *c, struct json_object *in, struct store_invitation *out,
                  const char **token, struct err *err)
{
    struct invitation_in new = {.i = {.id = uuid_new(c->arena), .roles = "[]"}};
    unsigned char hash[SHA256_SIZE];
    api_audit(c, "invitation.create", new.i.id);
    if (api_valid(c, &table, in, false, &new, err) < 0 || check(c, &new.i, err) < 0)
        return -1;
    *token = rand_hex(c->arena, 32);
    hash_of(*token, hash);
    if (store_invitation_insert(c->api->pg, c->arena, &new.i, hash, c->session->user.id, err) < 0)
        return err->code == ERR_INVALID ? api_bad_field(c, "teamId", "names no team", err) : -1;
    return store_invitation_get(c->api->pg, c->arena, new.i.id, out, err);
}

static const struct crud crud = {.path = "/api/invitations", .write = write_invitation};

static int handle_create(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    struct store_invitation i;
    const char *token;
    if (api_body(c, false, &in, err) < 0 || create(c, in, &i, &token, err) < 0)
        return -1;
    crud_made(c, &crud, &i, "link",
              arena_printf(c->arena, "%s/register?invitation=%s", api_public_url(c), token));
    return 0;
}

static int handle_delete(struct api_call *c, struct err *err)
{
    const char *id = c->req->params[0];
    struct store_invitation i;
    api_audit(c, "invitation.delete", id);
    if (api_check_id(id, "invitation", err) < 0 ||
        store_invitation_get(c->api->pg, c->arena, id, &i, err) < 0 ||
        store_invitation_revoke(c->api->pg, c->arena, id, err) < 0)
        return -1;
    api_no_content(c);
    return 0;
}

static const struct route routes[] = {
    ROUTE(GET, "/api/invitations", handle_list, INVITATION_READ, USER,
          .doc = "List the open invitations", .out = &table, .flags = ROUTE_LIST),
    ROUTE(POST, "/api/invitations", handle_create, INVITATION_CREATE, USER,
          .doc = "Invite somebody", .in = &table, .out = &table, .status = 201),
    ROUTE(DELETE, "/api/invitations/:id", handle_delete, INVITATION_DELETE, USER,
          .doc = "Take an invitation back"),
};
const struct route_table api_invitation_routes = {routes, ARRAY_LEN(routes)};
