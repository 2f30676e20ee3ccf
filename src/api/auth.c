/* SPDX-License-Identifier: MIT */
#include "api/auth.h"

#include <string.h>

#include "api/invitation.h"
#include "api/rules.h"
#include "api/serve.h"
#include "api/user.h"
#include "auth/password.h"
#include "auth/totp.h"
#include "base/rand.h"
#include "base/str.h"
#include "store/team.h"
#include "base/time.h"

enum { TICKET_SECONDS = 300 };

struct register_in {
    uint64_t set;
    const char *username, *email, *password, *invitation;
};

#define AT(m) offsetof(struct register_in, m)
static const struct valid_field register_fields[] = {
    {.name = "username",
     .type = VALID_STR,
     .flags = VALID_REQUIRED,
     .min = 1,
     .max = 64,
     .rule = rule_username,
     .offset = AT(username),
     .doc = "name to log in with"},
    {.name = "email",
     .type = VALID_STR,
     .flags = VALID_REQUIRED,
     .min = 3,
     .max = 254,
     .rule = rule_email,
     .offset = AT(email),
     .doc = "e-mail address"},
    {.name = "password",
     .type = VALID_STR,
     .flags = VALID_REQUIRED | VALID_SECRET,
     .min = 8,
     .max = 1024,
     .rule = password_rule,
     .offset = AT(password),
     .doc = "at least 8 characters"},
    {.name = "invitation",
     .type = VALID_STR,
     .flags = VALID_NULLABLE | VALID_SECRET,
     .max = 128,
     .offset = AT(invitation),
     .doc = "the token of an invitation's link"},
};
#undef AT
static const struct valid_table register_table = {
    "Registration", register_fields, ARRAY_LEN(register_fields), sizeof(struct register_in)};

struct login_in {
    uint64_t set;
    const char *username, *password, *code;
};

#define AT(m) offsetof(struct login_in, m)
static const struct valid_field login_fields[] = {
    {.name = "username",
     .type = VALID_STR,
     .flags = VALID_REQUIRED,
     .min = 1,
     .max = 254,
     .offset = AT(username),
     .doc = "the name registered with"},
    {.name = "password",
     .type = VALID_STR,
     .flags = VALID_REQUIRED | VALID_SECRET,
     .min = 1,
     .max = 1024,
     .offset = AT(password),
     .doc = "the password"},
    {.name = "code",
     .type = VALID_STR,
     .flags = VALID_SECRET,
     .max = 64,
     .offset = AT(code),
     .doc = "of the authenticator, or a recovery code, where the account has a second factor"},
};
#undef AT
static const struct valid_table login_table = {"Login", login_fields, ARRAY_LEN(login_fields),
                                               sizeof(struct login_in)};

/* ROLES is a JSON array. */
static int make_user(struct pg *pg, struct arena *a, const struct register_in *in,
                     const char *roles, bool first_only, struct store_user *out,
                     struct problems *problems, struct err *err)
{
    struct store_user user = {
        .id = uuid_new(a),
        .username = in->username,
        .email = in->email,
        .roles = roles,
    };
    if (password_hash(a, in->password, &user.password_hash, err) < 0)
        return -1;
    if (store_user_create(pg, a, &user, first_only, out, err) == 0)
        return 0;
    if (err->code != ERR_CONFLICT)
        return -1;
    const char *field = str_eq(err->msg, "users_email") ? "email" : "username";
    problem_add(problems, field, "is taken");
    return err_set(err, ERR_INVALID, "%s is taken", field);
}

/* An account by an invitation: its roles and its team. */
static int join(struct api_call *c, const struct register_in *reg, struct store_user *out,
                struct err *err)
{
    struct store_invitation i;
    struct pg *pg = c->api->pg;
    if (api_invitation_accept(c, reg->invitation, reg->email, &i, err) < 0 ||
        make_user(pg, c->arena, reg, i.roles, false, out, &c->problems, err) < 0)
        return -1;
    return i.team_id ? store_team_put_member(pg, c->arena, i.team_id, out->id, i.team_role, err)
                     : 0;
}

