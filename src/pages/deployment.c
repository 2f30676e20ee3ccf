/* SPDX-License-Identifier: MIT */
/* Deployments: the list of all, and one with its timeline, its cause of failure and its log. */
#include "api/deployment.h"

#include <string.h>

#include "api/project.h"
#include "api/release.h"
#include "base/str.h"
#include "base/time.h"
#include "pages/app.h"
#include "pages/pages.h"

enum {
    LOG_LINES = 1000, /* a page */
    ABOVE = 100,      /* what is shown before a first error of another page */
};

/* ---- the list */

static int name_applications(struct api_call *c, struct view_deployment_rows *rows, struct err *err)
{
    rows->applications = true;
    for (size_t i = 0; i < rows->rows.n; i++) {
        struct view_deployment_row *row = &rows->rows.list[i];
        struct store_app app;
        for (size_t k = 0; k < i && !row->application; k++)
            if (str_eq(rows->rows.list[k].application_id, row->application_id))
                row->application = rows->rows.list[k].application;
        if (row->application)
            continue;
        if (api_app_load(c, row->application_id, PERM_APPLICATION_READ, &app, NULL, err) == 0)
            row->application = app.name;
        else if (err->code == ERR_NOT_FOUND)
            row->application = "deleted";
        else
            return -1;
    }
    return 0;
}

static int get_list(struct api_call *c, struct err *err)
{
    struct store_page page;
    struct store_deployments list;
    struct store_deployment_filter filter = {0};
    struct view_deployments v = {0};
    if (api_page(c, &page, err) < 0 || api_deployment_list(c, &filter, &page, &list, err) < 0)
        return -1;
    page_begin(c, &v.page, "Deployments", "deployments");
    page_deployments(c, &list, &v.deployments);
    if (name_applications(c, &v.deployments, err) < 0)
        return -1;
    page_list(c, &v.pages, list.n, list.more, list.n ? list.list[list.n - 1].id : "");
    tpl_deployment_list(&c->res->body, &v);
    return page_send(c, 200);
}

/* ---- one */

static void add_fact(struct arena *a, struct view_deployment *v, const char *name,
                     const char *value)
{
    enum { MOST = 6 };
    if (str_empty(value))
        return;
    if (!v->facts.list)
        v->facts.list = ARENA_ARRAY(a, MOST, struct view_fact);
    v->facts.list[v->facts.n++] = (struct view_fact){name, value};
}

static void fill_error(struct arena *a, const struct store_deployment *d,
                       const struct store_deployment *past, struct view_deployment *v)
{
    AUTO_JSON *e = NULL;
    struct err err;
    v->failed = str_eq(d->status, "failed");
    if (!v->failed)
        return;
    if (past->id) {
        v->live_id = past->id;
        v->live_commit = page_commit(a, past->commit_sha);
    }
    v->error = "The deployment failed without a cause.";
    if (!d->error || json_parse(d->error, strlen(d->error), &e, &err) < 0 || !e)
        return;
    const char *message = json_str_at(e, "message");
    if (message) {
        char *text = arena_printf(a, "%s%s", message, str_ends(message, ".") ? "" : ".");
        if (*text >= 'a' && *text <= 'z')
            *text = (char)(*text - 'a' + 'A');
        v->error = text;
    }
    struct json_object *code = json_at(e, "exitCode");
    const char *step = json_str_at(e, "step");
    v->failed_step = arena_strdup(a, step);
    if (step)
        add_fact(a, v, "Step", page_status(a, step).label);
    add_fact(a, v, "Task", arena_strdup(a, json_str_at(e, "task")));
    add_fact(a, v, "Node", arena_strdup(a, json_str_at(e, "node")));
    if (code)
        add_fact(a, v, "Exit code", arena_strdup(a, json_object_get_string(code)));
    v->output = arena_strdup(a, json_str_at(e, "output"));
}

