/* SPDX-License-Identifier: MIT */
/* An application: making one, its overview, its deployments, deploying it. */
#include "pages/app.h"

#include <string.h>

#include "api/deployment.h"
#include "api/project.h"
#include "api/release.h"
#include "base/giturl.h"
#include "base/str.h"
#include "pages/form.h"
#include "pages/pages.h"

/* ---- shared */

const char *app_source(struct arena *a, const struct store_app *app)
{
    if (app->image)
        return app->image;
    const char *normal = app->repo_normal ? app->repo_normal : "";
    const char *slash = strchr(normal, '/');
    return arena_printf(a, "%s, %s", slash ? slash + 1 : normal, app->branch);
}

/* The address of the first domain, or NULL. */
static const char *address_of(struct api_call *c, const struct store_app *app)
{
    AUTO_JSON *list = NULL;
    struct err err;
    if (!app->domains || json_parse(app->domains, strlen(app->domains), &list, &err) < 0 ||
        !json_len(list))
        return NULL;
    struct json_object *d = json_object_array_get_idx(list, 0);
    return page_visit_url(c->arena, c->api->conf, json_str_at(d, "host"), json_str_at(d, "path"));
}

int app_head(struct api_call *c, const struct store_app *app, const char *role, const char *tab,
             struct view_page *page, struct view_app_head *head, struct err *err)
{
    struct store_project project;
    struct arena *a = c->arena;
    if (api_project_get(c, app->project_id, PERM_PROJECT_READ, &project, NULL, err) < 0)
        return -1;
    page_begin(c, page, app->name, "projects");
    *head = (struct view_app_head){
        .id = app->id,
        .name = app->name,
        .address = address_of(c, app),
        .csrf = page->csrf,
        .tab = tab,
        .status = page_status(a, app->status),
        .can_deploy = page_may(c, role, PERM_APPLICATION_DEPLOY),
        .can_update = page_may(c, role, PERM_APPLICATION_UPDATE),
        .pending = app->pending_changes,
    };
    head->can_start = head->can_deploy && app->deployed && app->stopped;
    head->can_stop = head->can_deploy && app->deployed && !app->stopped;
    page_crumb(a, &head->crumbs, "Projects", "/projects");
    page_crumb(a, &head->crumbs, project.name, arena_printf(a, "/projects/%s", project.id));
    page_crumb(a, &head->crumbs, app->name,
               str_eq(tab, "overview") ? NULL : arena_printf(a, "/applications/%s", app->id));
    if (!str_eq(tab, "overview"))
        page_crumb(a, &head->crumbs, page_status(a, tab).label, NULL);
    return 0;
}

void app_show_secret(struct api_call *c, const char *app_id, const char *secret)
{
    AUTO_BUF sealed = {0};
    secret_seal_w(&c->api->keys, app_id, secret, &sealed);
    http_set(c->res, "Set-Cookie",
             "slipway_shown=%s; Path=/applications; HttpOnly; SameSite=Lax; Max-Age=60%s",
             hex_encode(c->arena, sealed.data, sealed.len), c->req->https ? "; Secure" : "");
}

const char *app_shown_secret(struct api_call *c, const char *app_id)
{
    const char *cookie = http_cookie(c->req, "slipway_shown");
    char *secret;
    struct err err;
    if (str_empty(cookie) || strlen(cookie) % 2)
        return NULL;
    size_t n = strlen(cookie) / 2;
    unsigned char *sealed = arena_alloc(c->arena, n);
    if (!hex_decode(cookie, sealed, n) ||
        secret_open(&c->api->keys, c->arena, app_id, sealed, n, &secret, &err) < 0)
        return NULL;
    http_set(c->res, "Set-Cookie",
             "slipway_shown=; Path=/applications; HttpOnly; SameSite=Lax; Max-Age=0");
    return secret;
}

/* ---- overview */

static struct json_object *parsed(const char *json)
{
    struct json_object *o = NULL;
    struct err err;
    if (!json || json_parse(json, strlen(json), &o, &err) < 0)
        return NULL;
    return o;
}

