/* SPDX-License-Identifier: MIT */
#include "api/account.h"

#include <string.h>

#include "api/auth.h"
#include "api/serve.h"
#include "auth/password.h"
#include "base/str.h"

static const char issuer[] = "Slipway"; /* how an authenticator names the account's place */

/* ---- sessions */

static const struct valid_field session_fields[] = {
    FIELD_ID,
    {.name = "address",
     .type = VALID_STR,
     .flags = VALID_DERIVED,
     .doc = "where the login came from"},
    {.name = "agent", .type = VALID_STR, .flags = VALID_DERIVED, .doc = "the browser, as it said"},
    FIELD_TIME("createdAt", "when it was begun"),
    FIELD_TIME("lastSeenAt", "when it was last used, to the minute"),
    FIELD_TIME("expiresAt", "when it ends by itself"),
    {.name = "current",
     .type = VALID_BOOL,
     .flags = VALID_DERIVED,
     .doc = "whether it is the one that asks"},
};
static const struct valid_table session_table = {"OwnSession", session_fields,
                                                 ARRAY_LEN(session_fields), 0};

int api_account_sessions(struct api_call *c, const struct store_page *page,
                         struct store_sessions *out, struct err *err)
{
    return store_session_list(c->api->pg, c->arena, c->session->user.id, page, out, err);
}

int api_account_end_session(struct api_call *c, const char *id, struct err *err)
{
    struct session_deps deps = api_session_deps(c);
    api_audit(c, "session.invalidated", id);
    if (api_check_id(id, "session", err) < 0 ||
        store_session_check_owner(c->api->pg, c->arena, id, c->session->user.id, err) < 0)
        return -1;
    return session_end(&deps, c->arena, id, err);
}

static int handle_sessions(struct api_call *c, struct err *err)
{
    struct store_page page;
    struct store_sessions list;
    struct jw w;
    if (api_page(c, &page, err) < 0 || api_account_sessions(c, &page, &list, err) < 0)
        return -1;
    api_begin(c, &w);
    jw_begin_array(&w);
    for (size_t i = 0; i < list.n; i++) {
        jw_begin(&w);
        store_session_json(&list.list[i], &w);
        jw_kbool(&w, "current", str_eq(list.list[i].id, c->session->row.id));
        jw_end(&w);
    }
    jw_end_array(&w);
    if (list.more)
        api_next_page(c, list.list[list.n - 1].id);
    api_send(c, 200, NULL);
    return 0;
}

static int handle_end_session(struct api_call *c, struct err *err)
{
    if (api_account_end_session(c, c->req->params[0], err) < 0)
        return -1;
    api_no_content(c);
    return 0;
}

/* ---- password */

struct password_in {
    uint64_t set;
    const char *current, *new_one;
};

static const struct valid_field password_fields[] = {
    {.name = "current",
     .type = VALID_STR,
     .flags = VALID_REQUIRED | VALID_SECRET | VALID_WRITE_ONLY,
     .min = 1,
     .max = 1024,
     .offset = offsetof(struct password_in, current),
     .doc = "the current password"},
    {.name = "new",
     .type = VALID_STR,
     .flags = VALID_REQUIRED | VALID_SECRET | VALID_WRITE_ONLY,
     .min = 8,
     .max = 1024,
     .rule = password_rule,
     .offset = offsetof(struct password_in, new_one),
     .doc = "at least 8 characters"},
};
static const struct valid_table password_table = {
    "PasswordChange", password_fields, ARRAY_LEN(password_fields), sizeof(struct password_in)};

/* An entry about the caller's own account. */
static struct api_audit *audit_own(struct api_call *c, const char *action)
{
    struct api_audit *entry = api_audit(c, action, NULL);
    entry->resource = arena_printf(c->arena, "user:%s", c->session->user.id);
    return entry;
}

