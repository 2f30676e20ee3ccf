/* SPDX-License-Identifier: MIT */
/*
 * Applications: operations and routes. The field tables are in app_fields.c.
 */
#ifndef SLIPWAY_API_APP_H
#define SLIPWAY_API_APP_H

#include "api/api.h"
#include "store/app.h"
#include "store/deployment.h"

/* What a body may set. The nested texts are normalised JSON (base/valid.h). */
struct app_in {
    uint64_t set;
    struct store_app app;
    const char *git_source; /* {"repoUrl","branch","credentialId"} */
    const char *env_vars;   /* [{"key","value","isSecret"}] */
    const char *domains;    /* [{"host","path"}] */
};

extern const struct valid_table app_table;

/* Fills in the defaults of every field. */
void app_defaults(struct app_in *in);

/* An application with its newest deployments. */
struct app_view {
    struct store_app app;
    const char *role; /* the project's, may be NULL */
    struct store_deployments deployments;
};

struct app_views {
    struct app_view *list;
    size_t n;
    bool more;
};

/* *secret gets the webhook secret, which is shown this once. */
int api_app_create(struct api_call *c, struct json_object *in, struct app_view *out,
                   const char **secret, struct err *err);
/* Loads an application that the caller may do P with, without deployments. */
int api_app_load(struct api_call *c, const char *id, enum permission p, struct store_app *out,
                 const char **role, struct err *err);
/* With its newest 5 deployments. */
int api_app_get(struct api_call *c, const char *id, struct app_view *out, struct err *err);
/* PROJECT_ID may be NULL. Each carries its newest deployment. */
int api_app_list(struct api_call *c, const char *project_id, const struct store_page *page,
                 struct app_views *out, struct err *err);
/* VERSION is the config_version that the caller has seen, or -1: ERR_PRECONDITION when it is
 * another by now. */
int api_app_update(struct api_call *c, const char *id, int64_t version, struct json_object *in,
                   struct app_view *out, struct err *err);
/* Takes service, routes and secrets away; named volumes only with VOLUMES. */
int api_app_delete(struct api_call *c, const char *id, int64_t version, bool volumes,
                   struct err *err);
/* A new webhook secret; the one before stays good for 24 h. */
int api_app_webhook_secret(struct api_call *c, const char *id, const char **secret,
                           struct err *err);

/* An api_writer: the members of a struct app_view. */
void api_app_write(const void *view, struct jw *w);

extern const struct route_table api_app_routes;

#endif
