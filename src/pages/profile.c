/* SPDX-License-Identifier: MIT */
/* One's own account: password, sessions, second factor. */
#include <string.h>

#include "api/account.h"
#include "base/str.h"
#include "pages/form.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/qr.h"

static const char here[] = "/settings/profile";

static const struct form_field password_fields[] = {
    {.name = "current",
     .label = "Current password",
     .kind = FORM_PASSWORD,
     .flags = FORM_REQUIRED,
     .autocomplete = "current-password"},
    {.name = "new",
     .label = "New password",
     .help = "At least 8 characters. Your other sessions end.",
     .kind = FORM_PASSWORD,
     .flags = FORM_REQUIRED,
     .autocomplete = "new-password"},
};
static const struct form_table password_form = {password_fields, ARRAY_LEN(password_fields)};

static const struct form_field code_fields[] = {
    {.name = "code",
     .label = "Code",
     .flags = FORM_REQUIRED | FORM_MONO | FORM_SHORT,
     .autocomplete = "one-time-code"},
};
static const struct form_table code_form = {code_fields, ARRAY_LEN(code_fields)};

/* "Firefox on Linux" out of a User-Agent, or its beginning. */
static const char *agent_name(struct arena *a, const char *agent)
{
    /* in this order: the later ones name the earlier ones too */
    static const char *const browsers[][2] = {{"Edg/", "Edge"},        {"OPR/", "Opera"},
                                              {"Firefox/", "Firefox"}, {"Chromium/", "Chromium"},
                                              {"Chrome/", "Chrome"},   {"Safari/", "Safari"}};
    static const char *const systems[][2] = {{"Android", "Android"}, {"iPhone", "iOS"},
                                             {"iPad", "iPadOS"},     {"Windows NT", "Windows"},
                                             {"Mac OS X", "macOS"},  {"Linux", "Linux"}};
    const char *browser = NULL, *system = NULL;
    for (size_t i = 0; i < ARRAY_LEN(browsers) && !browser; i++)
        browser = strstr(agent, browsers[i][0]) ? browsers[i][1] : NULL;
    for (size_t i = 0; i < ARRAY_LEN(systems) && !system; i++)
        system = strstr(agent, systems[i][0]) ? systems[i][1] : NULL;
    if (browser)
        return arena_printf(a, "%s%s%s", browser, system ? " on " : "", system ? system : "");
    if (str_empty(agent))
        return "unknown";
    char *start = arena_printf(a, "%.40s", agent);
    str_utf8_trim(start);
    return start;
}

static void add_sessions(struct api_call *c, const struct store_sessions *list,
                         struct view_profile *v)
{
    v->sessions.n = list->n;
    v->sessions.list = ARENA_ARRAY(c->arena, list->n + 1, struct view_session_row);
    for (size_t i = 0; i < list->n; i++) {
        const struct store_session *s = &list->list[i];
        v->sessions.list[i] = (struct view_session_row){
            .id = s->id,
            .agent = agent_name(c->arena, s->agent),
            .address = str_empty(s->address) ? "unknown" : s->address,
            .begun = page_time(c->arena, s->created_at),
            .seen = page_time(c->arena, s->last_seen_at),
            .current = str_eq(s->id, c->session->row.id),
        };
    }
    page_list(c, &v->pages, list->n, list->more, list->n ? list->list[list->n - 1].id : NULL);
}

/* "ABCD EFGH …", as it is typed. */
static const char *grouped(struct arena *a, const char *secret)
{
    AUTO_BUF out = {0};
    for (size_t i = 0; secret[i]; i++) {
        if (i && i % 4 == 0)
            buf_addc(&out, ' ');
        buf_addc(&out, secret[i]);
    }
    return buf_dup(&out, a);
}

static void add_enrolment(struct api_call *c, const struct totp_enrolment *e,
                          struct view_profile *v)
{
    v->secret = grouped(c->arena, e->secret);
    v->qr = qr_path(c->arena, e->uri, &v->qr_size);
    v->codes.list = ARENA_ARRAY(c->arena, TOTP_RECOVERY_CODES, struct view_code);
    for (size_t i = 0; i < TOTP_RECOVERY_CODES && e->codes[i]; i++)
        v->codes.list[v->codes.n++].text = e->codes[i];
}