int api_account_password(struct api_call *c, struct json_object *in, struct err *err)
{
    struct password_in p = {0};
    struct session_deps deps = api_session_deps(c);
    struct store_user user;
    const char *hash;
    bool right;
    struct api_audit *entry = audit_own(c, "auth.password.change");
    if (api_valid(c, &password_table, in, false, &p, err) < 0 ||
        store_user_by_id(c->api->pg, c->arena, c->session->user.id, &user, err) < 0)
        return -1;
    if (!user.password_hash)
        return err_set(err, ERR_CONFLICT,
                       "the account has no password: it logs in through its issuer");
    if (mw_ratelimit_account(c, user.id, err) < 0 ||
        password_verify(p.current, user.password_hash, &right, err) < 0)
        return -1;
    if (!right) {
        entry->outcome = "denied";
        return api_bad_field(c, "current", "is not the password of this account", err);
    }
    if (password_hash(c->arena, p.new_one, &hash, err) < 0 ||
        store_user_set_password(c->api->pg, c->arena, user.id, user.password_hash, hash, err) < 0)
        return -1;
    return session_end_all(&deps, c->arena, user.id, c->session->row.id, NULL, err);
}

static int handle_password(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    if (api_body(c, false, &in, err) < 0 || api_account_password(c, in, err) < 0)
        return -1;
    api_no_content(c);
    return 0;
}

int api_account_read(struct api_call *c, struct api_account *out, struct err *err)
{
    struct store_user user;
    struct store_totp totp = {0};
    if (store_user_by_id(c->api->pg, c->arena, c->session->user.id, &user, err) < 0)
        return -1;
    bool has = store_totp_get(c->api->pg, c->arena, user.id, &totp, err) == 0;
    if (!has && err->code != ERR_NOT_FOUND)
        return -1;
    *out = (struct api_account){
        .has_password = user.password_hash != NULL,
        .totp = has && totp.confirmed_at,
        .totp_begun = has && !totp.confirmed_at,
        .codes_left = totp.codes_left,
    };
    return 0;
}

/* ---- second factor */

struct code_in {
    uint64_t set;
    const char *code;
};

static const struct valid_field code_fields[] = {
    {.name = "code",
     .type = VALID_STR,
     .flags = VALID_REQUIRED | VALID_SECRET | VALID_WRITE_ONLY,
     .min = 1,
     .max = 64,
     .offset = offsetof(struct code_in, code),
     .doc = "six digits of the authenticator; to remove the factor also a recovery code"},
};
static const struct valid_table code_table = {"TotpCode", code_fields, ARRAY_LEN(code_fields),
                                              sizeof(struct code_in)};

static const struct valid_field enrolment_fields[] = {
    {.name = "secret",
     .type = VALID_STR,
     .flags = VALID_DERIVED | VALID_SECRET | VALID_NULLABLE,
     .doc = "in base32, shown this once"},
    {.name = "uri",
     .type = VALID_STR,
     .flags = VALID_DERIVED | VALID_SECRET | VALID_NULLABLE,
     .doc = "otpauth address, for a QR code"},
    {.name = "recoveryCodes",
     .type = VALID_LIST,
     .flags = VALID_DERIVED | VALID_SECRET | VALID_NULLABLE,
     .doc = "ten codes that are good once each, shown this once"},
};
static const struct valid_table enrolment_table = {"TotpEnrolment", enrolment_fields,
                                                   ARRAY_LEN(enrolment_fields), 0};

int api_account_totp_begin(struct api_call *c, struct totp_enrolment *out, struct err *err)
{
    struct session_deps deps = api_session_deps(c);
    audit_own(c, "auth.totp.begin");
    return totp_begin(&deps, c->arena, &c->session->user, issuer, out, err);
}

int api_account_totp_begun(struct api_call *c, struct totp_enrolment *out, struct err *err)
{
    struct session_deps deps = api_session_deps(c);
    return totp_begun(&deps, c->arena, &c->session->user, issuer, out, err);
}

static int wrong_code(struct api_call *c, struct api_audit *entry, struct err *err)
{
    entry->outcome = "denied";
    return api_bad_field(c, "code", "is wrong, too old, or was used already", err);
}

