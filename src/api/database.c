/* SPDX-License-Identifier: MIT */
/* Managed databases: the rows that the worker makes services of, and their bindings. */
#include <string.h>

#include "api/app.h"
#include "api/crud.h"
#include "api/project.h"
#include "api/routes.h"
#include "api/rules.h"
#include "base/dbkind.h"
#include "base/rand.h"
#include "base/str.h"
#include "queue/call.h"
#include "store/database.h"

enum { NAME_TRIES = 5, PASSWORD_BYTES = 24 };

struct database_in {
    uint64_t set;
    struct store_database d;
};

#define AT(m) offsetof(struct database_in, m)
static const struct valid_field fields[] = {
    FIELD_ID,
    FIELD_PROJECT(AT(d.project_id), "the project it belongs to"),
    FIELD_NAME(AT(d.name), "what it is called; unique in its project"),
    {.name = "kind",
     .type = VALID_ENUM,
     .flags = VALID_REQUIRED | VALID_FIXED,
     .choices = DBKIND_WORDS,
     .offset = AT(d.kind),
     .doc = "which server it is"},
    {.name = "version",
     .type = VALID_STR,
     .min = 1,
     .max = 128,
     .rule = rule_tag,
     .offset = AT(d.version),
     .doc = "the image's tag"},
    {.name = "image",
     .type = VALID_STR,
     .min = 1,
     .max = 512,
     .rule = rule_image,
     .offset = AT(d.image),
     .doc = "the image; the kind's official one of the version when it is left out"},
    {.name = "memoryLimit",
     .type = VALID_INT,
     .min = 6,
     .max = 1048576,
     .offset = AT(d.memory_limit),
     .doc = "MiB"},
    {.name = "cpuLimit",
     .type = VALID_NUM,
     .min = 0.01,
     .max = 1024,
     .offset = AT(d.cpu_limit),
     .doc = "cores"},
    {.name = "publishedPort",
     .type = VALID_INT,
     .flags = VALID_NULLABLE,
     .min = 1,
     .max = 65535,
     .offset = AT(d.published_port),
     .doc = "port of the host that leads to it; null: it is reached from applications only"},
    {.name = "databaseName",
     .type = VALID_STR,
     .flags = VALID_FIXED | VALID_NULLABLE,
     .min = 1,
     .max = 63,
     .rule = rule_sql_name,
     .offset = AT(d.database_name),
     .doc = "of the database in the server; null with redis"},
    {.name = "username",
     .type = VALID_STR,
     .flags = VALID_FIXED | VALID_NULLABLE,
     .min = 1,
     .max = 32,
     .rule = rule_sql_name,
     .offset = AT(d.username),
     .doc = "of the user who owns it; null with redis"},
    {.name = "serviceName",
     .type = VALID_STR,
     .flags = VALID_DERIVED,
     .doc = "name of the Swarm service, and the host name for applications"},
    {.name = "status",
     .type = VALID_ENUM,
     .flags = VALID_DERIVED,
     .choices = "pending|running|degraded|stopped|failed",
     .doc = "what the worker sees of it; pending until it has made the service"},
    FIELD_CREATED,
    FIELD_UPDATED,
};
#undef AT
static const struct valid_table table = {"Database", fields, ARRAY_LEN(fields),
                                         sizeof(struct database_in)};

static int load(struct api_call *c, const char *id, enum permission p, struct store_database *out,
                struct err *err)
{
    const char *role;
    if (api_check_id(id, "database", err) < 0 ||
        store_database_get(c->api->pg, c->arena, &c->scope, id, out, &role, err) < 0)
        return -1;
    c->depends = out->project_id;
    return api_require(c, role, p, err);
}

static int taken(struct api_call *c, struct err *err)
{
    if (err->code != ERR_CONFLICT)
        return -1;
    if (str_eq(err->msg, "databases_port"))
        return api_bad_field(c, "publishedPort", "is another database's", err);
    return err_set(err, ERR_CONFLICT,
                   "the project has a database of this name already; choose another name");
}

/* What the kind says about what was left out. */
static int complete(struct api_call *c, struct database_in *new, struct err *err)
{
    const struct dbkind *k = dbkind_find(new->d.kind);
    struct store_database *d = &new->d;
    if (!d->version)
        d->version = k->version;
    if (!d->image)
        d->image = arena_printf(c->arena, "%s:%s", k->image, d->version);
    else if (valid_has(&table, new, "version"))
        api_add_problem(c, "version", "cannot be set together with image");
    if (k->user && !d->username)
        d->username = k->user;
    if (!k->user && d->username)
        api_add_problem(c, "username", "means nothing here: the server has no users");
    if (k->databases && !d->database_name)
        d->database_name = "app";
    if (!k->databases && d->database_name)
        api_add_problem(c, "databaseName", "means nothing here: the server has one database");
    return api_refuse(c, err);
}

