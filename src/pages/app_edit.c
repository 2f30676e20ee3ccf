/* SPDX-License-Identifier: MIT */
/* Changing an application: its environment, its settings, its webhook secret, deleting it. */
#include <json-c/linkhash.h>
#include <string.h>

#include "base/str.h"
#include "pages/app.h"
#include "pages/form.h"
#include "pages/pages.h"

static struct json_object *app_json(const struct store_app *app)
{
    AUTO_BUF b = {0};
    struct json_object *o = NULL;
    struct jw w;
    struct err err;
    jw_init(&w, &b);
    jw_begin(&w);
    store_app_json(app, &w);
    jw_end(&w);
    if (json_parse(buf_str(&b), b.len, &o, &err) < 0)
        BUG("an application's own JSON does not parse: %s", err.msg);
    return o;
}

/* The form carries the version that it was filled from, so that of two people who edit at once the
 * second sees what the first has changed. */
static int check_version(struct api_call *c, const struct store_app *app, struct err *err)
{
    const char *given = http_form(c->req, "_version");
    int64_t version;
    if (!given || (str_to_int(given, 0, INT64_MAX, &version) && version == app->config_version))
        return 0;
    return err_set(err, ERR_PRECONDITION,
                   "somebody changed the application since this form was loaded: load the page "
                   "again and repeat the change");
}

/* The version to put into a form: a refused one keeps its own. */
static int64_t version_of(struct api_call *c, const struct store_app *app)
{
    const char *given = c->req->method == HTTP_POST ? http_form(c->req, "_version") : NULL;
    int64_t version;
    return given && str_to_int(given, 0, INT64_MAX, &version) ? version : app->config_version;
}

/* ---- environment */

enum { NEW_ROWS = 3 };

static void env_row(struct api_call *c, struct json_object *e, size_t i, bool is_new,
                    struct view_env_row *row)
{
    struct arena *a = c->arena;
    const char *key = json_str_at(e, "key"), *value = json_str_at(e, "value");
    const char *shown = str_empty(key) ? arena_printf(a, "new variable %zu", i + 1) : key;
    *row = (struct view_env_row){
        .n = i,
        .key = arena_strdup(a, key),
        .secret = json_bool_at(e, "isSecret", false),
        .is_new = is_new,
        .key_label = arena_printf(a, "Key of %s", shown),
        .value_label = arena_printf(a, "Value of %s", shown),
        .secret_label = arena_printf(a, "%s is secret", shown),
    };
    row->kept = row->secret && !is_new;
    if (!row->secret) /* a secret's value never comes back, also not from a refused form */
        row->value = arena_strdup(a, value);
    const char *prefix = arena_printf(a, "envVars[%zu].", i);
    for (const struct problem *p = c->problems.first; p && !row->error; p = p->next)
        if (str_starts(p->field, prefix))
            row->error = arena_printf(a, "The %s %s.%s", p->field + strlen(prefix), p->message,
                                      row->secret && is_new ? " Type the value again." : "");
}

/* LIST is what is to be shown; its first OLD entries are stored already. */
static int show_env(struct api_call *c, const struct store_app *app, const char *role,
                    struct json_object *list, size_t old, const struct err *problem,
                    struct err *err)
{
    struct view_app_env v = {0};
    size_t n = json_len(list), secrets = 0;
    if (app_head(c, app, role, "environment", &v.page, &v.head, err) < 0)
        return -1;
    v.rows.list = ARENA_ARRAY(c->arena, n + NEW_ROWS, struct view_env_row);
    v.rows.n = n + NEW_ROWS;
    for (size_t i = 0; i < n + NEW_ROWS; i++) {
        struct json_object *e = i < n ? json_object_array_get_idx(list, i) : NULL;
        env_row(c, e, i, i >= old, &v.rows.list[i]);
        secrets += i < old && v.rows.list[i].secret;
    }
    v.version = version_of(c, app);
    v.summary = arena_printf(c->arena, "%zu, of them %zu secret", old, secrets);
    if (problem)
        v.problem = form_problem(c, problem, NULL);
    tpl_app_environment(&c->res->body, &v);
    return page_send(c, problem ? err_http_status(problem->code) : 200);
}

static int get_env(struct api_call *c, struct err *err)
{
    struct store_app app;
    const char *role;
    if (api_app_load(c, c->req->params[0], PERM_APPLICATION_UPDATE, &app, &role, err) < 0)
        return -1;
    AUTO_JSON *o = app_json(&app);
    struct json_object *list = json_at(o, "envVars");
    return show_env(c, &app, role, list, json_len(list), NULL, err);
}

