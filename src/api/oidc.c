/* SPDX-License-Identifier: MIT */
#include "api/oidc.h"

#include <string.h>

#include "api/auth.h"
#include "auth/oidc.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/str.h"
#include "store/identity.h"

static const char cookie_name[] = "slipway_oidc";

const char *api_local_path(const char *path, const char *fallback)
{
    if (!path || path[0] != '/' || path[1] == '/' || path[1] == '\\')
        return fallback;
    for (const unsigned char *p = (const unsigned char *)path; *p; p++)
        if (*p <= 0x20 || *p >= 0x7F || *p == '\\')
            return fallback;
    return path;
}

static struct oidc prepare(const struct api_call *c, const struct session_deps *deps)
{
    return (struct oidc){
        .deps = deps,
        .conf = c->api->conf,
        .arena = c->arena,
        .redirect_uri = arena_printf(c->arena, "%s/api/auth/oidc/callback", api_public_url(c)),
    };
}

const char *api_oidc_name(const struct api_call *c)
{
    return oidc_configured(c->api->conf) ? oidc_name(c->api->conf, c->arena) : NULL;
}

static int need_issuer(const struct api_call *c, struct err *err)
{
    if (oidc_configured(c->api->conf))
        return 0;
    return err_set(err, ERR_NOT_FOUND,
                   "no issuer is set up here: oidc.issuer and oidc.client_id are empty");
}

static void redirect(struct api_call *c, const char *location)
{
    c->res->status = 302;
    http_set(c->res, "Location", "%s", location);
}

/* Keeps the reason beside the entry. */
static void note_reason(struct api_call *c, struct api_audit *entry, const struct err *err)
{
    AUTO_BUF text = {0};
    struct jw w;
    jw_init(&w, &text);
    jw_begin(&w);
    jw_kstr(&w, "issuer", c->api->conf->oidc_issuer);
    jw_kstr(&w, "reason", err->msg);
    jw_end(&w);
    entry->change = buf_dup(&text, c->arena);
}

/* ---- login */

static int handle_login(struct api_call *c, struct err *err)
{
    struct session_deps deps = api_session_deps(c);
    struct oidc o = prepare(c, &deps);
    const char *browser = http_cookie(c->req, cookie_name), *location;
    if (need_issuer(c, err) < 0)
        return -1;
    /* one value for all tabs of the browser, so that a second login does not spoil the first */
    if (!browser || !str_is_hex(browser, 64, 64))
        browser = rand_hex(c->arena, 32);
    if (oidc_begin(&o, browser, api_local_path(http_query(c->req, "next"), "/projects"), &location,
                   err) < 0) {
        if (err->code == ERR_UNAUTHORIZED)
            note_reason(c, api_audit(c, "auth.failed", NULL), err);
        return -1;
    }
    http_set(c->res, "Set-Cookie",
             "%s=%s; Path=/api/auth/oidc; HttpOnly; SameSite=Lax; Max-Age=%d%s", cookie_name,
             browser, OIDC_LOGIN_SECONDS, c->req->https ? "; Secure" : "");
    redirect(c, location);
    return 0;
}

/* ---- whose account it is */

static int refuse(struct err *err, const char *why)
{
    return err_set(err, ERR_UNAUTHORIZED, "the login through the issuer is refused: %s", why);
}

/* A username made of what the issuer says: letters, digits, '.', '_', '-'. */
static const char *username_of(struct arena *a, const struct oidc_person *p, int attempt)
{
    const char *from = !str_empty(p->username) ? p->username : p->email;
    AUTO_BUF out = {0};
    for (; *from && *from != '@' && out.len < 50; from++) {
        bool letter = (*from >= 'a' && *from <= 'z') || (*from >= 'A' && *from <= 'Z') ||
                      (*from >= '0' && *from <= '9');
        if (letter || (out.len && strchr("._-", *from)))
            buf_addc(&out, *from);
    }
    if (!out.len)
        buf_adds(&out, "user");
    if (attempt)
        buf_addf(&out, "-%s", rand_hex(a, 3));
    return buf_dup(&out, a);
}

static const char *one_line(struct arena *a, const char *s, size_t most)
{
    if (!s)
        return NULL;
    char *copy = str_utf8_scrub(a, s, strnlen(s, most));
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            *p = ' ';
    return copy;
}

