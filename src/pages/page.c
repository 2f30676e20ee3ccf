/* SPDX-License-Identifier: MIT */
#include "pages/page.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "base/time.h"

static const struct {
    const char *word, *text;
} toasts[] = {
    [TOAST_NONE] = {"", NULL},
    [TOAST_SAVED] = {"saved", "Saved."},
    [TOAST_DEPLOYING] = {"deploying", "The deployment waits for its turn."},
    [TOAST_PROJECT_CREATED] = {"project-created", "Created the project."},
    [TOAST_PROJECT_DELETED] = {"project-deleted", "Deleted the project and what was in it."},
    [TOAST_APP_CREATED] = {"application-created", "Created the application."},
    [TOAST_APP_NOT_DEPLOYED] = {"not-deployed", "Created the application, but did not deploy it"},
    [TOAST_APP_DELETED] = {"application-deleted", "Deleted the application and its service."},
    [TOAST_STARTING] = {"starting", "The application is being started."},
    [TOAST_STOPPING] = {"stopping", "The application is being stopped."},
    [TOAST_RESTARTING] = {"restarting", "The application is being restarted, task by task."},
    [TOAST_CANCELLING] = {"cancelling", "The deployment is being cancelled."},
    [TOAST_ROLLING_BACK] = {"rolling-back", "The rollback waits for its turn."},
    [TOAST_REGISTERED] = {"registered", "Welcome. This account is the owner."},
    [TOAST_REDELIVERED] = {"redelivered", "Did again what the delivery says."},
    [TOAST_PASSWORD] = {"password", "Changed the password. Your other sessions have ended."},
    [TOAST_SESSION_ENDED] = {"session-ended", "Ended the session."},
    [TOAST_TOTP_ON] = {"totp-on", "The second factor is in force from the next sign-in on."},
    [TOAST_TOTP_OFF] = {"totp-off", "Removed the second factor."},
};

/* HEX is what page_redirect_why() sealed; anything else, such as what another site's page on our
 * domain has set, says nothing. */
static const char *opened(struct api_call *c, const char *hex)
{
    size_t n = strlen(hex) / 2;
    unsigned char *sealed = arena_alloc(c->arena, n + 1);
    char *text;
    struct err err;
    if (!n || strlen(hex) % 2 || !hex_decode(hex, sealed, n) ||
        secret_open(&c->api->keys, c->arena, c->session->user.id, sealed, n, &text, &err) < 0)
        return NULL;
    return text;
}

/* The cookie is "WORD" or "WORD.SEALED". */
static const char *take_toast(struct api_call *c)
{
    const char *cookie = http_cookie(c->req, "slipway_toast");
    if (str_empty(cookie))
        return NULL;
    http_set(c->res, "Set-Cookie", "slipway_toast=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    size_t n = strcspn(cookie, ".");
    const char *why = cookie[n] ? opened(c, cookie + n + 1) : NULL;
    for (size_t i = 1; i < ARRAY_LEN(toasts); i++)
        if (strlen(toasts[i].word) == n && strncmp(toasts[i].word, cookie, n) == 0)
            return why ? arena_printf(c->arena, "%s: %s.", toasts[i].text, why) : toasts[i].text;
    return NULL;
}

static const char *role_name(unsigned role)
{
    static const char *const names[] = {"viewer", "developer", "admin", "owner"};
    for (int i = 3; i >= 0; i--)
        if (role & 1U << i)
            return names[i];
    return "no role";
}

void page_begin(struct api_call *c, struct view_page *page, const char *title, const char *place)
{
    const char *theme = http_cookie(c->req, "slipway_theme");
    *page = (struct view_page){
        .title = title,
        .place = place,
        .theme = str_eq(theme, "light") || str_eq(theme, "dark") ? theme : NULL,
        .host = *c->req->host ? c->req->host : "Slipway",
        .version = PACKAGE_VERSION,
        .here = c->req->path,
    };
    if (!c->session)
        return;
    page->csrf = c->session->csrf;
    page->username = c->session->user.username;
    page->role = role_name(c->session->role);
    if (c->req->method == HTTP_GET)
        page->toast = take_toast(c);
}

int page_send(struct api_call *c, int status)
{
    c->res->status = status;
    http_set(c->res, "Content-Type", "text/html; charset=utf-8");
    return 0;
}

static int redirect(struct api_call *c, enum toast toast, const char *sealed, const char *path)
{
    buf_clear(&c->res->body);
    c->res->status = 303;
    if (toast)
        http_set(c->res, "Set-Cookie",
                 "slipway_toast=%s%s%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=60",
                 toasts[toast].word, sealed ? "." : "", sealed ? sealed : "");
    http_set(c->res, "Location", "%s", path);
    return 0;
}

int page_redirect(struct api_call *c, enum toast toast, const char *path)
{
    return redirect(c, toast, NULL, path);
}

int page_redirect_why(struct api_call *c, enum toast toast, const char *why, const char *path)
{
    AUTO_BUF sealed = {0};
    secret_seal_w(&c->api->keys, c->session->user.id, why, &sealed);
    return redirect(c, toast, hex_encode(c->arena, sealed.data, sealed.len), path);
}

bool page_form_error(struct api_call *c, const struct err *err)
{
    pg_rollback_all(c->api->pg);
    c->undone = true;
    return err->code == ERR_INVALID || err->code == ERR_CONFLICT || err->code == ERR_PRECONDITION ||
           err->code == ERR_UNAVAILABLE;
}

bool page_may(const struct api_call *c, const char *role, enum permission p)
{
    struct err unused;
    return api_require(c, role, p, &unused) == 0;
}

struct view_status page_status(struct arena *a, const char *word)
{
    char *label = arena_strdup(a, word);
    for (char *p = label; *p; p++)
        if (*p == '_')
            *p = ' ';
    if (*label >= 'a' && *label <= 'z')
        *label = (char)(*label - 'a' + 'A');
    return (struct view_status){word, label};
}

static void split_time(int64_t ms, struct tm *tm)
{
    time_t t = (time_t)(ms / 1000);
    gmtime_r(&t, tm);
}

struct view_time page_time(struct arena *a, int64_t ms)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char iso[TIME_TEXT];
    struct tm tm, now;
    if (!ms)
        return (struct view_time){0};
    time_format(ms, iso);
    struct view_time out = {.iso = arena_strdup(a, iso)};
    int64_t ago = (time_now() - ms) / 1000;
    split_time(ms, &tm);
    split_time(time_now(), &now);
    if (ago < 10)
        out.text = "just now";
    else if (ago < 60)
        out.text = arena_printf(a, "%lld\u00a0s ago", (long long)ago);
    else if (ago < 3600)
        out.text = arena_printf(a, "%lld\u00a0min ago", (long long)ago / 60);
    else if (ago < 24 * 3600)
        out.text = arena_printf(a, "%lld\u00a0h ago", (long long)ago / 3600);
    else if (tm.tm_year == now.tm_year)
        out.text = arena_printf(a, "%d\u00a0%s, %02d:%02d", tm.tm_mday, months[tm.tm_mon],
                                tm.tm_hour, tm.tm_min);
    else
        out.text =
            arena_printf(a, "%d\u00a0%s %d", tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900);
    return out;
}