static bool has_index(const struct http_pairs *form, const char *name, size_t i)
{
    int64_t v;
    for (size_t k = 0; k < form->n; k++)
        if (str_eq(form->names[k], name) && str_to_int(form->values[k], 0, 100000, &v) &&
            (size_t)v == i)
            return true;
    return false;
}

static struct json_object *stored_entry(struct json_object *stored, const char *key)
{
    for (size_t i = 0; i < json_len(stored); i++) {
        struct json_object *e = json_object_array_get_idx(stored, i);
        if (str_eq(json_str_at(e, "key"), key))
            return e;
    }
    return NULL;
}

/* A text area knows one kind of line end, and sends it as CRLF whatever it was. */
static const char *with_lf(struct arena *a, const char *s)
{
    char *out = arena_strdup(a, s), *to = out;
    for (; *s; s++) {
        if (*s == '\r' && s[1] == '\n')
            continue;
        *to++ = (char)(*s == '\r' ? '\n' : *s);
    }
    *to = '\0';
    return out;
}

/* What VALUE of a row sets, NULL to keep a secret. OLD is the entry that the row stands for, or
 * NULL; line ends that a text area cannot give back are not a change. */
static const char *env_value(struct arena *a, const char *value, bool secret,
                             struct json_object *old)
{
    const char *before = json_str_at(old, "value");
    if (secret && !*value && json_bool_at(old, "isSecret", false))
        return NULL;
    value = with_lf(a, value);
    return before && str_eq(with_lf(a, before), value) ? before : value;
}

/* The rows of the form as envVars. An empty value of a secret that is stored keeps it. *old counts
 * the rows that stand for stored ones. */
static struct json_object *env_json(struct arena *a, const struct http_pairs *form,
                                    struct json_object *stored, size_t *old)
{
    struct json_object *out = json_object_new_array();
    size_t i = 0;
    *old = 0;
    for (size_t k = 0; k + 1 < form->n; k++) {
        if (!str_eq(form->names[k], "key") || !str_eq(form->names[k + 1], "value"))
            continue;
        const char *key = form->values[k], *value = form->values[k + 1];
        bool secret = has_index(form, "secret", i), was = i < json_len(stored);
        struct json_object *before = was ? stored_entry(stored, key) : NULL;
        /* a stored secret cannot be shown, so it stays one until another value is typed */
        secret |= !*value && json_bool_at(before, "isSecret", false);
        const char *set = env_value(a, value, secret, before);
        if (!has_index(form, "remove", i) && (*key || *value)) {
            struct json_object *e = json_object_new_object();
            json_object_object_add(e, "key", json_object_new_string(key));
            json_object_object_add(e, "value", set ? json_object_new_string(set) : NULL);
            json_object_object_add(e, "isSecret", json_object_new_boolean(secret));
            json_object_array_add(out, e);
            *old += was;
        }
        i++;
    }
    return out;
}

static int post_env(struct api_call *c, struct err *err)
{
    struct store_app app;
    struct app_view changed;
    struct http_pairs form;
    const char *role;
    size_t old;
    if (api_app_load(c, c->req->params[0], PERM_APPLICATION_UPDATE, &app, &role, err) < 0 ||
        http_pairs(c->arena, c->req->body, c->req->body_len, &form, err) < 0)
        return -1;
    AUTO_JSON *o = app_json(&app);
    AUTO_JSON *in = json_object_new_object();
    struct json_object *list = env_json(c->arena, &form, json_at(o, "envVars"), &old);
    json_object_object_add(in, "envVars", list);
    bool same = json_object_equal(list, json_at(o, "envVars")); /* writes nothing to be deployed */
    if (check_version(c, &app, err) == 0 &&
        (same || api_app_update(c, app.id, app.config_version, in, &changed, err) == 0))
        return page_redirect(c, TOAST_SAVED,
                             arena_printf(c->arena, "/applications/%s/environment", app.id));
    struct err problem = *err;
    return page_form_error(c, err) ? show_env(c, &app, role, list, old, &problem, err) : -1;
}

/* ---- settings */

#define GIT_FIELDS                                                                            \
    {.name = "gitSource.repoUrl", .label = "Repository", .flags = FORM_REQUIRED | FORM_MONO}, \
        {.name = "gitSource.branch", .label = "Branch", .flags = FORM_OMIT | FORM_MONO},      \
        {.name = "dockerfile", .label = "Dockerfile", .flags = FORM_OMIT | FORM_MONO},        \
        {.name = "contextPath",                                                               \
         .label = "Build folder",                                                             \
         .help = "The folder of the repository that is sent to the build.",                   \
         .flags = FORM_OMIT | FORM_MONO},                                                     \
        {.name = "target",                                                                    \
         .label = "Build target",                                                             \
         .help = "A stage of the Dockerfile; empty builds the last one.",                     \
         .flags = FORM_NULL | FORM_MONO},                                                     \
    {                                                                                         \
        .name = "autoDeploy", .label = "Deploy on push", .kind = FORM_CHECK                   \
    }