/* ENROLMENT: a second factor that waits for its first code; NULL: none is shown. */
static int show(struct api_call *c, const struct totp_enrolment *enrolment,
                const struct err *problem, int status, struct err *err)
{
    struct view_profile v = {0};
    struct api_account account;
    struct store_sessions sessions;
    struct store_page page = {.limit = 20};
    const char *of_password, *of_code;
    if (c->req->method == HTTP_GET && api_page(c, &page, err) < 0)
        return -1;
    if (api_account_read(c, &account, err) < 0 ||
        api_account_sessions(c, &page, &sessions, err) < 0)
        return -1;
    page_begin(c, &v.page, "Profile", "profile");
    v.page.here = here;
    v.username = c->session->user.username;
    v.email = c->session->user.email;
    v.has_password = account.has_password;
    v.totp = account.totp;
    v.codes_left = account.codes_left;
    add_sessions(c, &sessions, &v);
    if (enrolment)
        add_enrolment(c, enrolment, &v);
    AUTO_JSON *code = problem ? form_json(c, &code_form) : NULL;
    form_view(c, &password_form, NULL, &v.password, &of_password);
    form_view(c, &code_form, code, &v.code, &of_code);
    if (problem)
        v.problem = form_problem(c, problem, NULL);
    tpl_settings_profile(&c->res->body, &v);
    return page_send(c, status);
}

static int get_profile(struct api_call *c, struct err *err)
{
    return show(c, NULL, NULL, 200, err);
}

/* The page again, with what the API said of the form. */
static int again(struct api_call *c, const struct totp_enrolment *enrolment, struct err *err)
{
    struct err problem = *err;
    if (!page_form_error(c, err))
        return -1;
    return show(c, enrolment, &problem, err_http_status(problem.code), err);
}

static int post_password(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = form_json(c, &password_form);
    if (api_account_password(c, in, err) == 0)
        return page_redirect(c, TOAST_PASSWORD, here);
    return again(c, NULL, err);
}

static int post_end_session(struct api_call *c, struct err *err)
{
    if (api_account_end_session(c, c->req->params[0], err) < 0)
        return -1;
    return page_redirect(c, TOAST_SESSION_ENDED, here);
}

static int post_totp(struct api_call *c, struct err *err)
{
    struct totp_enrolment e;
    if (api_account_totp_begin(c, &e, err) == 0)
        return show(c, &e, NULL, 200, err);
    return again(c, NULL, err);
}

static int post_confirm(struct api_call *c, struct err *err)
{
    struct totp_enrolment e;
    AUTO_JSON *in = form_json(c, &code_form);
    if (api_account_totp_confirm(c, in, err) == 0)
        return page_redirect(c, TOAST_TOTP_ON, here);
    struct err problem = *err;
    if (!page_form_error(c, err))
        return -1;
    if (api_account_totp_begun(c, &e, err) < 0)
        return -1;
    *err = problem;
    return again(c, &e, err);
}

static int post_remove(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = form_json(c, &code_form);
    if (api_account_totp_remove(c, in, err) == 0)
        return page_redirect(c, TOAST_TOTP_OFF, here);
    return again(c, NULL, err);
}

static const struct route routes[] = {
    ROUTE(GET, "/settings/profile", get_profile, PERSON, PAGE, .flags = ROUTE_PAGE),
    ROUTE(POST, "/settings/profile/password", post_password, PERSON, USER, .flags = ROUTE_PAGE),
    ROUTE(POST, "/settings/profile/sessions/:id/end", post_end_session, PERSON, USER,
          .flags = ROUTE_PAGE),
    ROUTE(POST, "/settings/profile/totp", post_totp, PERSON, USER, .flags = ROUTE_PAGE),
    ROUTE(POST, "/settings/profile/totp/confirm", post_confirm, PERSON, USER, .flags = ROUTE_PAGE),
    ROUTE(POST, "/settings/profile/totp/remove", post_remove, PERSON, USER, .flags = ROUTE_PAGE),
};
const struct route_table pages_profile_routes = {routes, ARRAY_LEN(routes)};