static void fill_health(struct arena *a, const struct store_app *app, struct view_app_show *v)
{
    AUTO_JSON *check = parsed(app->health_check);
    if (!check) {
        v->health = "the image’s own";
        v->health_note = arena_printf(a, "else whether port %lld answers", (long long)app->port);
        return;
    }
    v->health = arena_strdup(a, json_str_at(check, "command"));
    v->health_note = arena_printf(a, "every %s\u00a0s, %s tries",
                                  json_object_get_string(json_at(check, "interval")),
                                  json_object_get_string(json_at(check, "retries")));
}

static void fill_updates(struct arena *a, const struct store_app *app, struct view_app_show *v)
{
    AUTO_JSON *update = parsed(app->update_config);
    AUTO_JSON *restart = parsed(app->restart_policy);
    const char *order = json_str_at(update, "order"), *then = json_str_at(update, "failureAction");
    const char *when = json_str_at(restart, "condition");
    v->order = arena_printf(a, "%s, %lld at a time",
                            str_eq(order, "stop-first") ? "old task stops first" : "new task first",
                            (long long)json_int_at(update, "parallelism", 1));
    v->monitor = json_object_get_double(json_at(update, "monitor"));
    v->on_failure = str_eq(then, "pause")      ? "pause"
                    : str_eq(then, "continue") ? "go on"
                                               : "roll back";
    v->restart = str_eq(when, "none") ? "never"
                 : str_eq(when, "any")
                     ? "always"
                     : arena_printf(a, "on failure, %lld attempts",
                                    (long long)json_int_at(restart, "maxAttempts", 3));
}

static void fill_facts(struct api_call *c, const struct store_app *app, struct view_app_show *v)
{
    struct arena *a = c->arena;
    v->source = app->image ? app->image : app->repo_url;
    v->source_note =
        app->image ? "an image that is there already"
                   : arena_printf(a, "%s, %s", app->branch,
                                  app->auto_deploy ? "deploys on push" : "pushes do not deploy");
    v->address = v->head.address ? strstr(v->head.address, "//") + 2 : NULL;
    v->port = app->port;
    v->cpu = app->cpu_limit;
    v->cpu_unit = app->cpu_limit > 1 ? "cores" : "core";
    v->memory = app->memory_limit;
    v->replicas = app->replicas;
    v->replica_unit = app->replicas == 1 ? "replica" : "replicas";
    v->service = app->service_name;
    v->built_from = app->image    ? "not built here"
                    : app->target ? arena_printf(a, "%s, target %s", app->dockerfile, app->target)
                                  : app->dockerfile;
    v->hook_url = page_hook_url(c);
    fill_health(a, app, v);
    fill_updates(a, app, v);
}

/* "registry:5000/group/name:tag@sha256:…" in the parts that are read. */
static void split_image(struct arena *a, const char *image, struct view_app_show *v)
{
    const char *at = image ? strchr(image, '@') : NULL, *slash = image ? strchr(image, '/') : NULL;
    if (!image)
        return;
    size_t n = at ? (size_t)(at - image) : strlen(image);
    bool registry = slash && slash < image + n && memchr(image, ':', (size_t)(slash - image));
    size_t skip = registry ? (size_t)(slash - image) + 1 : 0;
    v->image = arena_printf(a, "%.*s", (int)(n - skip), image + skip);
    if (registry)
        v->registry = arena_printf(a, "%.*s", (int)(slash - image), image);
    if (at && strlen(at) > 24)
        v->digest = arena_printf(a, "%.12s…%s", at + 1, at + strlen(at) - 4);
}

/* The release that serves: the newest success. */
static int fill_live(struct api_call *c, const struct store_app *app, struct view_app_show *v,
                     struct err *err)
{
    struct store_deployments list;
    struct store_deployment_filter filter = {.application_id = app->id, .status = "success"};
    struct store_page page = {.limit = 1};
    if (api_deployment_list(c, &filter, &page, &list, err) < 0)
        return -1;
    if (!list.n)
        return 0;
    v->live_id = list.list[0].id;
    v->live_commit = app->image ? "the image" : page_commit(c->arena, list.list[0].commit_sha);
    v->live_since = page_time(c->arena, list.list[0].finished_at);
    split_image(c->arena, list.list[0].image, v);
    return 0;
}