#define IMAGE_FIELDS                                                          \
    {                                                                         \
        .name = "image", .label = "Image", .flags = FORM_REQUIRED | FORM_MONO \
    }

#define COMMON_FIELDS                                                                                  \
    {.name = "domains",                                                                                \
     .label = "Domains",                                                                               \
     .help = "Host names, with spaces between; a path may follow: example.com/shop.",                  \
     .kind = FORM_DOMAINS,                                                                             \
     .flags = FORM_MONO},                                                                              \
        {.name = "port",                                                                               \
         .label = "Port",                                                                              \
         .help = "Where the container listens.",                                                       \
         .kind = FORM_INT,                                                                             \
         .flags = FORM_MONO | FORM_SHORT},                                                             \
        {.name = "replicas",                                                                           \
         .label = "Replicas",                                                                          \
         .kind = FORM_INT,                                                                             \
         .flags = FORM_MONO | FORM_SHORT},                                                             \
        {.name = "memoryLimit",                                                                        \
         .label = "Memory of each task, MiB",                                                          \
         .kind = FORM_INT,                                                                             \
         .flags = FORM_MONO | FORM_SHORT},                                                             \
        {.name = "cpuLimit",                                                                           \
         .label = "CPU of each task, cores",                                                           \
         .kind = FORM_NUM,                                                                             \
         .flags = FORM_MONO | FORM_SHORT},                                                             \
        {.name = "healthCheck.command",                                                                \
         .label = "Health check",                                                                      \
         .help = "A shell command that exits with 0. Empty: the image’s own, else whether the "      \
                 "port answers.",                                                                      \
         .flags = FORM_OMIT | FORM_MONO},                                                              \
        {.name = "healthCheck.interval",                                                               \
         .label = "Seconds between checks",                                                            \
         .kind = FORM_NUM,                                                                             \
         .flags = FORM_OMIT | FORM_MONO | FORM_SHORT},                                                 \
        {.name = "updateConfig.order",                                                                 \
         .label = "Update order",                                                                      \
         .kind = FORM_SELECT,                                                                          \
         .flags = FORM_OMIT,                                                                           \
         .choices =                                                                                    \
             "=As the application allows|start-first=New task first|stop-first=Old task stops first"}, \
        {.name = "updateConfig.monitor",                                                               \
         .label = "Watch an update for, seconds",                                                      \
         .kind = FORM_NUM,                                                                             \
         .flags = FORM_MONO | FORM_SHORT},                                                             \
        {.name = "updateConfig.delay",                                                                 \
         .label = "Between two tasks of an update, seconds",                                           \
         .kind = FORM_NUM,                                                                             \
         .flags = FORM_MONO | FORM_SHORT},                                                             \
    {                                                                                                  \
        .name = "updateConfig.failureAction", .label = "When an update fails",                         \
        .kind = FORM_SELECT, .choices = "rollback=Roll back|pause=Pause|continue=Go on"                \
    }

static const struct form_field git_fields[] = {
    {.name = "name", .label = "Name", .flags = FORM_REQUIRED | FORM_MONO},
    GIT_FIELDS,
    COMMON_FIELDS,
};
static const struct form_field image_fields[] = {
    {.name = "name", .label = "Name", .flags = FORM_REQUIRED | FORM_MONO},
    IMAGE_FIELDS,
    COMMON_FIELDS,
};

static struct form_table settings_form(const struct store_app *app)
{
    if (app->image)
        return (struct form_table){image_fields, ARRAY_LEN(image_fields)};
    return (struct form_table){git_fields, ARRAY_LEN(git_fields)};
}

static int show_settings(struct api_call *c, const struct store_app *app, const char *role,
                         struct json_object *values, const struct err *problem,
                         const char *sure_error, struct err *err)
{
    struct view_app_settings v = {0};
    struct form_table form = settings_form(app);
    const char *rest;
    if (app_head(c, app, role, "settings", &v.page, &v.head, err) < 0)
        return -1;
    v.form.action = arena_printf(c->arena, "/applications/%s/settings", app->id);
    v.form.csrf = v.page.csrf;
    v.form.submit = "Save";
    v.form.version = arena_printf(c->arena, "%lld", (long long)version_of(c, app));
    form_view(c, &form, values, &v.form.fields, &rest);
    if (problem)
        v.form.problem = form_problem(c, problem, rest);
    v.hook_url = page_hook_url(c);
    v.secret = app_shown_secret(c, app->id);
    v.can_delete = page_may(c, role, PERM_APPLICATION_DELETE);
    v.sure = form_sure(c->arena, app->name, sure_error);
    tpl_app_settings(&c->res->body, &v);
    return page_send(c, problem ? err_http_status(problem->code) : sure_error ? 422 : 200);
}

