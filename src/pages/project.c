/* SPDX-License-Identifier: MIT */
/* Projects: the list, one with its applications, making, changing and deleting one. */
#include "api/project.h"

#include "api/app.h"
#include "base/str.h"
#include "pages/app.h"
#include "pages/form.h"
#include "pages/page.h"
#include "pages/pages.h"

static const struct form_field fields[] = {
    {.name = "name", .label = "Name", .flags = FORM_REQUIRED},
    {.name = "description", .label = "Description", .help = "What belongs here, in a line."},
};
static const struct form_table form = {fields, ARRAY_LEN(fields)};

static int get_list(struct api_call *c, struct err *err)
{
    struct store_page page;
    struct store_projects list;
    struct view_projects v = {0};
    if (api_page(c, &page, err) < 0 || api_project_list(c, &page, &list, err) < 0)
        return -1;
    page_begin(c, &v.page, "Projects", "projects");
    v.can_create = page_may(c, NULL, PERM_PROJECT_CREATE);
    v.projects.n = list.n;
    v.projects.list = ARENA_ARRAY(c->arena, list.n + 1, struct view_project_row);
    for (size_t i = 0; i < list.n; i++)
        v.projects.list[i] = (struct view_project_row){
            .id = list.list[i].id,
            .name = list.list[i].name,
            .description = list.list[i].description,
            .made = page_time(c->arena, list.list[i].created_at),
        };
    page_list(c, &v.pages, list.n, list.more, list.n ? list.list[list.n - 1].id : "");
    tpl_project_list(&c->res->body, &v);
    return page_send(c, 200);
}

static void fill_apps(struct api_call *c, const struct app_views *apps, struct view_project *v)
{
    struct arena *a = c->arena;
    v->apps.n = apps->n;
    v->apps.list = ARENA_ARRAY(a, apps->n + 1, struct view_app_row);
    for (size_t i = 0; i < apps->n; i++) {
        const struct app_view *app = &apps->list[i];
        struct view_app_row *row = &v->apps.list[i];
        *row = (struct view_app_row){
            .id = app->app.id,
            .name = app->app.name,
            .source = app_source(a, &app->app),
            .status = page_status(a, app->app.status),
            .replicas = app->app.replicas,
            .memory = app->app.memory_limit,
        };
        if (!app->deployments.n)
            continue;
        row->deployment_id = app->deployments.list[0].id;
        row->deployment = page_status(a, app->deployments.list[0].status);
        row->deployed = page_time(a, app->deployments.list[0].created_at);
    }
}

static int get_show(struct api_call *c, struct err *err)
{
    struct store_page page;
    struct store_project p;
    struct app_views apps;
    struct view_project v = {0};
    const char *role;
    if (api_project_get(c, c->req->params[0], PERM_PROJECT_READ, &p, &role, err) < 0 ||
        api_page(c, &page, err) < 0 || api_app_list(c, p.id, &page, &apps, err) < 0)
        return -1;
    page_begin(c, &v.page, p.name, "projects");
    page_crumb(c->arena, &v.crumbs, "Projects", "/projects");
    page_crumb(c->arena, &v.crumbs, p.name, NULL);
    v.id = p.id;
    v.name = p.name;
    v.description = p.description;
    v.can_create = page_may(c, role, PERM_APPLICATION_CREATE);
    v.can_update = page_may(c, role, PERM_PROJECT_UPDATE);
    fill_apps(c, &apps, &v);
    page_list(c, &v.pages, apps.n, apps.more, apps.n ? apps.list[apps.n - 1].app.id : "");
    tpl_project_show(&c->res->body, &v);
    return page_send(c, 200);
}

