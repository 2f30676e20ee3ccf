/* SPDX-License-Identifier: MIT */
/* The API's description, to read: out of the tables that serve it. */
#include <stdlib.h>
#include <string.h>

#include "api/openapi.h"
#include "base/str.h"
#include "pages/page.h"
#include "pages/pages.h"

enum { SCHEMAS = 128 };

/* In the order to read them. An operation belongs where the longest prefix of its path is, else to
 * the last row. */
static const struct {
    const char *id, *title, *prefixes;
} groups[] = {
    {"login", "Signing in", "/api/auth"},
    {"tokens", "API tokens", "/api/auth/tokens"},
    {"projects", "Projects", "/api/projects"},
    {"applications", "Applications", "/api/applications"},
    {"deployments", "Deployments", "/api/deployments"},
    {"databases", "Databases", "/api/databases"},
    {"webhooks", "Webhooks", "/api/webhooks"},
    {"deliveries", "Webhook deliveries", "/api/webhooks/deliveries"},
    {"live", "Live updates", "/api/events /api/ws"},
    {"metrics", "Metrics", "/api/metrics"},
    {"alerts", "Alerts", "/api/alerts"},
    {"notifications", "Notifications", "/api/notifications"},
    {"credentials", "Git credentials", "/api/credentials"},
    {"registries", "Image registries", "/api/registries"},
    {"users", "Users", "/api/users"},
    {"teams", "Teams", "/api/teams"},
    {"invitations", "Invitations", "/api/invitations"},
    {"audit", "Audit log", "/api/audit"},
    {"service", "The service itself", "/"},
};

/* What the page tells of, in the order in which it comes up. */
struct reference {
    struct arena *a;
    const struct valid_table *schemas[SCHEMAS];
    size_t n;
};

static const char *schema_of(struct reference *r, const struct valid_table *t)
{
    if (!t)
        return NULL;
    for (size_t i = 0; i < r->n; i++)
        if (r->schemas[i] == t)
            return t->name;
    if (r->n == SCHEMAS)
        BUG("more than %d schemas", SCHEMAS);
    r->schemas[r->n++] = t;
    return t->name;
}

static const char *type_of(struct arena *a, const struct valid_field *f)
{
    static const char *const words[] = {
        [VALID_STR] = "text",           [VALID_INT] = "whole number",    [VALID_NUM] = "number",
        [VALID_BOOL] = "true or false", [VALID_ENUM] = "one of",         [VALID_OBJECT] = "object",
        [VALID_LIST] = "list of",       [VALID_MAP] = "object of texts", [VALID_TIME] = "time",
    };
    const char *word = words[f->type];
    if (f->type == VALID_ENUM) {
        for (char **choice = str_split(a, f->choices, '|'); *choice; choice++)
            word = arena_printf(a, "%s%s %s", word, str_eq(word, "one of") ? "" : ",", *choice);
    } else if (f->type == VALID_LIST && !f->sub) {
        word = "list of texts";
    } else if ((f->type == VALID_INT || f->type == VALID_NUM) && (f->min != 0 || f->max != 0)) {
        word = arena_printf(a, "%s from %.10g to %.10g", word, f->min, f->max);
    }
    return word;
}

static const char *more_of(struct arena *a, const struct valid_field *f)
{
    return arena_printf(a, "%s%s%s%s", f->flags & VALID_NULLABLE ? " or null" : "",
                        f->flags & VALID_REQUIRED ? ", required" : "",
                        f->flags & VALID_DERIVED ? ", only in answers" : "",
                        f->flags & VALID_WRITE_ONLY ? ", only in requests" : "");
}

static const char *permission_of(const struct route *route)
{
    switch (route->permission) {
    case PERM_NOBODY_NEEDED:
        return NULL;
    case PERM_LOGIN:
        return "anybody who is signed in";
    case PERM_PERSON:
        return "anybody who is signed in, but no API token";
    default:
        return rbac_permission_name(route->permission);
    }
}

static struct view_api_field field_of(struct reference *r, const struct valid_field *f)
{
    return (struct view_api_field){.name = f->name,
                                   .type = type_of(r->a, f),
                                   .doc = f->doc,
                                   .schema = schema_of(r, f->sub),
                                   .more = more_of(r->a, f)};
}

