/* SPDX-License-Identifier: MIT */
/*
 * Webhook deliveries: what came, whether its proof was good, what it started and why not more.
 */
#ifndef SLIPWAY_STORE_DELIVERY_H
#define SLIPWAY_STORE_DELIVERY_H

#include "store/deployment.h"

/* application_id is the one whose secret proved it, or, of a refused one, the one whose repository
 * or image it names. headers is {"NAME": "value"} and body the payload, both with what is secret
 * masked, body cut at STORE_DELIVERY_BODY_MAX bytes. */
#define STORE_DELIVERY_FIELDS(X)                                                      \
    X(STR, id, "y.id", "id")                                                          \
    X(STR, provider, "y.provider", "provider")                                        \
    X(STR, delivery_id, "y.delivery_id", "deliveryId")                                \
    X(STR, event, "y.event", "event")                                                 \
    X(STR, repository, "y.repository", "repository")                                  \
    X(STR, ref, "y.ref", "ref")                                                       \
    X(STR, commit_sha, "y.commit_sha", "commitSha")                                   \
    X(STR, commit_message, "y.commit_message", "commitMessage")                       \
    X(STR, application_id, "coalesce(y.application_id, y.named_id)", "applicationId") \
    X(STR, outcome, "y.outcome", "outcome")                                           \
    X(STR, reason, "y.reason", "reason")                                              \
    X(JSON, deployments, "to_json(y.deployments)", "deployments")                     \
    X(STR, redelivery_of, "y.redelivery_of", "redeliveryOf")                          \
    X(STR, address, "y.address", "address")                                           \
    X(STR, request_id, "y.request_id", "requestId")                                   \
    X(TIME, at, "y.at", "at")                                                         \
    X(BOOL, proved, "y.application_id IS NOT NULL", NULL)

/* Of one alone. */
#define STORE_DELIVERY_CONTENT(X)            \
    X(JSON, headers, "y.headers", "headers") \
    X(STR, body, "y.body", "body")

struct store_delivery {
    STORE_DELIVERY_FIELDS(STORE_MEMBER)
    STORE_DELIVERY_CONTENT(STORE_MEMBER)
};

enum { STORE_DELIVERY_BODY_MAX = 64 * 1024 };

struct store_deliveries {
    struct store_delivery *list;
    size_t n;
    bool more;
};

struct store_delivery_filter {
    const char *application_id; /* NULL: any */
    const char *outcome;        /* NULL: any */
};

/* Writes the delivery and the deployments that it starts in one transaction. *fresh is false, and
 * nothing was written, when the application has proved the same delivery before. */
int store_delivery_insert(struct pg *pg, struct arena *a, const struct store_delivery *in,
                          const struct store_deployment *starts, size_t n, bool *fresh,
                          struct err *err);

/* Without headers and body. A scope that does not see everything sees those of its applications. */
int store_delivery_list(struct pg *pg, struct arena *a, const struct store_scope *scope,
                        const struct store_delivery_filter *filter, const struct store_page *page,
                        struct store_deliveries *out, struct err *err);
/* *role gets what the application's project gives the scope's user. ERR_NOT_FOUND. */
int store_delivery_get(struct pg *pg, struct arena *a, const struct store_scope *scope,
                       const char *id, struct store_delivery *out, const char **role,
                       struct err *err);

/* Removes what is older than DAYS, refused ones after a tenth of that. */
int store_delivery_clean(struct pg *pg, struct arena *a, int64_t days, struct err *err);

/* CONTENT: with headers and body. */
void store_delivery_json(const struct store_delivery *d, bool content, struct jw *w);

#endif