/* P is NULL for a new one. */
static int show_form(struct api_call *c, const struct store_project *p, struct json_object *values,
                     const struct err *problem, const char *sure_error)
{
    struct view_project_form v = {0};
    struct arena *a = c->arena;
    const char *rest;
    page_begin(c, &v.page, p ? "Settings" : "New project", "projects");
    page_crumb(a, &v.crumbs, "Projects", "/projects");
    if (p)
        page_crumb(a, &v.crumbs, p->name, arena_printf(a, "/projects/%s", p->id));
    page_crumb(a, &v.crumbs, v.page.title, NULL);
    v.title = p ? arena_printf(a, "Settings of %s", p->name) : "New project";
    v.form.action = p ? arena_printf(a, "/projects/%s/settings", p->id) : "/projects";
    v.form.csrf = v.page.csrf;
    v.form.submit = p ? "Save" : "Create project";
    form_view(c, &form, values, &v.form.fields, &rest);
    if (problem)
        v.form.problem = form_problem(c, problem, rest);
    if (p) {
        v.name = p->name;
        v.sure = form_sure(a, p->name, sure_error);
        v.delete_url = arena_printf(a, "/projects/%s/delete", p->id);
    }
    tpl_project_form(&c->res->body, &v);
    return page_send(c, problem ? err_http_status(problem->code) : sure_error ? 422 : 200);
}

static int get_new(struct api_call *c, struct err *err)
{
    (void)err;
    return show_form(c, NULL, NULL, NULL, NULL);
}

static int post_new(struct api_call *c, struct err *err)
{
    struct store_project p;
    AUTO_JSON *in = form_json(c, &form);
    if (api_project_create(c, in, &p, err) == 0)
        return page_redirect(c, TOAST_PROJECT_CREATED,
                             arena_printf(c->arena, "/projects/%s", p.id));
    return page_form_error(c, err) ? show_form(c, NULL, in, err, NULL) : -1;
}

static struct json_object *as_json(const struct store_project *p)
{
    struct json_object *o = json_object_new_object();
    json_object_object_add(o, "name", json_object_new_string(p->name));
    json_object_object_add(o, "description",
                           json_object_new_string(p->description ? p->description : ""));
    return o;
}

static int get_settings(struct api_call *c, struct err *err)
{
    struct store_project p;
    if (api_project_get(c, c->req->params[0], PERM_PROJECT_UPDATE, &p, NULL, err) < 0)
        return -1;
    AUTO_JSON *values = as_json(&p);
    return show_form(c, &p, values, NULL, NULL);
}

static int post_settings(struct api_call *c, struct err *err)
{
    struct store_project p, changed;
    if (api_project_get(c, c->req->params[0], PERM_PROJECT_UPDATE, &p, NULL, err) < 0)
        return -1;
    AUTO_JSON *in = form_json(c, &form);
    if (api_project_update(c, p.id, in, &changed, err) == 0)
        return page_redirect(c, TOAST_SAVED, arena_printf(c->arena, "/projects/%s", p.id));
    return page_form_error(c, err) ? show_form(c, &p, in, err, NULL) : -1;
}

static int post_delete(struct api_call *c, struct err *err)
{
    struct store_project p;
    if (api_project_get(c, c->req->params[0], PERM_PROJECT_DELETE, &p, NULL, err) < 0)
        return -1;
    AUTO_JSON *values = as_json(&p);
    if (!str_eq(http_form(c->req, "confirm"), p.name))
        return show_form(c, &p, values, NULL,
                         arena_printf(c->arena, "This is not the name: type %s.", p.name));
    if (api_project_delete(c, p.id, false, err) == 0)
        return page_redirect(c, TOAST_PROJECT_DELETED, "/projects");
    return page_form_error(c, err) ? show_form(c, &p, values, err, NULL) : -1;
}

static const struct route routes[] = {
    ROUTE(GET, "/projects", get_list, PROJECT_READ, PAGE, .flags = ROUTE_PAGE),
    ROUTE(POST, "/projects", post_new, PROJECT_CREATE, USER, .flags = ROUTE_PAGE),
    ROUTE(GET, "/projects/new", get_new, PROJECT_CREATE, PAGE, .flags = ROUTE_PAGE),
    ROUTE(GET, "/projects/:id", get_show, PROJECT_READ, PAGE, .flags = ROUTE_PAGE),
    ROUTE(GET, "/projects/:id/settings", get_settings, PROJECT_UPDATE, PAGE, .flags = ROUTE_PAGE),
    ROUTE(POST, "/projects/:id/settings", post_settings, PROJECT_UPDATE, USER, .flags = ROUTE_PAGE),
    ROUTE(POST, "/projects/:id/delete", post_delete, PROJECT_DELETE, USER, .flags = ROUTE_PAGE),
};
const struct route_table pages_project_routes = {routes, ARRAY_LEN(routes)};