int api_register(struct api_call *c, struct json_object *in, struct store_user *out,
                 struct err *err)
{
    struct register_in reg = {0};
    bool any;
    if (!mw_same_origin(c))
        return err_set(err, ERR_FORBIDDEN, "the request comes from another site");
    if (store_user_any(c->api->pg, c->arena, &any, err) < 0)
        return -1;
    struct api_audit *entry = api_audit(c, "user.register", NULL);
    bool invited = json_str_at(in, "invitation") != NULL;
    if (any && !invited && !str_eq(c->api->conf->web_registration, "open"))
        return err_set(err, ERR_FORBIDDEN, "registration is closed; ask for an invitation");
    if (api_valid(c, &register_table, in, false, &reg, err) < 0)
        return -1;
    if (any && invited) {
        if (join(c, &reg, out, err) < 0)
            return -1;
    } else if (make_user(c->api->pg, c->arena, &reg, any ? "[\"viewer\"]" : "[\"owner\"]", !any,
                         out, &c->problems, err) < 0) {
        return -1;
    }
    entry->resource = arena_printf(c->arena, "user:%s", out->id);
    entry->actor_id = out->id;
    entry->actor = out->username;
    return 0;
}

int api_user_add(struct pg *pg, struct arena *a, const char *username, const char *email,
                 const char *password, const char *role, struct store_user *out,
                 struct problems *problems, struct err *err)
{
    struct register_in in = {.username = username, .email = email, .password = password};
    AUTO_JSON *o = json_object_new_object();
    json_object_object_add(o, "username", json_object_new_string(username));
    json_object_object_add(o, "email", json_object_new_string(email));
    json_object_object_add(o, "password", json_object_new_string(password));
    if (!valid_object(&register_table, o, false, &in, problems))
        return err_set(err, ERR_INVALID, "%s %s", problems->first->field, problems->first->message);
    return make_user(pg, a, &in, arena_printf(a, "[\"%s\"]", role), false, out, problems, err);
}

static void set_cookie(struct api_call *c, const char *token, int seconds)
{
    http_set(c->res, "Set-Cookie",
             "slipway_session=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%d%s", token, seconds,
             c->req->https ? "; Secure" : "");
}

struct session_deps api_session_deps(const struct api_call *c)
{
    return (struct session_deps){.pg = c->api->pg, .redis = c->api->redis, .keys = &c->api->keys};
}

int api_open_session(struct api_call *c, struct api_audit *entry, const struct store_user *user,
                     struct session *out, const char **token, struct err *err)
{
    struct session_deps deps = api_session_deps(c);
    const char *agent = http_header(c->req, "User-Agent");
    agent = agent ? str_utf8_scrub(c->arena, agent, strnlen(agent, 300)) : "";
    if (session_create(&deps, c->arena, user, c->req->address, agent, out, token, err) < 0)
        return -1;
    entry->action = "auth.success";
    entry->actor_id = user->id;
    entry->actor = user->username;
    entry->resource = arena_printf(c->arena, "session:%s", out->row.id);
    set_cookie(c, *token, SESSION_SECONDS);
    return 0;
}

/* Takes the code of a login whose password was right. */
static int take_code(struct api_call *c, struct api_audit *entry, const struct store_user *user,
                     const char *code, struct err *err)
{
    struct session_deps deps = api_session_deps(c);
    enum totp_verdict verdict;
    bool due;
    entry->actor_id = user->id;
    if (totp_in_force(&deps, c->arena, user->id, &due, err) < 0)
        return -1;
    if (!due)
        return 0;
    if (str_empty(code)) {
        entry->action = "auth.totp.required";
        entry->outcome = "denied";
        c->code_due = user;
        return err_set(err, ERR_UNAUTHORIZED, "the account has a second factor; send its code");
    }
    if (totp_take(&deps, c->arena, user->id, code, &verdict, err) < 0)
        return -1;
    if (verdict == TOTP_WRONG) {
        c->code_due = user;
        return err_set(err, ERR_UNAUTHORIZED, "the code is wrong, too old, or was used already");
    }
    if (verdict == TOTP_RECOVERED)
        entry->change = "{\"recoveryCode\":true}";
    return 0;
}