/* The last releases, each of which but the live one can be gone back to. */
static int fill_releases(struct api_call *c, const struct app_view *app, struct view_app_show *v,
                         struct err *err)
{
    enum { RELEASES = 5 };
    struct store_deployments list;
    struct store_page page = {.limit = RELEASES};
    const char *live;
    if (api_releases(c, app->app.id, &page, &list, &live, err) < 0)
        return -1;
    bool may = live && page_may(c, app->role, PERM_DEPLOYMENT_ROLLBACK);
    v->releases.n = list.n;
    v->releases.list = ARENA_ARRAY(c->arena, list.n + 1, struct view_release);
    for (size_t i = 0; i < list.n; i++) {
        const struct store_deployment *d = &list.list[i];
        v->releases.list[i] = (struct view_release){
            .id = d->id,
            .commit = str_empty(d->commit_sha) ? "the image" : page_commit(c->arena, d->commit_sha),
            .message = page_subject(c->arena, d->commit_message),
            .when = page_time(c->arena, d->finished_at),
            .live = str_eq(d->id, live),
            .bad = str_eq(d->status, "rolled_back"),
            .can_go_back = may && !str_eq(d->id, live),
        };
    }
    return 0;
}

static int get_show(struct api_call *c, struct err *err)
{
    struct app_view app;
    struct view_app_show v = {0};
    struct store_deployment past;
    if (api_app_get(c, c->req->params[0], &app, err) < 0 ||
        app_head(c, &app.app, app.role, "overview", &v.page, &v.head, err) < 0 ||
        fill_live(c, &app.app, &v, err) < 0 || fill_releases(c, &app, &v, err) < 0)
        return -1;
    fill_facts(c, &app.app, &v);
    v.secret = app_shown_secret(c, app.app.id);
    page_deployments(c, &app.deployments, &v.deployments);
    if (app.deployments.n) {
        const struct store_deployment *last = &app.deployments.list[0];
        if (ways_past(c, last, &past, err) < 0)
            return -1;
        v.last_id = last->id;
        v.last_commit =
            str_empty(last->commit_sha) ? "not known yet" : page_commit(c->arena, last->commit_sha);
        ways_fill(c->arena, last, &past, true, &v.ways);
        v.page.refresh = !ways_ended(last) && !v.secret; /* the next load has no secret */
    }
    tpl_app_show(&c->res->body, &v);
    return page_send(c, 200);
}

static int get_deployments(struct api_call *c, struct err *err)
{
    struct store_app app;
    struct store_page page;
    struct store_deployments list;
    struct view_app_deployments v = {0};
    const char *role;
    if (api_app_load(c, c->req->params[0], PERM_APPLICATION_READ, &app, &role, err) < 0 ||
        api_page(c, &page, err) < 0)
        return -1;
    struct store_deployment_filter filter = {.application_id = app.id};
    if (api_deployment_list(c, &filter, &page, &list, err) < 0 ||
        app_head(c, &app, role, "deployments", &v.page, &v.head, err) < 0)
        return -1;
    page_deployments(c, &list, &v.deployments);
    page_list(c, &v.pages, list.n, list.more, list.n ? list.list[list.n - 1].id : "");
    tpl_app_deployments(&c->res->body, &v);
    return page_send(c, 200);
}

/* ---- deploying */

static int post_deploy(struct api_call *c, struct err *err)
{
    static const struct form_field fields[] = {
        {.name = "branch", .label = "Branch", .flags = FORM_OMIT},
        {.name = "commitSha", .label = "Commit", .flags = FORM_OMIT},
    };
    static const struct form_table form = {fields, ARRAY_LEN(fields)};
    struct store_deployment d;
    AUTO_JSON *in = form_json(c, &form);
    if (api_deploy(c, c->req->params[0], "manual", in, &d, err) < 0)
        return -1;
    return page_redirect(c, TOAST_DEPLOYING, arena_printf(c->arena, "/deployments/%s", d.id));
}

/* ---- making one */

