/* SPDX-License-Identifier: MIT */
/* Notifications and alerts: who is told of what, and what is worth telling. */
#include <string.h>

#include "api/app.h"
#include "api/crud.h"
#include "api/project.h"
#include "api/routes.h"
#include "api/rules.h"
#include "base/rand.h"
#include "base/str.h"
#include "store/notification.h"

struct notification_in {
    uint64_t set;
    struct store_notification n;
};

static const char *rule_event(struct arena *a, const char *s)
{
    static const char *const events[] = {"deployment.success",     "deployment.failed",
                                         "deployment.rolled_back", "application.recovered",
                                         "alert.firing",           "alert.resolved"};
    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        if (str_eq(s, events[i]))
            return NULL;
    return arena_printf(a,
                        "must be deployment.success, deployment.failed, deployment.rolled_back, "
                        "application.recovered, alert.firing or alert.resolved, not '%.40s'",
                        s);
}

#define AT(m) offsetof(struct notification_in, m)
static const struct valid_field notification_fields[] = {
    FIELD_ID,
    FIELD_PROJECT(AT(n.project_id), "the project whose events it is about"),
    {.name = "kind",
     .type = VALID_ENUM,
     .flags = VALID_REQUIRED | VALID_FIXED,
     .choices = "webhook|slack|email",
     .offset = AT(n.kind),
     .doc = "how it is sent; slack is what Discord and Mattermost understand as well"},
    {.name = "target",
     .type = VALID_STR,
     .flags = VALID_REQUIRED | VALID_SECRET, /* an address of Slack's is its own key */
     .min = 3,
     .max = 2048,
     .rule = rule_line,
     .offset = AT(n.target),
     .doc = "where to: an https or http address, or an e-mail address"},
    {.name = "events",
     .type = VALID_LIST,
     .flags = VALID_REQUIRED,
     .min = 1,
     .max = 6,
     .rule = rule_event,
     .offset = AT(n.events),
     .doc = "deployment.success, deployment.failed, deployment.rolled_back, "
            "application.recovered, alert.firing, alert.resolved"},
    {.name = "secret",
     .type = VALID_STR,
     .flags = VALID_DERIVED | VALID_MAYBE | VALID_NULLABLE,
     .doc = "of kind webhook: what deliveries are signed with; shown once, when it is made"},
    FIELD_CREATED,
    FIELD_UPDATED,
};
#undef AT
static const struct valid_table notification_table = {"Notification", notification_fields,
                                                      ARRAY_LEN(notification_fields),
                                                      sizeof(struct notification_in)};

/* The project of a new one; hidden ones do not exist. */
static int check_project(struct api_call *c, const char *field, const char *id, enum permission p,
                         struct err *err)
{
    struct store_project project;
    if (api_project_get(c, id, p, &project, NULL, err) == 0)
        return 0;
    return err->code == ERR_NOT_FOUND ? api_bad_field(c, field, "names no project", err) : -1;
}

static int check_target(struct api_call *c, const struct store_notification *n, struct err *err)
{
    const char *wrong =
        str_eq(n->kind, "email") ? rule_email(c->arena, n->target) : rule_url(c->arena, n->target);
    return wrong ? api_bad_field(c, "target", wrong, err) : 0;
}

/* What one may not even read is not there. */
static int require(const struct api_call *c, const char *role, enum permission read,
                   enum permission p, struct err *err)
{
    struct err hidden;
    if (api_require(c, role, read, &hidden) < 0)
        return err_set(err, ERR_NOT_FOUND, "there is nothing of this id");
    return api_require(c, role, p, err);
}

static int notification_load(struct api_call *c, const char *id, enum permission p,
                             struct store_notification *out, struct err *err)
{
    const char *role;
    if (api_check_id(id, "notification", err) < 0 ||
        store_notification_get(c->api->pg, c->arena, &c->scope, id, out, &role, err) < 0)
        return -1;
    return require(c, role, PERM_NOTIFICATION_READ, p, err);
}

static int notification_list(struct api_call *c, const struct store_page *page,
                             struct crud_list *out, struct err *err)
{
    struct store_notifications list;
    const char *project;
    if (api_id_filter(c, "projectId", &project, err) < 0 ||
        store_notification_list(c->api->pg, c->arena, &c->scope, project, page, &list, err) < 0)
        return -1;
    CRUD_LIST(out, list);
    return 0;
}

static int notification_get(struct api_call *c, const char *id, void *out, struct err *err)
{
    return notification_load(c, id, PERM_NOTIFICATION_READ, out, err);
}

static void write_notification(const void *n, struct jw *w)
{
    store_notification_json(n, w);
}

static int notification_update(struct api_call *c, const char *id, struct json_object *in,
                               void *out, struct err *err)
{
    struct notification_in change = {0};
    api_audit(c, "notification.update", id);
    if (notification_load(c, id, PERM_NOTIFICATION_UPDATE, &change.n, err) < 0 ||
        api_valid(c, &notification_table, in, true, &change, err) < 0 ||
        check_target(c, &change.n, err) < 0 ||
        store_notification_update(c->api->pg, c->arena, &change.n, err) < 0)
        return -1;
    return notification_get(c, id, out, err);
}