const char *page_clock(struct arena *a, int64_t ms)
{
    struct tm tm;
    split_time(ms, &tm);
    return arena_printf(a, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
}

const char *page_seconds(struct arena *a, int64_t ms)
{
    if (ms < 0)
        ms = 0;
    if (ms < 120000)
        return arena_printf(a, "%.1f\u00a0s", (double)ms / 1000);
    return arena_printf(a, "%lld\u00a0min %lld\u00a0s", (long long)(ms / 60000),
                        (long long)(ms / 1000 % 60));
}

const char *page_commit(struct arena *a, const char *sha)
{
    return str_empty(sha) ? "–" : arena_printf(a, "%.7s", sha);
}

const char *page_subject(struct arena *a, const char *message)
{
    return message ? arena_printf(a, "%.*s", (int)strcspn(message, "\r\n"), message) : NULL;
}

void page_crumb(struct arena *a, struct view_crumbs *crumbs, const char *label, const char *url)
{
    enum { MOST = 6 };
    if (!crumbs->crumbs.list)
        crumbs->crumbs.list = ARENA_ARRAY(a, MOST, struct view_crumb);
    if (crumbs->crumbs.n == MOST)
        BUG("more than %d crumbs", MOST);
    crumbs->crumbs.list[crumbs->crumbs.n++] = (struct view_crumb){label, url};
}

void page_list(struct api_call *c, struct view_pages *pages, size_t n, bool more, const char *last)
{
    bool first = !http_query(c->req, "cursor");
    *pages = (struct view_pages){
        .show = more || !first,
        .label = arena_printf(c->arena, "%zu shown", n),
        .newest = first ? NULL : c->req->path,
        .older = more ? arena_printf(c->arena, "%s?cursor=%s", c->req->path, last) : NULL,
    };
}

static const char *who(const char *trigger)
{
    static const char *const words[][2] = {
        {"manual", "by hand"}, {"webhook", "push"}, {"rollback", "rollback"}, {"api", "API"}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(words[i][0], trigger))
            return words[i][1];
    return trigger;
}

void page_deployments(struct api_call *c, const struct store_deployments *list,
                      struct view_deployment_rows *out)
{
    struct arena *a = c->arena;
    *out = (struct view_deployment_rows){.rows = {.n = list->n}};
    out->rows.list = ARENA_ARRAY(a, list->n + 1, struct view_deployment_row);
    for (size_t i = 0; i < list->n; i++) {
        const struct store_deployment *d = &list->list[i];
        out->rows.list[i] = (struct view_deployment_row){
            .id = d->id,
            .commit = str_empty(d->commit_sha) ? "newest" : page_commit(a, d->commit_sha),
            .message = page_subject(a, d->commit_message),
            .by = who(d->trigger),
            .took = d->started_at && d->finished_at
                        ? page_seconds(a, d->finished_at - d->started_at)
                        : "–",
            .status = page_status(a, d->status),
            .when = page_time(a, d->created_at),
            .application_id = d->application_id,
        };
    }
}

const char *page_visit_url(struct arena *a, const struct conf *conf, const char *host,
                           const char *path)
{
    const char *listen = conf->router_listen, *colon = strrchr(listen, ':');
    const char *from = colon ? colon + 1 : listen;
    const char *port = arena_printf(a, "%.*s", (int)strcspn(from, " "), from);
    if (str_eq(port, "443") || (!str_eq(port, "80") && str_starts(conf->web_public_url, "https:")))
        return arena_printf(a, "https://%s%s", host, path);
    return arena_printf(a, "http://%s%s%s%s", host, str_eq(port, "80") ? "" : ":",
                        str_eq(port, "80") ? "" : port, path);
}

const char *page_hook_url(struct api_call *c)
{
    return arena_printf(c->arena, "%s/api/webhooks/github", api_public_url(c));
}