/* The roles for a person of whom the claim says ROLES; ERR_UNAUTHORIZED: they have none. */
static int roles_for(const struct api_call *c, const char *roles, const char **out, struct err *err)
{
    *out = roles;
    if (roles && !str_eq(roles, "[]"))
        return 0;
    if (str_eq(c->api->conf->oidc_role, "none"))
        return refuse(err, "the issuer gives this person no role here");
    *out = arena_printf(c->arena, "[\"%s\"]", c->api->conf->oidc_role);
    return 0;
}

static int make_account(struct api_call *c, const struct oidc_person *p, struct store_user *out,
                        struct err *err)
{
    struct store_user user = {.id = uuid_new(c->arena), .email = p->email};
    if (!str_eq(c->api->conf->oidc_registration, "open"))
        return refuse(err, "the person has no account here, and oidc.registration is closed");
    if (!p->email || !p->email_verified)
        return refuse(err, "the issuer does not say that the e-mail address is verified");
    if (strlen(p->email) > 254 || !strchr(p->email, '@'))
        return refuse(err, "the e-mail address is none");
    if (roles_for(c, p->roles, &user.roles, err) < 0)
        return -1;
    for (int attempt = 0; attempt < 4; attempt++) {
        user.username = username_of(c->arena, p, attempt);
        if (store_user_create(c->api->pg, c->arena, &user, false, out, err) == 0) {
            struct api_audit *entry = api_audit(c, "user.create", out->id);
            entry->actor_id = out->id;
            entry->actor = out->username;
            return 0;
        }
        if (err->code != ERR_CONFLICT)
            return -1;
        if (str_eq(err->msg, "users_email"))
            return refuse(err, "another account has this e-mail address");
    }
    return refuse(err, "no free username was found");
}

/* The account for a subject that is seen for the first time (or whose account was deleted). */
static int find_account(struct api_call *c, const struct oidc_person *p, bool deleted,
                        struct store_user *out, struct err *err)
{
    bool may_link = p->email_verified && !str_eq(c->api->conf->web_registration, "open");
    bool known = false;
    if (may_link) {
        known = store_user_by_email(c->api->pg, c->arena, p->email, out, err) == 0;
        if (!known && err->code != ERR_NOT_FOUND)
            return -1;
    }
    if (!known && deleted)
        return refuse(err, "the account was deleted");
    if (!known && make_account(c, p, out, err) < 0)
        return -1;
    if (store_identity_add(c->api->pg, c->arena, c->api->conf->oidc_issuer, p->subject, out->id,
                           err) == 0)
        return 0;
    return err->code == ERR_CONFLICT
               ? refuse(err, "the account belongs to another person of the issuer")
               : -1;
}

static int take_roles(struct api_call *c, const struct oidc_person *p, struct store_user *user,
                      struct err *err)
{
    struct session_deps deps = api_session_deps(c);
    const char *roles;
    bool changed;
    if (!p->roles) /* they are managed here */
        return 0;
    if (roles_for(c, p->roles, &roles, err) < 0 ||
        store_identity_roles(c->api->pg, c->arena, user->id, roles, &changed, user, err) < 0)
        return -1;
    return changed ? session_end_all(&deps, c->arena, user->id, NULL, NULL, err) : 0;
}

static int account_of(struct api_call *c, const struct oidc_person *p, struct store_user *user,
                      struct err *err)
{
    struct pg *pg = c->api->pg;
    bool deleted = false;
    const char *picture = oidc_url_allowed(p->picture, "https://") ? p->picture : NULL;
    int rc = store_identity_find(pg, c->arena, c->api->conf->oidc_issuer, p->subject, user,
                                 &deleted, err);
    if (rc < 0 && err->code != ERR_NOT_FOUND)
        return -1;
    if ((rc < 0 || deleted) && find_account(c, p, deleted, user, err) < 0)
        return -1;
    if (user->disabled)
        return refuse(err, "the account is disabled");
    /* roles first: they take the lock of whoever changes owners, and a row's lock comes after it */
    if (take_roles(c, p, user, err) < 0)
        return -1;
    return store_identity_profile(pg, c->arena, user->id, one_line(c->arena, p->name, 100), picture,
                                  err);
}

/* ---- callback */