int api_login(struct api_call *c, struct json_object *in, struct session *out, const char **token,
              struct err *err)
{
    struct login_in login = {0};
    struct store_user *user = ARENA_NEW(c->arena, struct store_user);
    bool right;
    if (!mw_same_origin(c))
        return err_set(err, ERR_FORBIDDEN, "the request comes from another site");
    if (api_valid(c, &login_table, in, false, &login, err) < 0)
        return -1;
    struct api_audit *entry = api_audit(c, "auth.failed", NULL);
    entry->actor = login.username;
    bool known = store_user_by_name(c->api->pg, c->arena, login.username, user, err) == 0;
    if (!known && err->code != ERR_NOT_FOUND)
        return -1;
    /* by the user's id, so that other spellings of the name are no other account */
    const char *account =
        known ? user->id : sha256_hex(c->arena, login.username, strlen(login.username));
    if (mw_ratelimit_account(c, account, err) < 0 ||
        password_verify(login.password, known ? user->password_hash : NULL, &right, err) < 0)
        return -1;
    if (!right || user->disabled)
        return err_set(err, ERR_UNAUTHORIZED, "the username or the password is wrong");
    if (take_code(c, entry, user, login.code, err) < 0 ||
        api_open_session(c, entry, user, out, token, err) < 0)
        return -1;
    return 0;
}

/* What a ticket is sealed for: the browser, so that it is of no use elsewhere. */
static const char *ticket_row(struct arena *a, const char *browser)
{
    return arena_printf(a, "login:%s", browser);
}

static const char *password_mark(struct arena *a, const struct store_user *user)
{
    const char *hash = user->password_hash ? user->password_hash : "";
    return sha256_hex(a, hash, strlen(hash));
}

const char *api_login_ticket(struct api_call *c, const char *browser)
{
    AUTO_BUF sealed = {0};
    secret_seal_w(&c->api->keys, ticket_row(c->arena, browser),
                  arena_printf(c->arena, "%s %lld %s", c->code_due->id,
                               (long long)(time_now() + TICKET_SECONDS * 1000LL),
                               password_mark(c->arena, c->code_due)),
                  &sealed);
    return hex_encode(c->arena, sealed.data, sealed.len);
}

/* The user whose password was right when the ticket was made. */
static int open_ticket(struct api_call *c, const char *ticket, const char *browser,
                       struct store_user *user, struct err *err)
{
    char *text;
    int64_t until;
    size_t n = strlen(ticket) / 2;
    unsigned char *sealed = arena_alloc(c->arena, n + 1);
    if (n < 1 || n > 1024 || !hex_decode(ticket, sealed, n) ||
        secret_open(&c->api->keys, c->arena, ticket_row(c->arena, browser), sealed, n, &text, err) <
            0)
        return err_set(err, ERR_FORBIDDEN, "this form is of another visit; log in again");
    char **part = str_split(c->arena, text, ' ');
    if (!part[0] || !part[1] || !part[2] || !str_to_int(part[1], 0, INT64_MAX, &until) ||
        until < time_now())
        return err_set(err, ERR_FORBIDDEN, "the login took too long; log in again");
    if (store_user_by_id(c->api->pg, c->arena, part[0], user, err) < 0)
        return err->code == ERR_NOT_FOUND ? err_set(err, ERR_FORBIDDEN, "the account is gone") : -1;
    if (user->disabled || !str_eq(part[2], password_mark(c->arena, user)))
        return err_set(err, ERR_FORBIDDEN, "the account was changed meanwhile; log in again");
    return 0;
}

int api_login_code(struct api_call *c, const char *ticket, const char *browser, const char *code,
                   struct session *out, const char **token, struct err *err)
{
    struct store_user *user = ARENA_NEW(c->arena, struct store_user);
    if (open_ticket(c, ticket, browser, user, err) < 0)
        return -1;
    struct api_audit *entry = api_audit(c, "auth.failed", NULL);
    entry->actor = user->username;
    if (mw_ratelimit_account(c, user->id, err) < 0 || take_code(c, entry, user, code, err) < 0 ||
        api_open_session(c, entry, user, out, token, err) < 0)
        return -1;
    return 0;
}

int api_logout(struct api_call *c, struct err *err)
{
    struct session_deps deps = api_session_deps(c);
    api_audit(c, "session.invalidated", c->session->row.id);
    if (session_end(&deps, c->arena, c->session->row.id, err) < 0)
        return -1;
    set_cookie(c, "", 0);
    return 0;
}

