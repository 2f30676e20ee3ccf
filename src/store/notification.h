/* SPDX-License-Identifier: MIT */
/*
 * Who is told of what, and what is worth telling: notifications and alerts.
 */
#ifndef SLIPWAY_STORE_NOTIFICATION_H
#define SLIPWAY_STORE_NOTIFICATION_H

#include "store/pg.h"

#define STORE_NOTIFICATION_FIELDS(X)                 \
    X(STR, id, "n.id", "id")                         \
    X(STR, project_id, "n.project_id", "projectId")  \
    X(STR, kind, "n.kind", "kind")                   \
    X(STR, target, "n.target", "target")             \
    X(JSON, events, "to_json(n.events)", "events")   \
    X(TIME, created_at, "n.created_at", "createdAt") \
    X(TIME, updated_at, "n.updated_at", "updatedAt")

struct store_notification {
    STORE_NOTIFICATION_FIELDS(STORE_MEMBER)
};

struct store_notifications {
    struct store_notification *list;
    size_t n;
    bool more;
};

/* scope is "system", "project:ID" or "application:ID" */
#define STORE_ALERT_FIELDS(X)                                                            \
    X(STR, id, "l.id", "id")                                                             \
    X(STR, scope,                                                                        \
      "CASE WHEN l.application_id IS NOT NULL THEN 'application:' || l.application_id "  \
      "WHEN l.project_id IS NOT NULL THEN 'project:' || l.project_id ELSE 'system' END", \
      "scope")                                                                           \
    X(STR, metric, "l.metric", "metric")                                                 \
    X(NUM, threshold, "l.threshold", "threshold")                                        \
    X(INT, for_seconds, "l.for_seconds", "forSeconds")                                   \
    X(STR, state, "l.state", "state")                                                    \
    X(STR, project_id, "l.project_id", NULL)                                             \
    X(STR, application_id, "l.application_id", NULL)                                     \
    X(TIME, created_at, "l.created_at", "createdAt")                                     \
    X(TIME, updated_at, "l.updated_at", "updatedAt")

struct store_alert {
    STORE_ALERT_FIELDS(STORE_MEMBER)
};

struct store_alerts {
    struct store_alert *list;
    size_t n;
    bool more;
};

/* Lists show what the scope's user is an admin of: the projects that are the user's own or that
 * make the user an admin by the team; everything for a scope that sees everything. */

/* SECRET is sealed, of class K; may be NULL. */
int store_notification_insert(struct pg *pg, struct arena *a, const struct store_notification *in,
                              const void *secret, size_t secret_len, struct err *err);
int store_notification_update(struct pg *pg, struct arena *a, const struct store_notification *in,
                              struct err *err);
int store_notification_list(struct pg *pg, struct arena *a, const struct store_scope *scope,
                            const char *project_id, const struct store_page *page,
                            struct store_notifications *out, struct err *err);
/* *role gets what the project gives the scope's user. ERR_NOT_FOUND. */
int store_notification_get(struct pg *pg, struct arena *a, const struct store_scope *scope,
                           const char *id, struct store_notification *out, const char **role,
                           struct err *err);
int store_notification_delete(struct pg *pg, struct arena *a, const char *id, struct err *err);
void store_notification_json(const struct store_notification *n, struct jw *w);

int store_alert_insert(struct pg *pg, struct arena *a, const struct store_alert *in,
                       struct err *err);
/* Metric, threshold and time; the state begins anew. */
int store_alert_update(struct pg *pg, struct arena *a, const struct store_alert *in,
                       struct err *err);
int store_alert_list(struct pg *pg, struct arena *a, const struct store_scope *scope,
                     const struct store_page *page, struct store_alerts *out, struct err *err);
/* *role gets what the project gives the scope's user; an alert of the system is found by a scope
 * that sees everything. ERR_NOT_FOUND. */
int store_alert_get(struct pg *pg, struct arena *a, const struct store_scope *scope, const char *id,
                    struct store_alert *out, const char **role, struct err *err);
int store_alert_delete(struct pg *pg, struct arena *a, const char *id, struct err *err);
void store_alert_json(const struct store_alert *l, struct jw *w);

#endif