int api_account_totp_confirm(struct api_call *c, struct json_object *in, struct err *err)
{
    struct session_deps deps = api_session_deps(c);
    struct code_in code = {0};
    bool right = false;
    struct api_audit *entry = audit_own(c, "auth.totp.enable");
    if (api_valid(c, &code_table, in, false, &code, err) < 0 ||
        mw_ratelimit_account(c, c->session->user.id, err) < 0 ||
        totp_confirm(&deps, c->arena, c->session->user.id, code.code, &right, err) < 0)
        return -1;
    return right ? 0 : wrong_code(c, entry, err);
}

int api_account_totp_remove(struct api_call *c, struct json_object *in, struct err *err)
{
    struct session_deps deps = api_session_deps(c);
    struct code_in code = {0};
    enum totp_verdict verdict;
    bool in_force;
    const char *user = c->session->user.id;
    struct api_audit *entry = audit_own(c, "auth.totp.disable");
    if (api_valid(c, &code_table, in, false, &code, err) < 0 ||
        totp_in_force(&deps, c->arena, user, &in_force, err) < 0)
        return -1;
    if (!in_force)
        return err_set(err, ERR_NOT_FOUND, "there is no second factor to remove");
    if (mw_ratelimit_account(c, user, err) < 0 ||
        totp_take(&deps, c->arena, user, code.code, &verdict, err) < 0)
        return -1;
    if (verdict == TOTP_WRONG)
        return wrong_code(c, entry, err);
    return store_totp_remove(c->api->pg, c->arena, user, err);
}

static int handle_totp_begin(struct api_call *c, struct err *err)
{
    struct totp_enrolment e;
    struct jw w;
    if (api_account_totp_begin(c, &e, err) < 0)
        return -1;
    api_begin(c, &w);
    jw_begin(&w);
    api_once(c, &w, "secret", e.secret);
    api_once(c, &w, "uri", e.uri);
    c->once[2] = "recoveryCodes";
    jw_key(&w, c->once[2]);
    jw_begin_array(&w);
    for (size_t i = 0; i < ARRAY_LEN(e.codes); i++)
        jw_str(&w, e.codes[i]);
    jw_end_array(&w);
    jw_end(&w);
    api_send(c, 200, NULL);
    return 0;
}

static int with_code(struct api_call *c,
                     int (*operation)(struct api_call *, struct json_object *, struct err *),
                     struct err *err)
{
    AUTO_JSON *in = NULL;
    if (api_body(c, false, &in, err) < 0 || operation(c, in, err) < 0)
        return -1;
    api_no_content(c);
    return 0;
}

static int handle_totp_confirm(struct api_call *c, struct err *err)
{
    return with_code(c, api_account_totp_confirm, err);
}

static int handle_totp_remove(struct api_call *c, struct err *err)
{
    return with_code(c, api_account_totp_remove, err);
}

static const struct route routes[] = {
    ROUTE(GET, "/api/auth/sessions", handle_sessions, PERSON, USER, .flags = ROUTE_LIST,
          .doc = "List your own sessions", .out = &session_table),
    ROUTE(DELETE, "/api/auth/sessions/:id", handle_end_session, PERSON, USER,
          .doc = "End one of your own sessions"),
    ROUTE(POST, "/api/auth/password", handle_password, PERSON, USER,
          .doc = "Change your own password",
          .note = "Ends every other session of the account. A wrong current password counts as a "
                  "login. An account that logs in through an issuer alone has none to change.",
          .in = &password_table, .status = 204, .also = "409"),
    ROUTE(POST, "/api/auth/totp", handle_totp_begin, PERSON, USER, .flags = ROUTE_EMPTY,
          .doc = "Begin a second factor",
          .note = "It is asked for at login from its confirmation on. What was begun before and "
                  "not confirmed is replaced.",
          .out = &enrolment_table, .also = "409"),
    ROUTE(POST, "/api/auth/totp/confirm", handle_totp_confirm, PERSON, USER,
          .doc = "Put the begun second factor in force by its first code", .in = &code_table,
          .status = 204, .also = "404"),
    ROUTE(DELETE, "/api/auth/totp", handle_totp_remove, PERSON, USER,
          .doc = "Remove the second factor, by a code of it or a recovery code", .in = &code_table),
};
const struct route_table api_account_routes = {routes, ARRAY_LEN(routes)};
