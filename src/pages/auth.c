/* SPDX-License-Identifier: MIT */
/* Signing in and out, registering, and the theme. */
#include "api/auth.h"

#include <string.h>

#include "api/invitation.h"
#include "api/oidc.h"
#include "api/serve.h"
#include "base/rand.h"
#include "base/str.h"
#include "pages/form.h"
#include "pages/page.h"
#include "pages/pages.h"

static const struct form_field login_fields[] = {
    {.name = "username", .label = "Username", .flags = FORM_REQUIRED, .autocomplete = "username"},
    {.name = "password",
     .label = "Password",
     .kind = FORM_PASSWORD,
     .flags = FORM_REQUIRED,
     .autocomplete = "current-password"},
};
static const struct form_table login_form = {login_fields, ARRAY_LEN(login_fields)};

static const struct form_field register_fields[] = {
    {.name = "username", .label = "Username", .flags = FORM_REQUIRED, .autocomplete = "username"},
    {.name = "email",
     .label = "E-mail",
     .kind = FORM_EMAIL,
     .flags = FORM_REQUIRED,
     .autocomplete = "email"},
    {.name = "password",
     .label = "Password",
     .help = "At least 8 characters.",
     .kind = FORM_PASSWORD,
     .flags = FORM_REQUIRED,
     .autocomplete = "new-password"},
};
static const struct form_field code_fields[] = {
    {.name = "code",
     .label = "Code",
     .help = "Six digits of your authenticator, or a recovery code.",
     .flags = FORM_REQUIRED | FORM_MONO,
     .autocomplete = "one-time-code"},
};
static const struct form_table code_form = {code_fields, ARRAY_LEN(code_fields)};
static const struct form_table register_form = {register_fields, ARRAY_LEN(register_fields)};

/* A form that is shown without a session has its CSRF token bound to a random cookie. */
static const char *anonymous_csrf(struct api_call *c)
{
    const char *cookie = http_cookie(c->req, "slipway_form");
    if (!cookie || !str_is_hex(cookie, 32, 32)) {
        cookie = rand_hex(c->arena, 16);
        http_set(c->res, "Set-Cookie", "slipway_form=%s; Path=/; HttpOnly; SameSite=Lax%s", cookie,
                 c->req->https ? "; Secure" : "");
    }
    return session_anonymous_csrf(&c->api->keys, c->arena, cookie);
}

static int check_anonymous_csrf(struct api_call *c, struct err *err)
{
    const char *cookie = http_cookie(c->req, "slipway_form"), *given = http_form(c->req, "_csrf");
    if (cookie && given && mw_same_origin(c)) {
        const char *right = session_anonymous_csrf(&c->api->keys, c->arena, cookie);
        if (str_eq_secret(given, strlen(given), right, strlen(right)))
            return 0;
    }
    return err_set(err, ERR_FORBIDDEN, "this form is of another visit; load the page again");
}

/* The token of the invitation's link that led here, NULL when there is none. */
static const char *invitation_of(struct api_call *c)
{
    const char *token = c->req->method == HTTP_POST ? http_form(c->req, "invitation")
                                                    : http_query(c->req, "invitation");
    return str_empty(token) ? NULL : token;
}

static int fill(struct api_call *c, struct view_auth *v, const struct form_table *form,
                struct json_object *values, const char *title, const struct err *problem,
                struct err *err)
{
    const char *rest;
    bool any;
    if (store_user_any(c->api->pg, c->arena, &any, err) < 0)
        return -1;
    page_begin(c, &v->page, title, NULL);
    v->page.csrf = anonymous_csrf(c);
    v->first = !any;
    v->may_register = !any || str_eq(c->api->conf->web_registration, "open");
    const char *next =
        c->req->method == HTTP_POST ? http_form(c->req, "next") : http_query(c->req, "next");
    v->next = api_local_path(next, "/");
    v->issuer = api_oidc_name(c);
    form_view(c, form, values, &v->fields, &rest);
    if (problem && (problem->code != ERR_INVALID || rest))
        v->problem = form_problem(c, problem, rest);
    return 0;
}

static int show_login(struct api_call *c, const struct err *problem, int status, struct err *err)
{
    struct view_auth v = {0};
    AUTO_JSON *values = c->req->method == HTTP_POST ? form_json(c, &login_form) : NULL;
    if (fill(c, &v, &login_form, values, "Sign in", problem, err) < 0)
        return -1;
    tpl_auth_login(&c->res->body, &v);
    return page_send(c, status);
}

/* VALUES may be NULL. */
static int show_register(struct api_call *c, struct json_object *values, const struct err *problem,
                         int status, struct err *err)
{
    struct view_auth v = {0};
    if (fill(c, &v, &register_form, values, "Register", problem, err) < 0)
        return -1;
    const char *wrong = problem_for(&c->problems, "invitation");
    if (wrong)
        v.problem = arena_printf(c->arena, "The invitation %s.", wrong);
    v.invitation = v.first ? NULL : invitation_of(c);
    tpl_auth_register(&c->res->body, &v);
    return page_send(c, status);
}

static int get_login(struct api_call *c, struct err *err)
{
    bool any;
    if (c->session)
        return page_redirect(c, TOAST_NONE, "/projects");
    if (store_user_any(c->api->pg, c->arena, &any, err) < 0)
        return -1;
    if (!any)
        return page_redirect(c, TOAST_NONE, "/register");
    return show_login(c, NULL, 200, err);
}