static void new_password(struct api_call *c, const char *id, struct buf *sealed)
{
    secret_seal_k(&c->api->keys, id, rand_hex(c->arena, PASSWORD_BYTES), sealed);
}

static int insert(struct api_call *c, struct store_database *d, struct err *err)
{
    AUTO_BUF sealed = {0};
    const char *base = arena_printf(c->arena, "db-%s", api_slug(c->arena, d->name));
    new_password(c, d->id, &sealed);
    d->service_name = base;
    for (int n = 0;; n++) {
        if (store_database_insert(c->api->pg, c->arena, d, sealed.data, sealed.len, err) == 0)
            return 0;
        if (n == NAME_TRIES || err->code != ERR_CONFLICT || !str_eq(err->msg, "databases_service"))
            return taken(c, err);
        d->service_name = arena_printf(c->arena, "%s-%s", base, rand_hex(c->arena, 3));
    }
}

static int create(struct api_call *c, struct json_object *in, void *out, struct err *err)
{
    struct store_project project;
    struct database_in new = {.d = {.id = uuid_new(c->arena), .memory_limit = 512, .cpu_limit = 1}};
    api_audit(c, "database.create", new.d.id);
    if (api_valid(c, &table, in, false, &new, err) < 0)
        return -1;
    if (api_project_get(c, new.d.project_id, PERM_DATABASE_CREATE, &project, NULL, err) < 0)
        return err->code == ERR_NOT_FOUND ? api_bad_field(c, "projectId", "names no project", err)
                                          : -1;
    if (complete(c, &new, err) < 0 || insert(c, &new.d, err) < 0)
        return -1;
    return load(c, new.d.id, PERM_DATABASE_READ, out, err);
}

static int list(struct api_call *c, const struct store_page *page, struct crud_list *out,
                struct err *err)
{
    struct store_databases found;
    const char *project;
    if (api_id_filter(c, "projectId", &project, err) < 0 ||
        store_database_list(c->api->pg, c->arena, &c->scope, project, page, &found, err) < 0)
        return -1;
    CRUD_LIST(out, found);
    return 0;
}

static int get(struct api_call *c, const char *id, void *out, struct err *err)
{
    return load(c, id, PERM_DATABASE_READ, out, err);
}

static int update(struct api_call *c, const char *id, struct json_object *in, void *out,
                  struct err *err)
{
    struct database_in change = {0};
    api_audit(c, "database.update", id);
    if (load(c, id, PERM_DATABASE_UPDATE, &change.d, err) < 0 ||
        api_valid(c, &table, in, true, &change, err) < 0)
        return -1;
    bool version = valid_has(&table, &change, "version");
    if (version && valid_has(&table, &change, "image"))
        return api_bad_field(c, "version", "cannot be set together with image", err);
    if (version)
        change.d.image =
            arena_printf(c->arena, "%s:%s", dbkind_find(change.d.kind)->image, change.d.version);
    if (store_database_update(c->api->pg, c->arena, &change.d, err) < 0)
        return taken(c, err);
    return get(c, id, out, err);
}

static int delete (struct api_call *c, const char *id, struct err *err)
{
    struct store_database d;
    bool volumes;
    api_audit(c, "database.delete", id);
    if (api_flag(c, "volumes", &volumes, err) < 0 || load(c, id, PERM_DATABASE_DELETE, &d, err) < 0)
        return -1;
    c->audit->change = volumes ? "{\"volumes\":true}" : NULL;
    return store_database_delete(c->api->pg, c->arena, id, volumes, err);
}

static void write_database(const void *d, struct jw *w)
{
    store_database_json(d, w);
}

static const struct crud crud = {.path = "/api/databases",
                                 .size = sizeof(struct store_database),
                                 .write = write_database,
                                 .list = list,
                                 .get = get,
                                 .create = create,
                                 .update = update,
                                 .remove = delete};

/* ---- what is done to one */

static int answer(struct api_call *c, struct err *err)
{
    struct store_database d;
    if (get(c, c->req->params[0], &d, err) < 0)
        return -1;
    api_send_one(c, 202, &d, write_database);
    return 0;
}

