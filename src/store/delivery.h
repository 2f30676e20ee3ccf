/* SPDX-License-Identifier: MIT */
/*
 * Webhook deliveries whose proof was good, and what each started.
 */
#ifndef SLIPWAY_STORE_DELIVERY_H
#define SLIPWAY_STORE_DELIVERY_H

#include "store/deployment.h"

struct store_delivery {
    const char *id;
    const char *provider;       /* github, gitlab, docker */
    const char *delivery_id;    /* the sender's own; one event has the same for all its webhooks */
    const char *application_id; /* the first one whose secret proved it */
    const char *event;
    const char *repository; /* normalised; may be NULL */
    const char *outcome;    /* deployed, ignored, ping */
    const char *reason;     /* why nothing was started; may be NULL */
    const char *address;
    const char *request_id;
};

/* Writes the delivery and the deployments that it starts in one transaction. *fresh is false, and
 * nothing was written, when this application has seen the delivery before. */
int store_delivery_insert(struct pg *pg, struct arena *a, const struct store_delivery *in,
                          const struct store_deployment *starts, size_t n, bool *fresh,
                          struct err *err);

#endif