static int notification_delete(struct api_call *c, const char *id, struct err *err)
{
    struct store_notification n;
    api_audit(c, "notification.delete", id);
    if (notification_load(c, id, PERM_NOTIFICATION_DELETE, &n, err) < 0)
        return -1;
    return store_notification_delete(c->api->pg, c->arena, id, err);
}

static const struct crud notifications = {.path = "/api/notifications",
                                          .size = sizeof(struct store_notification),
                                          .write = write_notification,
                                          .list = notification_list,
                                          .get = notification_get,
                                          .update = notification_update,
                                          .remove = notification_delete};

static int notification_create(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    AUTO_BUF sealed = {0};
    struct notification_in new = {.n = {.id = uuid_new(c->arena)}};
    const char *secret = NULL;
    api_audit(c, "notification.create", new.n.id);
    if (api_body(c, false, &in, err) < 0 ||
        api_valid(c, &notification_table, in, false, &new, err) < 0 ||
        check_project(c, "projectId", new.n.project_id, PERM_NOTIFICATION_CREATE, err) < 0 ||
        check_target(c, &new.n, err) < 0)
        return -1;
    if (str_eq(new.n.kind, "webhook")) {
        secret = rand_hex(c->arena, 32);
        secret_seal_k(&c->api->keys, new.n.id, secret, &sealed);
    }
    if (store_notification_insert(c->api->pg, c->arena, &new.n, sealed.len ? sealed.data : NULL,
                                  sealed.len, err) < 0 ||
        notification_get(c, new.n.id, &new.n, err) < 0)
        return -1;
    crud_made(c, &notifications, &new.n, "secret", secret);
    return 0;
}

static int notification_test(struct api_call *c, struct err *err)
{
    struct store_notification n;
    api_audit(c, "notification.test", c->req->params[0]);
    if (notification_load(c, c->req->params[0], PERM_NOTIFICATION_UPDATE, &n, err) < 0)
        return -1;
    return err_set(err, ERR_UNAVAILABLE, "this version does not send notifications yet");
}

/* ---- alerts */

struct alert_in {
    uint64_t set;
    struct store_alert l;
};

static const char *rule_scope(struct arena *a, const char *s)
{
    const char *id = str_starts(s, "project:")       ? s + strlen("project:")
                     : str_starts(s, "application:") ? s + strlen("application:")
                                                     : NULL;
    if (str_eq(s, "system") || (id && uuid_valid(id)))
        return NULL;
    return arena_printf(a, "must be system, project:ID or application:ID, not '%.60s'", s);
}

#define AT(m) offsetof(struct alert_in, m)
static const struct valid_field alert_fields[] = {
    FIELD_ID,
    {.name = "scope",
     .type = VALID_STR,
     .flags = VALID_REQUIRED | VALID_FIXED,
     .min = 1,
     .max = 60,
     .rule = rule_scope,
     .offset = AT(l.scope),
     .doc = "system, project:ID or application:ID"},
    {.name = "metric",
     .type = VALID_ENUM,
     .flags = VALID_REQUIRED,
     .choices = "cpu|memory|restarts|error_rate|disk|deployment_failed",
     .offset = AT(l.metric),
     .doc = "cpu, memory and disk in percent of the limit, restarts an hour, error_rate in percent "
            "of the requests, deployment_failed in failures in a row"},
    {.name = "threshold",
     .type = VALID_NUM,
     .flags = VALID_REQUIRED,
     .min = 0,
     .max = 1000000,
     .offset = AT(l.threshold),
     .doc = "it fires from this value on"},
    {.name = "forSeconds",
     .type = VALID_INT,
     .min = 0,
     .max = 86400,
     .offset = AT(l.for_seconds),
     .doc = "when it has been so for this long"},
    {.name = "state",
     .type = VALID_ENUM,
     .flags = VALID_DERIVED,
     .choices = "ok|pending|firing",
     .doc = "what the worker sees"},
    FIELD_CREATED,
    FIELD_UPDATED,
};
#undef AT
static const struct valid_table alert_table = {"Alert", alert_fields, ARRAY_LEN(alert_fields),
                                               sizeof(struct alert_in)};

/* Whether the caller may make alerts there; fills in what the scope names. */
static int take_scope(struct api_call *c, struct store_alert *l, struct err *err)
{
    struct store_app app;
    const char *id = strchr(l->scope, ':');
    if (!id && c->scope.projects)
        return err_set(err, ERR_FORBIDDEN, "this API token is for some projects alone");
    if (!id)
        return api_require(c, NULL, PERM_ALERT_CREATE, err);
    id++;
    if (*l->scope == 'p') {
        l->project_id = id;
        return check_project(c, "scope", id, PERM_ALERT_CREATE, err);
    }
    l->application_id = id;
    if (api_app_load(c, id, PERM_ALERT_CREATE, &app, NULL, err) == 0)
        return 0;
    return err->code == ERR_NOT_FOUND ? api_bad_field(c, "scope", "names no application", err) : -1;
}