/* The second step: the password was right, and a code is due. */
static int show_code(struct api_call *c, const struct err *problem, int status, struct err *err)
{
    (void)err;
    struct view_auth v = {0};
    const char *rest;
    AUTO_JSON *values = form_json(c, &code_form);
    page_begin(c, &v.page, "Sign in", NULL);
    v.page.csrf = anonymous_csrf(c);
    v.next = api_local_path(http_form(c->req, "next"), "/");
    v.ticket = api_login_ticket(c, http_cookie(c->req, "slipway_form"));
    form_view(c, &code_form, values, &v.fields, &rest);
    if (problem)
        v.problem = form_problem(c, problem, rest);
    tpl_auth_code(&c->res->body, &v);
    return page_send(c, status);
}

static int post_login(struct api_call *c, struct err *err)
{
    struct session session;
    const char *token;
    struct err problem;
    if (check_anonymous_csrf(c, err) < 0)
        return -1;
    const char *ticket = http_form(c->req, "ticket"), *code = http_form(c->req, "code");
    AUTO_JSON *in = ticket ? NULL : form_json(c, &login_form);
    int rc = ticket ? api_login_code(c, ticket, http_cookie(c->req, "slipway_form"),
                                     code ? code : "", &session, &token, &problem)
                    : api_login(c, in, &session, &token, &problem);
    if (rc == 0)
        return page_redirect(c, TOAST_NONE, api_local_path(http_form(c->req, "next"), "/projects"));
    if (c->code_due && !ticket) /* the first step went well */
        return show_code(c, NULL, 200, err);
    if (!page_form_error(c, &problem) && problem.code != ERR_UNAUTHORIZED &&
        problem.code != ERR_LIMIT) {
        *err = problem;
        return -1;
    }
    if (c->code_due)
        return show_code(c, &problem, 401, err);
    return show_login(c, &problem, err_http_status(problem.code), err);
}

static int get_register(struct api_call *c, struct err *err)
{
    const char *token = invitation_of(c);
    struct store_invitation invitation;
    bool any;
    if (c->session)
        return page_redirect(c, TOAST_NONE, "/projects");
    if (store_user_any(c->api->pg, c->arena, &any, err) < 0)
        return -1;
    if (any && token) {
        if (api_invitation_find(c, token, &invitation, err) < 0)
            return -1;
        AUTO_JSON *values = json_object_new_object();
        json_object_object_add(values, "email", json_object_new_string(invitation.email));
        return show_register(c, values, NULL, 200, err);
    }
    if (any && !str_eq(c->api->conf->web_registration, "open"))
        return err_set(err, ERR_FORBIDDEN, "registration is closed; ask for an invitation");
    return show_register(c, NULL, NULL, 200, err);
}

static int post_register(struct api_call *c, struct err *err)
{
    const char *invitation = invitation_of(c);
    struct store_user user;
    struct session session;
    const char *token;
    struct err problem;
    if (check_anonymous_csrf(c, err) < 0)
        return -1;
    AUTO_JSON *in = form_json(c, &register_form);
    if (invitation)
        json_object_object_add(in, "invitation", json_object_new_string(invitation));
    if (api_register(c, in, &user, &problem) == 0) {
        json_object_object_del(in, "email");
        json_object_object_del(in, "invitation");
        if (api_login(c, in, &session, &token, &problem) < 0)
            return page_redirect(c, TOAST_NONE, "/login");
        bool owner = session.role & ROLE_OWNER;
        return page_redirect(c, owner ? TOAST_REGISTERED : TOAST_NONE, "/projects");
    }
    if (!page_form_error(c, &problem)) {
        *err = problem;
        return -1;
    }
    return show_register(c, in, &problem, err_http_status(problem.code), err);
}

/* A login that an issuer began is ended there, too. By a page that leads on and not by a redirect:
 * where a form may lead, redirects included, is within our own site (form-action). */
static int post_logout(struct api_call *c, struct err *err)
{
    struct view_leave v = {.url = api_oidc_logout_url(c), .issuer = api_oidc_name(c)};
    if (api_logout(c, err) < 0)
        return -1;
    if (!v.url)
        return page_redirect(c, TOAST_NONE, "/login");
    page_begin(c, &v.page, "Sign out", NULL);
    http_set(c->res, "Refresh", "0; url=%s", v.url);
    tpl_auth_leave(&c->res->body, &v);
    return page_send(c, 200);
}

static int post_theme(struct api_call *c, struct err *err)
{
    (void)err;
    const char *theme = http_form(c->req, "theme");
    bool known = str_eq(theme, "light") || str_eq(theme, "dark");
    http_set(c->res, "Set-Cookie", "slipway_theme=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%d",
             known ? theme : "", known ? 365 * 24 * 3600 : 0);
    return page_redirect(c, TOAST_NONE, api_local_path(http_form(c->req, "back"), "/projects"));
}

static int get_home(struct api_call *c, struct err *err)
{
    (void)err;
    return page_redirect(c, TOAST_NONE, "/projects");
}

static const struct route routes[] = {
    ROUTE(GET, "/", get_home, LOGIN, PAGE, .flags = ROUTE_PAGE),
    ROUTE(GET, "/login", get_login, NOBODY_NEEDED, PAGE, .flags = ROUTE_PAGE),
    ROUTE(POST, "/login", post_login, NOBODY_NEEDED, LOGIN, .flags = ROUTE_PAGE | ROUTE_NO_CSRF),
    ROUTE(GET, "/register", get_register, NOBODY_NEEDED, PAGE, .flags = ROUTE_PAGE),
    ROUTE(POST, "/register", post_register, NOBODY_NEEDED, LOGIN,
          .flags = ROUTE_PAGE | ROUTE_NO_CSRF),
    ROUTE(POST, "/logout", post_logout, LOGIN, USER, .flags = ROUTE_PAGE),
    ROUTE(POST, "/theme", post_theme, LOGIN, USER, .flags = ROUTE_PAGE),
};
const struct route_table pages_auth_routes = {routes, ARRAY_LEN(routes)};
