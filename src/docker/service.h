/* SPDX-License-Identifier: MIT */
/*
 * Swarm services, their tasks, and the networks and configs that they need (Engine API:
 * /services, /tasks, /nodes, /networks, /configs).
 */
#ifndef SLIPWAY_DOCKER_SERVICE_H
#define SLIPWAY_DOCKER_SERVICE_H

#include "docker/client.h"

struct docker_port {
    int64_t target;    /* inside the container */
    int64_t published; /* on the node */
};

/* A task (Engine API: Task). Strings live in the arena of the call. */
struct docker_task {
    const char *id;
    const char *service_id;
    const char *node_id; /* "" before it was placed */
    int64_t slot;
    const char *desired; /* "running", "shutdown", "ready", … */
    const char *state;   /* "new" … "starting", "running", "complete", "failed", "rejected" */
    const char *message; /* Status.Message */
    const char *error;   /* Status.Err, "" when there is none */
    const char *container_id;
    bool exited; /* exit_code is one */
    int64_t exit_code;
    int64_t created, changed; /* ms: made; last change of state */
    const char *release;      /* our labels in its container spec, "" when absent */
    const char *attempt;
    const char *image;
    struct docker_port *ports;
    size_t n_ports;
};

struct docker_tasks {
    struct docker_task *items; /* newest first */
    size_t n;
};

/* Labels in ContainerSpec.Labels that say which release, and which attempt at it, a task is of. */
#define DOCKER_LABEL_RELEASE "slipway.release"
#define DOCKER_LABEL_ATTEMPT "slipway.attempt"

/* GET /services/NAME. ERR_NOT_FOUND: there is none. */
int docker_service_inspect(struct docker *d, const char *name, struct json_object **out,
                           struct err *err);

/* All services with the label KEY ("dokploy.application", or "key=value"). */
int docker_service_list(struct docker *d, const char *label, struct json_object **out,
                        struct err *err);

/* Makes a service of SPEC. AUTH may be NULL. ERR_CONFLICT: the name is taken. *warnings (may be
 * NULL) gets the Engine's, in A. */
int docker_service_create(struct docker *d, struct arena *a, const char *spec, const char *auth,
                          char **warnings, struct err *err);

/* May be asked before a service is written: -1 with *err set keeps it as it is. */
typedef int docker_service_check(void *arg, struct json_object *service, struct err *err);

/* Replaces the whole spec of the service NAME. Reads it, asks CHECK (may be NULL), writes it with
 * the version read, and begins again when somebody else wrote in between. */
int docker_service_update(struct docker *d, const char *name, const char *spec, const char *auth,
                          docker_service_check *check, void *arg, struct err *err);

/* Puts the spec before the last update back (rollback=previous), in the same way. */
int docker_service_rollback(struct docker *d, const char *name, docker_service_check *check,
                            void *arg, struct err *err);

/* Changes a part of the spec: EDIT changes "Spec" of the service that it is given in place, or says
 * by 1 that it is as wanted already. Begins again, with EDIT, when somebody else wrote in between.
 */
int docker_service_edit(struct docker *d, const char *name, docker_service_check *edit, void *arg,
                        struct err *err);

/* Success when there was none. */
int docker_service_remove(struct docker *d, const char *name, struct err *err);

/* Every task of the service, dead ones that the Swarm still remembers included. A service that is
 * not there has none. */
int docker_task_list(struct docker *d, struct arena *a, const char *service,
                     struct docker_tasks *out, struct err *err);

/* Every task with LABEL (its service's or its container's), as above. */
int docker_task_list_all(struct docker *d, struct arena *a, const char *label,
                         struct docker_tasks *out, struct err *err);

/* From the parsed answer to GET /tasks. */
void docker_tasks_read(struct arena *a, struct json_object *list, struct docker_tasks *out);

struct docker_node {
    const char *id, *hostname, *address;
    bool ready;
};

struct docker_nodes {
    struct docker_node *items;
    size_t n;
};

int docker_node_list(struct docker *d, struct arena *a, struct docker_nodes *out, struct err *err);
/* NULL when it is not among them. */
const struct docker_node *docker_node_find(const struct docker_nodes *nodes, const char *id);

/* Makes the attachable overlay network NAME when it is missing; *id gets its id in A. */
int docker_network_ensure(struct docker *d, struct arena *a, const char *name, char **id,
                          struct err *err);

/* Makes the config NAME with N bytes of DATA when it is missing; *id gets its id in A. The data of
 * a config never changes: put a hash of it into the name. */
int docker_config_ensure(struct docker *d, struct arena *a, const char *name, const void *data,
                         size_t n, char **id, struct err *err);

/* Removes the configs with LABEL that no service uses, but not the one called KEEP. */
int docker_config_prune(struct docker *d, const char *label, const char *keep, struct err *err);

/* Removes the named volume. Success when there is none; ERR_CONFLICT while something uses it. */
int docker_volume_remove(struct docker *d, const char *name, struct err *err);

/* GET /containers/ID/json: only for containers of the node that the Engine itself is. */
int docker_container_inspect(struct docker *d, const char *id, struct json_object **out,
                             struct err *err);

/* What our own configs are labelled with. */
#define DOCKER_LABEL_OWNED "slipway.owned"

#endif