static void fill_running(struct arena *a, const struct store_deployment *d,
                         const struct store_deployment *past, struct view_deployment *v)
{
    if (ways_ended(d))
        return;
    int64_t now = time_now();
    v->page.refresh = true;
    v->as_of = page_clock(a, now);
    if (d->cancelling) {
        v->running = "It is being cancelled.";
        return;
    }
    if (!d->started_at) {
        v->running = "Waiting for its turn.";
        return;
    }
    v->running = arena_printf(a, "%s for %s.", page_status(a, d->status).label,
                              page_seconds(a, now - d->started_at));
    if (past->id && past->started_at && past->finished_at) {
        int64_t took = past->finished_at - past->started_at;
        if (d->started_at + took > now)
            v->forecast = arena_printf(a,
                                       "The last success took %s; at that pace this release is "
                                       "in service at about %s.",
                                       page_seconds(a, took), page_clock(a, d->started_at + took));
        else
            v->forecast = arena_printf(a, "The last success took %s.", page_seconds(a, took));
    }
}

/* Where the lines that are not shown are. */
static void fill_log_links(struct arena *a, const struct store_deployment *d, int64_t first,
                           int64_t last, bool newest, struct view_deployment *v)
{
    const char *base = arena_printf(a, "/deployments/%s", d->id);
    v->log_note = arena_printf(a, "Lines %lld to %lld%s", (long long)first, (long long)last,
                               ways_ended(d) ? "" : ", still growing");
    if (first > 1)
        v->log_earlier = arena_printf(a, "%s?after=%lld", base,
                                      (long long)(first > LOG_LINES ? first - 1 - LOG_LINES : 0));
    if (first > LOG_LINES + 1)
        v->log_first = arena_printf(a, "%s?after=0", base);
    if (!newest) {
        v->log_later = arena_printf(a, "%s?after=%lld", base, (long long)last);
        v->log_newest = base;
    }
}

/* The first error of the whole log, which may be on another page than FIRST to LAST. */
static int link_error(struct api_call *c, const struct store_deployment *d, int64_t first,
                      int64_t last, struct view_deployment *v, struct err *err)
{
    int64_t line;
    if (!v->failed)
        return 0;
    if (api_deployment_first_error(c, d->id, v->failed_step, &line, err) < 0)
        return -1;
    if (line >= first && line <= last)
        v->first_error = arena_printf(c->arena, "#L%lld", (long long)line);
    else if (line)
        v->first_error =
            arena_printf(c->arena, "/deployments/%s?after=%lld#L%lld", d->id,
                         (long long)(line > ABOVE ? line - ABOVE : 0), (long long)line);
    return 0;
}

/* The lines behind ?after=, else the newest. */
static int fill_log(struct api_call *c, const struct store_deployment *d, struct view_deployment *v,
                    struct err *err)
{
    struct arena *a = c->arena;
    const char *after_text = http_query(c->req, "after");
    struct store_log_line *lines;
    int64_t after = 0;
    size_t n;
    if (after_text && !str_to_int(after_text, 0, INT32_MAX, &after))
        return err_set(err, ERR_NOT_FOUND, "there is no line %.20s", after_text);
    if ((after_text ? api_deployment_logs(c, d->id, after, LOG_LINES, &lines, &n, err)
                    : api_deployment_log_tail(c, d->id, LOG_LINES, &lines, &n, err)) < 0)
        return -1;
    v->lines.n = n;
    v->lines.list = ARENA_ARRAY(a, n + 1, struct view_line);
    for (size_t i = 0; i < n; i++) {
        bool bad = v->failed && store_log_is_error(&lines[i], v->failed_step);
        bool begins = i == 0 || !str_eq(lines[i].step, lines[i - 1].step);
        v->lines.list[i] = (struct view_line){
            .n = lines[i].line,
            .at = page_clock(a, lines[i].at),
            .text = lines[i].text,
            .bad = bad,
            .class = bad      ? "bad"
                     : begins ? "step"
                              : NULL,
        };
    }
    if (!n)
        return 0;
    fill_log_links(a, d, lines[0].line, lines[n - 1].line, !after_text || n < LOG_LINES, v);
    return link_error(c, d, lines[0].line, lines[n - 1].line, v, err);
}

