/* SPDX-License-Identifier: MIT */
#include "deploy/route.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"

const char *route_service_id(struct json_object *services, const char *name)
{
    for (size_t i = 0; i < json_len(services); i++) {
        struct json_object *o = json_object_array_get_idx(services, i);
        if (str_eq(json_str_at(o, "Spec/Name"), name))
            return json_str_at(o, "ID");
    }
    return NULL;
}

/* The node's port that leads to PORT of the task; 0 when it is not known yet. */
static int64_t published(const struct docker_task *t, int64_t port)
{
    for (size_t i = 0; i < t->n_ports; i++)
        if (t->ports[i].target == port)
            return t->ports[i].published;
    return 0;
}

static void add_servers(struct arena *a, const struct store_app *app, const char *service_id,
                        const struct docker_tasks *tasks, const struct docker_nodes *nodes,
                        struct route *r)
{
    r->servers = ARENA_ARRAY(a, tasks->n + 1, struct route_server);
    for (size_t i = 0; i < tasks->n; i++) {
        const struct docker_task *t = &tasks->items[i];
        bool runs = str_eq(t->state, "running");
        if (!str_eq(t->service_id, service_id) || !str_eq(t->desired, "running") ||
            (!runs && !str_eq(t->state, "starting")))
            continue;
        const struct docker_node *node = docker_node_find(nodes, t->node_id);
        int64_t port = published(t, app->port);
        if (!port || !node || !node->ready || str_empty(node->address))
            continue;
        r->servers[r->n_servers++] = (struct route_server){node->address, port, !runs};
    }
}

static void add_domains(struct arena *a, const struct store_app *app, struct route *r)
{
    AUTO_JSON *list = NULL;
    struct err ignored;
    if (!app->domains || json_parse(app->domains, strlen(app->domains), &list, &ignored) < 0)
        return;
    r->domains = ARENA_ARRAY(a, json_len(list) + 1, struct route_domain);
    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        const char *host = json_str_at(o, "host"), *path = json_str_at(o, "path");
        if (host)
            r->domains[r->n_domains++] = (struct route_domain){
                str_lower(a, host), arena_strdup(a, str_empty(path) ? "/" : path)};
    }
}

void routes_make(struct arena *a, const struct store_apps *apps, struct json_object *services,
                 const struct docker_tasks *tasks, const struct docker_nodes *nodes,
                 struct routes *out)
{
    out->n = 0;
    out->items = ARENA_ARRAY(a, apps->n + 1, struct route);
    for (size_t i = 0; i < apps->n; i++) {
        const struct store_app *app = &apps->list[i];
        struct route *r = &out->items[out->n];
        *r = (struct route){.service = app->service_name};
        add_domains(a, app, r);
        if (!r->n_domains)
            continue;
        const char *id = route_service_id(services, app->service_name);
        if (id)
            add_servers(a, app, id, tasks, nodes, r);
        out->n++;
    }
}