static int alert_load(struct api_call *c, const char *id, enum permission p,
                      struct store_alert *out, struct err *err)
{
    const char *role;
    if (api_check_id(id, "alert", err) < 0 ||
        store_alert_get(c->api->pg, c->arena, &c->scope, id, out, &role, err) < 0)
        return -1;
    return require(c, role, PERM_ALERT_READ, p, err);
}

static int alert_list(struct api_call *c, const struct store_page *page, struct crud_list *out,
                      struct err *err)
{
    struct store_alerts list;
    if (store_alert_list(c->api->pg, c->arena, &c->scope, page, &list, err) < 0)
        return -1;
    CRUD_LIST(out, list);
    return 0;
}

static int alert_get(struct api_call *c, const char *id, void *out, struct err *err)
{
    return alert_load(c, id, PERM_ALERT_READ, out, err);
}

static int alert_create(struct api_call *c, struct json_object *in, void *out, struct err *err)
{
    struct alert_in new = {.l = {.id = uuid_new(c->arena), .for_seconds = 60}};
    api_audit(c, "alert.create", new.l.id);
    if (api_valid(c, &alert_table, in, false, &new, err) < 0 || take_scope(c, &new.l, err) < 0 ||
        store_alert_insert(c->api->pg, c->arena, &new.l, err) < 0)
        return -1;
    return alert_get(c, new.l.id, out, err);
}

static int alert_update(struct api_call *c, const char *id, struct json_object *in, void *out,
                        struct err *err)
{
    struct alert_in change = {0};
    api_audit(c, "alert.update", id);
    if (alert_load(c, id, PERM_ALERT_UPDATE, &change.l, err) < 0 ||
        api_valid(c, &alert_table, in, true, &change, err) < 0 ||
        store_alert_update(c->api->pg, c->arena, &change.l, err) < 0)
        return -1;
    return alert_get(c, id, out, err);
}

static int alert_delete(struct api_call *c, const char *id, struct err *err)
{
    struct store_alert l;
    api_audit(c, "alert.delete", id);
    if (alert_load(c, id, PERM_ALERT_DELETE, &l, err) < 0)
        return -1;
    return store_alert_delete(c->api->pg, c->arena, id, err);
}

static void write_alert(const void *l, struct jw *w)
{
    store_alert_json(l, w);
}

static const struct crud alerts = {.path = "/api/alerts",
                                   .size = sizeof(struct store_alert),
                                   .write = write_alert,
                                   .list = alert_list,
                                   .get = alert_get,
                                   .create = alert_create,
                                   .update = alert_update,
                                   .remove = alert_delete};

static const struct route routes[] = {
    ROUTE(GET, "/api/notifications", crud_list, NOTIFICATION_READ, USER,
          .doc = "List the notifications of the projects that you manage", .crud = &notifications,
          .query = &api_project_filter, .out = &notification_table, .flags = ROUTE_LIST),
    ROUTE(POST, "/api/notifications", notification_create, NOTIFICATION_CREATE, USER,
          .doc = "Add a notification", .in = &notification_table, .out = &notification_table,
          .status = 201),
    ROUTE(PATCH, "/api/notifications/:id", crud_update, NOTIFICATION_UPDATE, USER,
          .doc = "Change a notification", .crud = &notifications, .in = &notification_table,
          .out = &notification_table, .flags = ROUTE_MATCH),
    ROUTE(DELETE, "/api/notifications/:id", crud_delete, NOTIFICATION_DELETE, USER,
          .doc = "Delete a notification", .crud = &notifications, .flags = ROUTE_MATCH),
    ROUTE(POST, "/api/notifications/:id/test", notification_test, NOTIFICATION_UPDATE, USER,
          .doc = "Send a test message", .note = "This version does not send notifications: 503.",
          .flags = ROUTE_EMPTY),
    ROUTE(GET, "/api/alerts", crud_list, ALERT_READ, USER,
          .doc = "List the alerts of what you manage", .crud = &alerts, .out = &alert_table,
          .flags = ROUTE_LIST),
    ROUTE(POST, "/api/alerts", crud_create, ALERT_CREATE, USER, .doc = "Add an alert",
          .crud = &alerts, .in = &alert_table, .out = &alert_table, .status = 201),
    ROUTE(PATCH, "/api/alerts/:id", crud_update, ALERT_UPDATE, USER, .doc = "Change an alert",
          .crud = &alerts, .in = &alert_table, .out = &alert_table, .flags = ROUTE_MATCH),
    ROUTE(DELETE, "/api/alerts/:id", crud_delete, ALERT_DELETE, USER, .doc = "Delete an alert",
          .crud = &alerts, .flags = ROUTE_MATCH),
};
const struct route_table api_notification_routes = {routes, ARRAY_LEN(routes)};