static int handle_register(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    struct store_user user = {0};
    struct jw w;
    if (api_body(c, false, &in, err) < 0 || api_register(c, in, &user, err) < 0)
        return -1;
    api_begin(c, &w);
    jw_begin(&w);
    store_user_json(&user, &w);
    jw_end(&w);
    http_set(c->res, "Location", "/api/users/%s", user.id);
    api_send(c, 201, NULL);
    return 0;
}

static void user_member(struct jw *w, const struct store_user *user)
{
    jw_key(w, "user");
    jw_begin(w);
    store_user_json(user, w);
    jw_end(w);
}

static int handle_login(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    struct session s = {0};
    const char *token = NULL;
    struct jw w;
    if (api_body(c, false, &in, err) < 0 || api_login(c, in, &s, &token, err) < 0)
        return -1;
    api_begin(c, &w);
    jw_begin(&w);
    api_once(c, &w, "token", token);
    jw_ktime(&w, "expiresAt", s.row.expires_at);
    jw_kstr(&w, "csrfToken", s.csrf);
    user_member(&w, &s.user);
    jw_end(&w);
    api_send(c, 200, NULL);
    return 0;
}

static int handle_logout(struct api_call *c, struct err *err)
{
    if (api_logout(c, err) < 0)
        return -1;
    api_no_content(c);
    return 0;
}

static int handle_session(struct api_call *c, struct err *err)
{
    (void)err;
    struct jw w;
    api_begin(c, &w);
    jw_begin(&w);
    user_member(&w, &c->session->user);
    jw_kstr(&w, "csrfToken", c->session->csrf);
    jw_ktime(&w, "expiresAt", c->session->row.expires_at);
    jw_end(&w);
    api_send(c, 200, NULL);
    return 0;
}

static const struct valid_field session_fields[] = {
    {.name = "user", .type = VALID_OBJECT, .sub = &api_user_table, .doc = "who is logged in"},
    {.name = "csrfToken",
     .type = VALID_STR,
     .flags = VALID_NULLABLE,
     .doc = "for X-CSRF-Token, with the cookie; null for an API token, which needs none"},
    {.name = "expiresAt",
     .type = VALID_TIME,
     .flags = VALID_NULLABLE,
     .doc = "until when it is good; null: an API token without end"},
};
static const struct valid_table session_table = {"Session", session_fields,
                                                 ARRAY_LEN(session_fields), 0};
static const struct valid_field begun_fields[] = {
    {.name = "token",
     .type = VALID_STR,
     .flags = VALID_NULLABLE,
     .doc = "for Authorization: Bearer; shown this once"},
    {.name = "expiresAt", .type = VALID_TIME, .doc = "until when it is good"},
    {.name = "csrfToken", .type = VALID_STR, .doc = "for X-CSRF-Token, with the cookie"},
    {.name = "user", .type = VALID_OBJECT, .sub = &api_user_table, .doc = "who is logged in"},
};
static const struct valid_table begun_table = {"SessionBegun", begun_fields,
                                               ARRAY_LEN(begun_fields), 0};

static const struct route routes[] = {
    ROUTE(POST, "/api/auth/register", handle_register, NOBODY_NEEDED, LOGIN,
          .doc = "Make your own account",
          .note = "The first user ever becomes owner; afterwards it takes an invitation, unless "
                  "registration is open.",
          .in = &register_table, .out = &api_user_table, .status = 201, .flags = ROUTE_NO_CSRF),
    ROUTE(POST, "/api/auth/login", handle_login, NOBODY_NEEDED, LOGIN, .doc = "Log in",
          .note = "Also sets the cookie slipway_session. 401 with totpRequired: the password is "
                  "right and a code of the second factor is due.",
          .in = &login_table, .out = &begun_table, .flags = ROUTE_NO_CSRF),
    ROUTE(POST, "/api/auth/logout", handle_logout, PERSON, USER, .doc = "Log out",
          .note = "The token is dead at once, everywhere.", .flags = ROUTE_EMPTY),
    ROUTE(GET, "/api/auth/session", handle_session, LOGIN, USER, .doc = "Who is logged in",
          .out = &session_table),
};
const struct route_table api_auth_routes = {routes, ARRAY_LEN(routes)};