static int open_session(struct api_call *c, struct api_audit *entry, const struct oidc_person *p,
                        struct err *err)
{
    struct store_user user;
    struct session session;
    const char *token;
    AUTO_BUF sealed = {0};
    if (account_of(c, p, &user, err) < 0)
        return -1;
    if (api_open_session(c, entry, &user, &session, &token, err) < 0)
        return -1;
    secret_seal_w(&c->api->keys, session.row.id, p->id_token, &sealed);
    return store_session_set_issuer(c->api->pg, c->arena, session.row.id, c->api->conf->oidc_issuer,
                                    sealed.data, sealed.len, err);
}

static int handle_callback(struct api_call *c, struct err *err)
{
    struct session_deps deps = api_session_deps(c);
    struct oidc o = prepare(c, &deps);
    struct oidc_person person;
    struct oidc_answer answer = {
        .state = http_query(c->req, "state"),
        .code = http_query(c->req, "code"),
        .issuer = http_query(c->req, "iss"),
        .error = http_query(c->req, "error"),
        .browser = http_cookie(c->req, cookie_name),
    };
    if (need_issuer(c, err) < 0)
        return -1;
    struct api_audit *entry = api_audit(c, "auth.failed", NULL);
    int rc = oidc_finish(&o, &answer, &person, err);
    if (rc == 0) {
        entry->actor = one_line(c->arena, person.email ? person.email : person.subject, 255);
        rc = open_session(c, entry, &person, err);
    }
    if (rc < 0) {
        entry->action = "auth.failed";
        note_reason(c, entry, err);
        return -1;
    }
    redirect(c, api_local_path(person.next, "/projects"));
    return 0;
}

/* ---- logout */

const char *api_oidc_logout_url(struct api_call *c)
{
    struct session_deps deps = api_session_deps(c);
    struct oidc o = prepare(c, &deps);
    const char *issuer, *url, *back = arena_printf(c->arena, "%s/login", api_public_url(c));
    const void *sealed;
    char *id_token = NULL;
    size_t n;
    struct err err;
    if (!oidc_configured(c->api->conf) ||
        store_session_issuer(c->api->pg, c->arena, c->session->row.id, &issuer, &sealed, &n, &err) <
            0 ||
        !str_eq(issuer, c->api->conf->oidc_issuer))
        return NULL;
    if (sealed &&
        secret_open(&c->api->keys, c->arena, c->session->row.id, sealed, n, &id_token, &err) < 0)
        id_token = NULL;
    if (oidc_logout_url(&o, id_token, back, &url, &err) < 0) {
        log_err(LOG_LEVEL_WARN, "could not end a login at its issuer", &err);
        return NULL;
    }
    return url;
}

static const struct valid_field login_fields[] = {
    {.name = "next", .type = VALID_STR, .doc = "a path of the dashboard to go to afterwards"},
};
static const struct valid_table login_table = {"OidcLogin", login_fields, ARRAY_LEN(login_fields),
                                               0};

static const struct valid_field callback_fields[] = {
    {.name = "state", .type = VALID_STR, .max = 255, .doc = "what the login sent"},
    {.name = "code", .type = VALID_STR, .max = 2000, .doc = "the authorization code"},
    {.name = "iss", .type = VALID_STR, .max = 2000, .doc = "the issuer"},
    {.name = "error", .type = VALID_STR, .doc = "why the issuer refused"},
};
static const struct valid_table callback_table = {"OidcCallback", callback_fields,
                                                  ARRAY_LEN(callback_fields), 0};

static const struct route routes[] = {
    ROUTE(GET, "/api/auth/oidc/login", handle_login, NOBODY_NEEDED, PAGE, .flags = ROUTE_BROWSER,
          .doc = "Begin a login through the issuer",
          .note = "Sends the browser there: authorization code, PKCE, state, nonce.",
          .query = &login_table, .status = 302, .also = "401 404 503"),
    ROUTE(GET, "/api/auth/oidc/callback", handle_callback, NOBODY_NEEDED, PAGE,
          .flags = ROUTE_BROWSER | ROUTE_WRITES, .doc = "End a login through the issuer",
          .note = "The issuer sends the browser here. With all as it must be: a session, and on "
                  "into the dashboard. Each mismatch is 401 and an entry of the audit log.",
          .query = &callback_table, .status = 302, .also = "401 404 503"),
};
const struct route_table api_oidc_routes = {routes, ARRAY_LEN(routes)};
