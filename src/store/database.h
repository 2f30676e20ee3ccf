/* SPDX-License-Identifier: MIT */
/*
 * Managed databases and their bindings to applications.
 */
#ifndef SLIPWAY_STORE_DATABASE_H
#define SLIPWAY_STORE_DATABASE_H

#include "store/pg.h"

#define STORE_DATABASE_FIELDS(X)                             \
    X(STR, id, "b.id", "id")                                 \
    X(STR, project_id, "b.project_id", "projectId")          \
    X(STR, name, "b.name", "name")                           \
    X(STR, kind, "b.kind", "kind")                           \
    X(STR, version, "b.version", "version")                  \
    X(STR, image, "b.image", "image")                        \
    X(STR, service_name, "b.service_name", "serviceName")    \
    X(STR, status, "b.status", "status")                     \
    X(INT, memory_limit, "b.memory_limit", "memoryLimit")    \
    X(NUM, cpu_limit, "b.cpu_limit", "cpuLimit")             \
    X(INT, published_port, "b.published_port", NULL)         \
    X(STR, database_name, "b.database_name", "databaseName") \
    X(STR, username, "b.username", "username")               \
    X(STR, wanted, "b.wanted", NULL)                         \
    X(TIME, created_at, "b.created_at", "createdAt")         \
    X(TIME, updated_at, "b.updated_at", "updatedAt")

struct store_database {
    STORE_DATABASE_FIELDS(STORE_MEMBER)
};

struct store_databases {
    struct store_database *list;
    size_t n;
    bool more;
};

/* The password is sealed, of class K, bound to the row's id. ERR_CONFLICT: msg is the index:
 * "databases_name", "databases_service", "databases_port". */
int store_database_insert(struct pg *pg, struct arena *a, const struct store_database *in,
                          const void *password, size_t n, struct err *err);
/* Name, version, image, limits, port; ERR_PRECONDITION when the row is no longer as it was at
 * IN->updated_at. */
int store_database_update(struct pg *pg, struct arena *a, const struct store_database *in,
                          struct err *err);
int store_database_get(struct pg *pg, struct arena *a, const struct store_scope *scope,
                       const char *id, struct store_database *out, const char **role,
                       struct err *err);
/* PROJECT_ID may be NULL. */
int store_database_list(struct pg *pg, struct arena *a, const struct store_scope *scope,
                        const char *project_id, const struct store_page *page,
                        struct store_databases *out, struct err *err);
/* ERR_CONFLICT: an application is bound to it. */
int store_database_delete(struct pg *pg, struct arena *a, const char *id, bool volumes,
                          struct err *err);
/* "running" or "stopped" */
int store_database_want(struct pg *pg, struct arena *a, const char *id, const char *wanted,
                        struct err *err);
int store_database_set_password(struct pg *pg, struct arena *a, const char *id,
                                const void *password, size_t n, struct err *err);
/* For the worker: without a scope. *n is the sealed password's length. */
int store_database_secret(struct pg *pg, struct arena *a, const char *id,
                          struct store_database *out, const void **password, size_t *n,
                          struct err *err);

/* Binds or names another variable; the application's configuration counts as changed.
 * ERR_CONFLICT: the variable is another binding's. */
int store_binding_put(struct pg *pg, struct arena *a, const char *app_id, const char *database_id,
                      const char *variable, struct err *err);
/* ERR_NOT_FOUND: they are not bound. */
int store_binding_drop(struct pg *pg, struct arena *a, const char *app_id, const char *database_id,
                       struct err *err);

void store_database_json(const struct store_database *d, struct jw *w);

#endif