static int get_settings(struct api_call *c, struct err *err)
{
    struct store_app app;
    const char *role;
    if (api_app_load(c, c->req->params[0], PERM_APPLICATION_UPDATE, &app, &role, err) < 0)
        return -1;
    AUTO_JSON *values = app_json(&app);
    return show_settings(c, &app, role, values, NULL, NULL, err);
}

/* What the form has no field for keeps its value: a nested object is replaced as a whole. */
static void keep_rest(struct json_object *in, struct json_object *stored, const char *name)
{
    struct json_object *now = json_at(in, name), *old = json_at(stored, name);
    if (!now || !old)
        return;
    json_object_object_foreach(old, key, value)
    {
        struct json_object *there;
        if (!json_object_object_get_ex(now, key, &there))
            json_object_object_add(now, key, json_object_get(value));
    }
}

static void mend(struct api_call *c, struct json_object *in, struct json_object *stored)
{
    if (!json_str_at(in, "healthCheck/command"))
        json_object_object_add(in, "healthCheck", NULL);
    else
        keep_rest(in, stored, "healthCheck");
    keep_rest(in, stored, "gitSource");
    keep_rest(in, stored, "updateConfig");
    if (str_empty(http_form(c->req, "updateConfig.order")))
        json_object_object_del(json_at(in, "updateConfig"), "order");
}

static int post_settings(struct api_call *c, struct err *err)
{
    struct store_app app;
    struct app_view changed;
    const char *role;
    if (api_app_load(c, c->req->params[0], PERM_APPLICATION_UPDATE, &app, &role, err) < 0)
        return -1;
    struct form_table form = settings_form(&app);
    AUTO_JSON *in = form_json(c, &form);
    AUTO_JSON *stored = app_json(&app);
    mend(c, in, stored);
    if (check_version(c, &app, err) == 0 &&
        api_app_update(c, app.id, app.config_version, in, &changed, err) == 0)
        return page_redirect(c, TOAST_SAVED,
                             arena_printf(c->arena, "/applications/%s/settings", app.id));
    struct err problem = *err;
    return page_form_error(c, err) ? show_settings(c, &app, role, in, &problem, NULL, err) : -1;
}

static int post_secret(struct api_call *c, struct err *err)
{
    const char *id = c->req->params[0], *secret;
    if (api_app_webhook_secret(c, id, &secret, err) < 0)
        return -1;
    app_show_secret(c, id, secret);
    return page_redirect(c, TOAST_SAVED, arena_printf(c->arena, "/applications/%s/settings", id));
}

static int post_delete(struct api_call *c, struct err *err)
{
    struct store_app app;
    const char *role;
    if (api_app_load(c, c->req->params[0], PERM_APPLICATION_DELETE, &app, &role, err) < 0)
        return -1;
    if (!str_eq(http_form(c->req, "confirm"), app.name)) {
        AUTO_JSON *values = app_json(&app);
        return show_settings(c, &app, role, values, NULL,
                             arena_printf(c->arena, "This is not the name: type %s.", app.name),
                             err);
    }
    if (api_app_delete(c, app.id, -1, false, err) < 0)
        return -1;
    return page_redirect(c, TOAST_APP_DELETED,
                         arena_printf(c->arena, "/projects/%s", app.project_id));
}

static const struct route routes[] = {
    ROUTE(GET, "/applications/:id/environment", get_env, APPLICATION_UPDATE, PAGE,
          .flags = ROUTE_PAGE),
    ROUTE(POST, "/applications/:id/environment", post_env, APPLICATION_UPDATE, USER,
          .flags = ROUTE_PAGE),
    ROUTE(GET, "/applications/:id/settings", get_settings, APPLICATION_UPDATE, PAGE,
          .flags = ROUTE_PAGE),
    ROUTE(POST, "/applications/:id/settings", post_settings, APPLICATION_UPDATE, USER,
          .flags = ROUTE_PAGE),
    ROUTE(POST, "/applications/:id/webhook-secret", post_secret, APPLICATION_UPDATE, USER,
          .flags = ROUTE_PAGE),
    ROUTE(POST, "/applications/:id/delete", post_delete, APPLICATION_DELETE, USER,
          .flags = ROUTE_PAGE),
};
const struct route_table pages_app_edit_routes = {routes, ARRAY_LEN(routes)};
