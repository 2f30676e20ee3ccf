/* SPDX-License-Identifier: MIT */
/*
 * What routes to an application: its domains and the tasks that can answer.
 */
#ifndef SLIPWAY_DEPLOY_ROUTE_H
#define SLIPWAY_DEPLOY_ROUTE_H

#include "docker/service.h"
#include "store/app.h"

struct route_server {
    const char *address;
    int64_t port;
    bool backup; /* starting: only when nothing else answers */
};

struct route_domain {
    const char *host; /* lower case; "*.example.org" is allowed */
    const char *path; /* "/" or "/api" */
};

struct route {
    const char *service; /* of the application; names the upstream */
    struct route_domain *domains;
    size_t n_domains;
    struct route_server *servers;
    size_t n_servers;
};

struct routes {
    struct route *items;
    size_t n;
};

/* The applications that have domains, with the tasks that run for them: a task counts while it is
 * meant to run, as a backup until it does. SERVICES is the answer to GET /services. */
void routes_make(struct arena *a, const struct store_apps *apps, struct json_object *services,
                 const struct docker_tasks *tasks, const struct docker_nodes *nodes,
                 struct routes *out);

/* The id of the service NAME, or NULL. */
const char *route_service_id(struct json_object *services, const char *name);

#endif