static int want(struct api_call *c, const char *action, const char *wanted, struct err *err)
{
    struct store_database d;
    api_audit(c, action, c->req->params[0]);
    if (load(c, c->req->params[0], PERM_DATABASE_UPDATE, &d, err) < 0 ||
        store_database_want(c->api->pg, c->arena, d.id, wanted, err) < 0)
        return -1;
    return answer(c, err);
}

static int handle_start(struct api_call *c, struct err *err)
{
    return want(c, "database.start", "running", err);
}

static int handle_stop(struct api_call *c, struct err *err)
{
    return want(c, "database.stop", "stopped", err);
}

static int handle_restart(struct api_call *c, struct err *err)
{
    return want(c, "database.restart", "running", err);
}

static int handle_rotate(struct api_call *c, struct err *err)
{
    struct store_database d;
    AUTO_BUF sealed = {0};
    api_audit(c, "database.rotate", c->req->params[0]);
    if (load(c, c->req->params[0], PERM_DATABASE_UPDATE, &d, err) < 0)
        return -1;
    new_password(c, d.id, &sealed);
    if (store_database_set_password(c->api->pg, c->arena, d.id, sealed.data, sealed.len, err) < 0)
        return -1;
    return answer(c, err);
}

static const struct valid_field connection_fields[] = {
    {.name = "host", .type = VALID_STR, .doc = "for applications of the same installation"},
    {.name = "port", .type = VALID_INT, .doc = "at that host"},
    {.name = "username", .type = VALID_STR, .flags = VALID_NULLABLE, .doc = "the user"},
    {.name = "password", .type = VALID_STR, .doc = "the password"},
    {.name = "databaseName", .type = VALID_STR, .flags = VALID_NULLABLE, .doc = "the database"},
    {.name = "url", .type = VALID_STR, .doc = "all of it as an address"},
    {.name = "publishedPort",
     .type = VALID_INT,
     .flags = VALID_NULLABLE,
     .doc = "port of the hosts of the swarm that leads to it"},
};
static const struct valid_table connection_table = {"DatabaseConnection", connection_fields,
                                                    ARRAY_LEN(connection_fields), 0};

static int handle_connection(struct api_call *c, struct err *err)
{
    AUTO_JSON *secret = NULL;
    struct store_database d;
    const char *text;
    struct jw w;
    api_audit(c, "database.reveal", c->req->params[0]);
    if (load(c, c->req->params[0], PERM_SECRET_REVEAL, &d, err) < 0 ||
        call_ask(c->api->redis, c->arena, "database.password",
                 arena_printf(c->arena, "{\"id\":\"%s\"}", d.id), 0, &text, err) < 0 ||
        json_parse(text, strlen(text), &secret, err) < 0)
        return -1;
    const char *password = json_str_at(secret, "password");
    const struct dbkind *k = dbkind_find(d.kind);
    api_begin(c, &w);
    jw_begin(&w);
    jw_kstr(&w, "host", d.service_name);
    jw_kint(&w, "port", k->port);
    jw_kstr(&w, "username", d.username);
    jw_kstr(&w, "password", password);
    jw_kstr(&w, "databaseName", d.database_name);
    jw_kstr(
        &w, "url",
        dbkind_url(c->arena, k, d.service_name, k->port, d.username, password, d.database_name));
    jw_key(&w, "publishedPort");
    if (d.published_port)
        jw_int(&w, d.published_port);
    else
        jw_null(&w);
    jw_end(&w);
    api_send(c, 200, NULL);
    return 0;
}

/* ---- bindings */

struct binding_in {
    uint64_t set;
    const char *variable;
};

static const struct valid_field binding_fields[] = {
    {.name = "applicationId", .type = VALID_STR, .flags = VALID_DERIVED, .doc = "the application"},
    {.name = "databaseId", .type = VALID_STR, .flags = VALID_DERIVED, .doc = "the database"},
    {.name = "variable",
     .type = VALID_STR,
     .flags = VALID_REQUIRED,
     .min = 1,
     .rule = rule_env_key,
     .offset = offsetof(struct binding_in, variable),
     .doc = "the environment variable that has its address"},
};
static const struct valid_table binding_table = {
    "Binding", binding_fields, ARRAY_LEN(binding_fields), sizeof(struct binding_in)};

static int load_both(struct api_call *c, struct store_app *app, struct store_database *d,
                     struct err *err)
{
    if (api_app_load(c, c->req->params[0], PERM_APPLICATION_UPDATE, app, NULL, err) < 0 ||
        load(c, c->req->params[1], PERM_DATABASE_READ, d, err) < 0)
        return -1;
    return 0;
}

