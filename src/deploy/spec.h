/* SPDX-License-Identifier: MIT */
/*
 * From an application's row to the whole spec of its Swarm service (Engine API: ServiceSpec).
 *
 * Times there are nanoseconds, memory is bytes, CPU is 1e-9 cores. Names that the Engine does not
 * know vanish without an error, so every name here was seen in force.
 *
 * Health: the application's own check; else the image's (an image that says HEALTHCHECK NONE means
 * it); else our static TCP probe of `port`, brought along as a Swarm config. The probe forgives for
 * PROBE_START_S seconds, so that a slow start is not taken for a failure.
 *
 * Capabilities: the engine's default set less NET_RAW, MKNOD, AUDIT_WRITE, SETFCAP and SETPCAP,
 * which ordinary images do not use (they do change user, own files and bind low ports); what the
 * application lists is added.
 *
 * Volumes: the Engine's name of one is SERVICE_SOURCE, so that no two applications share one (a
 * service's name has no '_').
 *
 * Order: start-first, but stop-first where a fixed port or a volume could not be had twice, unless
 * the application says otherwise.
 */
#ifndef SLIPWAY_DEPLOY_SPEC_H
#define SLIPWAY_DEPLOY_SPEC_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "store/app.h"

#define SPEC_LABEL_APPLICATION "dokploy.application"
#define SPEC_LABEL_PROJECT "dokploy.project"
#define SPEC_LABEL_TRAEFIK "traefik.enable"

enum { SPEC_PROBE_START_S = 60 };

enum spec_health {
    SPEC_HEALTH_OWN,   /* the application's */
    SPEC_HEALTH_IMAGE, /* the image's */
    SPEC_HEALTH_PROBE, /* ours */
    SPEC_HEALTH_NONE,  /* the image wants none */
};

struct spec_input {
    const struct store_app *app;
    const struct store_env_list *env; /* decrypted: every value is there */
    const char *image;                /* name:tag, with @digest where there is one */
    struct json_object *inspected;    /* GET /images/…/json of it; NULL when it is not known */
    const char *release;              /* the deployment's id */
    int64_t attempt;
    const char *network_id;
    const char *probe_id, *probe_name; /* the config with the probe; used for SPEC_HEALTH_PROBE */
    bool start_interval;               /* the Engine knows StartInterval (API 1.44) */
};

/* Which health check the service will have. */
enum spec_health spec_health(const struct store_app *app, struct json_object *inspected);

/* Appends the spec. ERR_INTERNAL: a JSON column that is no JSON. */
int spec_write(const struct spec_input *in, struct buf *out, struct err *err);

#endif