static const struct form_field new_fields[] = {
    {.name = "name",
     .label = "Name",
     .help = "Unique in the project. The Swarm service is named after it.",
     .flags = FORM_REQUIRED | FORM_MONO},
    {.name = "gitSource.repoUrl",
     .label = "Repository",
     .help = "An https or ssh address.",
     .flags = FORM_REQUIRED | FORM_MONO},
    {.name = "gitSource.branch",
     .label = "Branch",
     .help = "A push to it starts a deployment.",
     .flags = FORM_OMIT | FORM_MONO},
    {.name = "port",
     .label = "Port",
     .help = "Where the container listens.",
     .kind = FORM_INT,
     .flags = FORM_OMIT | FORM_MONO | FORM_SHORT},
};
static const struct form_table new_form = {new_fields, ARRAY_LEN(new_fields)};

static int show_new(struct api_call *c, const struct store_project *project,
                    struct json_object *values, const struct err *problem)
{
    struct view_app_new v = {0};
    struct arena *a = c->arena;
    const char *rest, *base = arena_printf(a, "/projects/%s", project->id);
    page_begin(c, &v.page, "New application", "projects");
    page_crumb(a, &v.crumbs, "Projects", "/projects");
    page_crumb(a, &v.crumbs, project->name, base);
    page_crumb(a, &v.crumbs, "New application", NULL);
    v.form.action = arena_printf(a, "%s/applications", base);
    v.form.csrf = v.page.csrf;
    v.form.submit = "Create and deploy";
    v.form.second = "Create only";
    v.form.second_name = "deploy";
    v.form.second_value = "false";
    form_view(c, &new_form, values, &v.form.fields, &rest);
    if (problem)
        v.form.problem = form_problem(c, problem, rest);
    tpl_app_new(&c->res->body, &v);
    return page_send(c, problem ? err_http_status(problem->code) : 200);
}

static int get_new(struct api_call *c, struct err *err)
{
    struct store_project project;
    if (api_project_get(c, c->req->params[0], PERM_APPLICATION_CREATE, &project, NULL, err) < 0)
        return -1;
    AUTO_JSON *values = parsed("{\"gitSource\":{\"branch\":\"main\"},\"port\":8080}");
    return show_new(c, &project, values, NULL);
}

static int post_new(struct api_call *c, struct err *err)
{
    struct store_project project;
    struct store_deployment d;
    struct app_view app;
    const char *secret;
    if (api_project_get(c, c->req->params[0], PERM_APPLICATION_CREATE, &project, NULL, err) < 0)
        return -1;
    AUTO_JSON *in = form_json(c, &new_form);
    json_object_object_add(in, "projectId", json_object_new_string(project.id));
    if (api_app_create(c, in, &app, &secret, err) < 0)
        return page_form_error(c, err) ? show_new(c, &project, in, err) : -1;
    app_show_secret(c, app.app.id, secret);
    const char *path = arena_printf(c->arena, "/applications/%s", app.app.id);
    AUTO_JSON *empty = json_object_new_object();
    if (str_eq(http_form(c->req, "deploy"), "false"))
        return page_redirect(c, TOAST_APP_CREATED, path);
    struct err late; /* the application is there: an error page would hide it, and its secret */
    if (api_deploy(c, app.app.id, "manual", empty, &d, &late) < 0) {
        c->audit->outcome = late.code == ERR_FORBIDDEN ? "denied" : "failed";
        return page_redirect_why(
            c, TOAST_APP_NOT_DEPLOYED, /* what is behind ';' advises on the operation alone */
            arena_printf(c->arena, "%.*s", (int)strcspn(late.msg, ";"), late.msg), path);
    }
    return page_redirect(c, TOAST_DEPLOYING, path);
}

static const struct route routes[] = {
    ROUTE(GET, "/projects/:id/applications/new", get_new, APPLICATION_CREATE, PAGE,
          .flags = ROUTE_PAGE),
    ROUTE(POST, "/projects/:id/applications", post_new, APPLICATION_CREATE, USER,
          .flags = ROUTE_PAGE),
    ROUTE(GET, "/applications/:id", get_show, APPLICATION_READ, PAGE, .flags = ROUTE_PAGE),
    ROUTE(GET, "/applications/:id/deployments", get_deployments, DEPLOYMENT_READ, PAGE,
          .flags = ROUTE_PAGE),
    ROUTE(POST, "/applications/:id/deploy", post_deploy, APPLICATION_DEPLOY, USER,
          .flags = ROUTE_PAGE),
};
const struct route_table pages_app_routes = {routes, ARRAY_LEN(routes)};