static int handle_bind(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    struct binding_in binding = {0};
    struct store_app app;
    struct store_database d;
    struct jw w;
    api_audit(c, "application.bind", c->req->params[0]);
    if (load_both(c, &app, &d, err) < 0 || api_body(c, false, &in, err) < 0 ||
        api_valid(c, &binding_table, in, false, &binding, err) < 0)
        return -1;
    if (!str_eq(app.project_id, d.project_id))
        return err_set(err, ERR_CONFLICT, "the database belongs to another project");
    if (store_binding_put(c->api->pg, c->arena, app.id, d.id, binding.variable, err) < 0)
        return err->code == ERR_CONFLICT
                   ? api_bad_field(c, "variable", "is another database's already", err)
                   : -1;
    api_begin(c, &w);
    jw_begin(&w);
    jw_kstr(&w, "applicationId", app.id);
    jw_kstr(&w, "databaseId", d.id);
    jw_kstr(&w, "variable", binding.variable);
    jw_end(&w);
    api_send(c, 200, NULL);
    return 0;
}

static int handle_unbind(struct api_call *c, struct err *err)
{
    struct store_app app;
    struct store_database d;
    api_audit(c, "application.unbind", c->req->params[0]);
    if (load_both(c, &app, &d, err) < 0 ||
        store_binding_drop(c->api->pg, c->arena, app.id, d.id, err) < 0)
        return -1;
    api_no_content(c);
    return 0;
}

static const struct valid_field delete_fields[] = {
    {.name = "volumes", .type = VALID_BOOL, .doc = "its data goes with it"},
};
static const struct valid_table delete_query = {"DatabaseDelete", delete_fields,
                                                ARRAY_LEN(delete_fields), 0};

#define ACTION(path, handler, what)                                                                \
    ROUTE(POST, path, handler, DATABASE_UPDATE, USER, .doc = (what), .out = &table, .status = 202, \
          .flags = ROUTE_EMPTY)

static const struct route routes[] = {
    ROUTE(GET, "/api/databases", crud_list, DATABASE_READ, USER, .cache = CACHE_LIST_SECONDS,
          .doc = "List the databases", .crud = &crud, .query = &api_project_filter, .out = &table,
          .flags = ROUTE_LIST),
    ROUTE(POST, "/api/databases", crud_create, DATABASE_CREATE, USER, .doc = "Make a database",
          .note = "It is pending until the worker has made its service.", .crud = &crud,
          .in = &table, .out = &table, .status = 201),
    ROUTE(GET, "/api/databases/:id", crud_get, DATABASE_READ, USER, .cache = CACHE_DETAIL_SECONDS,
          .doc = "Read a database", .crud = &crud, .out = &table),
    ROUTE(PATCH, "/api/databases/:id", crud_update, DATABASE_UPDATE, USER,
          .doc = "Change a database", .crud = &crud, .in = &table, .out = &table,
          .flags = ROUTE_MATCH),
    ROUTE(DELETE, "/api/databases/:id", crud_delete, DATABASE_DELETE, USER,
          .doc = "Delete a database",
          .note = "Refused while an application is bound to it. Its data stays unless asked for.",
          .crud = &crud, .query = &delete_query, .flags = ROUTE_MATCH),
    ACTION("/api/databases/:id/start", handle_start, "Start a database"),
    ACTION("/api/databases/:id/stop", handle_stop, "Stop a database"),
    ACTION("/api/databases/:id/restart", handle_restart, "Restart a database"),
    ACTION("/api/databases/:id/rotate", handle_rotate, "Give a database another password"),
    ROUTE(GET, "/api/databases/:id/connection", handle_connection, SECRET_REVEAL, USER,
          .doc = "Reveal how to connect to a database",
          .note = "The worker opens the password; that it was asked for is in the audit log.",
          .out = &connection_table),
    ROUTE(PUT, "/api/applications/:id/bindings/:databaseId", handle_bind, APPLICATION_UPDATE, USER,
          .doc = "Bind a database to an application",
          .note = "From its next deployment on the variable has the database's address.",
          .in = &binding_table, .out = &binding_table),
    ROUTE(DELETE, "/api/applications/:id/bindings/:databaseId", handle_unbind, APPLICATION_UPDATE,
          USER, .doc = "Take a database from an application"),
};
const struct route_table api_database_routes = {routes, ARRAY_LEN(routes)};