static int fill_crumbs(struct api_call *c, const struct store_app *app, struct view_deployment *v,
                       struct err *err)
{
    struct store_project project;
    struct arena *a = c->arena;
    const char *base = arena_printf(a, "/applications/%s", app->id);
    if (api_project_get(c, app->project_id, PERM_PROJECT_READ, &project, NULL, err) < 0)
        return -1;
    page_crumb(a, &v->crumbs, project.name, arena_printf(a, "/projects/%s", project.id));
    page_crumb(a, &v->crumbs, app->name, base);
    page_crumb(a, &v->crumbs, "Deployments", arena_printf(a, "%s/deployments", base));
    page_crumb(a, &v->crumbs, v->commit, NULL);
    return 0;
}

static void fill_title(struct arena *a, const struct store_deployment *d, struct view_deployment *v)
{
    const char *subject = page_subject(a, d->commit_message);
    v->title = !str_empty(subject) ? subject : d->image ? d->image : "Deployment";
    v->commit = str_empty(d->commit_sha) ? "newest commit" : page_commit(a, d->commit_sha);
    v->commit_sha = d->commit_sha;
    v->branch = d->branch;
    v->status = page_status(a, d->status);
    v->when = page_time(a, d->created_at);
    v->by = str_eq(d->trigger, "webhook")    ? "pushed"
            : str_eq(d->trigger, "rollback") ? "rolled back"
            : str_eq(d->trigger, "api")      ? "asked for by the API"
                                             : "started by hand";
}

/* Whether it is the live one, and another release stands before it. */
static int can_rollback(struct api_call *c, const struct store_deployment *d, const char *role,
                        bool *can, struct err *err)
{
    struct store_deployments two;
    struct store_page page = {.limit = 2};
    const char *live;
    *can = false;
    if (!str_eq(d->status, "success") || !page_may(c, role, PERM_DEPLOYMENT_ROLLBACK))
        return 0;
    if (api_releases(c, d->application_id, &page, &two, &live, err) < 0)
        return -1;
    *can = two.n > 1 && str_eq(live, d->id);
    return 0;
}

static int get_show(struct api_call *c, struct err *err)
{
    struct store_deployment d, past;
    struct store_app app;
    struct view_deployment v = {0};
    const char *role;
    if (api_deployment_get(c, c->req->params[0], &d, err) < 0 ||
        api_app_load(c, d.application_id, PERM_APPLICATION_READ, &app, &role, err) < 0 ||
        ways_past(c, &d, &past, err) < 0)
        return -1;
    fill_title(c->arena, &d, &v);
    page_begin(c, &v.page, v.title, "deployments");
    v.application = app.name;
    v.application_id = app.id;
    v.id = d.id;
    v.can_cancel = !ways_ended(&d) && !d.cancelling && page_may(c, role, PERM_DEPLOYMENT_CANCEL);
    if (can_rollback(c, &d, role, &v.can_rollback, err) < 0)
        return -1;
    v.can_retry = ways_ended(&d) && !str_eq(d.status, "success") &&
                  page_may(c, role, PERM_APPLICATION_DEPLOY);
    if (fill_crumbs(c, &app, &v, err) < 0)
        return -1;
    fill_error(c->arena, &d, &past, &v);
    fill_running(c->arena, &d, &past, &v);
    ways_fill(c->arena, &d, &past, false, &v.ways);
    if (fill_log(c, &d, &v, err) < 0)
        return -1;
    tpl_deployment_show(&c->res->body, &v);
    return page_send(c, 200);
}

static const struct route routes[] = {
    ROUTE(GET, "/deployments", get_list, DEPLOYMENT_READ, PAGE, .flags = ROUTE_PAGE),
    ROUTE(GET, "/deployments/:id", get_show, DEPLOYMENT_READ, PAGE, .flags = ROUTE_PAGE),
};
const struct route_table pages_deployment_routes = {routes, ARRAY_LEN(routes)};