static struct view_api_operation operation_of(struct reference *r, const struct route *route)
{
    const char *answer = schema_of(r, route->out);
    size_t n = route->query ? route->query->n : 0;
    struct view_api_operation o = {
        .id = arena_printf(r->a, "%s-%s", http_method_name(route->method), route->pattern),
        .method = http_method_name(route->method),
        .path = route->pattern,
        .doc = route->doc,
        .note = route->note,
        .permission = permission_of(route),
        .body = schema_of(r, route->in),
        .answer = answer,
        .list = route->flags & (ROUTE_LIST | ROUTE_ARRAY),
        .answers = arena_printf(r->a, "%d; refusals %s", openapi_success(route),
                                openapi_refusals(r->a, route)),
    };
    o.parameters.n = n;
    o.parameters.list = ARENA_ARRAY(r->a, n + 1, struct view_api_field);
    for (size_t i = 0; i < n; i++)
        o.parameters.list[i] = field_of(r, &route->query->fields[i]);
    return o;
}

static size_t group_of(const char *pattern)
{
    size_t best = ARRAY_LEN(groups) - 1, longest = 0;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        for (const char *p = groups[i].prefixes; *p;) {
            size_t n = strcspn(p, " ");
            if (n > longest && strncmp(pattern, p, n) == 0) {
                longest = n;
                best = i;
            }
            p += n + strspn(p + n, " ");
        }
    return best;
}

/* Adds every operation to its group; with ROUND 0 they are only counted. */
static void add_operations(struct reference *r, struct view_api *v, int round)
{
    for (const struct route_table *const *t = api_routes; *t; t++)
        for (size_t i = 0; i < (*t)->n; i++) {
            const struct route *route = &(*t)->routes[i];
            struct view_api_group *g = &v->groups.list[group_of(route->pattern)];
            if (!route->doc)
                continue;
            if (round)
                g->operations.list[g->operations.n] = operation_of(r, route);
            g->operations.n++;
        }
}

static void fill_groups(struct reference *r, struct view_api *v)
{
    v->groups.n = ARRAY_LEN(groups);
    v->groups.list = ARENA_ARRAY(r->a, v->groups.n, struct view_api_group);
    for (size_t k = 0; k < v->groups.n; k++)
        v->groups.list[k] = (struct view_api_group){.id = groups[k].id, .title = groups[k].title};
    add_operations(r, v, 0);
    for (size_t k = 0; k < v->groups.n; k++) {
        struct view_api_group *g = &v->groups.list[k];
        g->operations.list = ARENA_ARRAY(r->a, g->operations.n + 1, struct view_api_operation);
        g->operations.n = 0;
    }
    add_operations(r, v, 1);
}

static int by_name(const void *a, const void *b)
{
    const struct view_api_schema *one = a, *other = b;
    return strcmp(one->name, other->name);
}

static void fill_schemas(struct reference *r, struct view_api *v)
{
    v->schemas.list = ARENA_ARRAY(r->a, SCHEMAS, struct view_api_schema);
    schema_of(r, &api_problem_table);
    for (size_t i = 0; i < r->n; i++) { /* one may lead to others */
        const struct valid_table *t = r->schemas[i];
        struct view_api_schema *s = &v->schemas.list[i];
        s->name = t->name;
        s->fields.n = t->n;
        s->fields.list = ARENA_ARRAY(r->a, t->n, struct view_api_field);
        for (size_t k = 0; k < t->n; k++)
            s->fields.list[k] = field_of(r, &t->fields[k]);
    }
    v->schemas.n = r->n;
    qsort(v->schemas.list, v->schemas.n, sizeof(*v->schemas.list), by_name);
}

static int get_reference(struct api_call *c, struct err *err)
{
    (void)err;
    struct reference r = {.a = c->arena};
    struct view_api v = {0};
    page_begin(c, &v.page, "API", "api");
    fill_groups(&r, &v);
    fill_schemas(&r, &v);
    tpl_reference(&c->res->body, &v);
    return page_send(c, 200);
}

static const struct route routes[] = {
    ROUTE(GET, "/reference", get_reference, LOGIN, PAGE, .flags = ROUTE_PAGE),
};
const struct route_table pages_reference_routes = {routes, ARRAY_LEN(routes)};
