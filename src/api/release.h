/* SPDX-License-Identifier: MIT */
/*
 * Releases: going back to one, and ending a deployment before it becomes one.
 *
 * A release is a deployment that was a success and has its image and its settings still. To roll a
 * deployment back takes the release away that it made, the live one, and brings an older one back:
 * a deployment of its own, that builds nothing. When that is a success too, the one that was taken
 * away reads rolled_back.
 */
#ifndef SLIPWAY_API_RELEASE_H
#define SLIPWAY_API_RELEASE_H

#include "api/api.h"
#include "store/deployment.h"

/* ERR_CONFLICT: it has ended. */
int api_deployment_cancel(struct api_call *c, const char *id, struct store_deployment *out,
                          struct err *err);

/* {to?}: *out gets the new deployment. ERR_CONFLICT: ID is not the live one, nothing stands before
 * it, or it is being rolled back already. */
int api_rollback(struct api_call *c, const char *id, struct json_object *in,
                 struct store_deployment *out, struct err *err);

/* Newest first; the live one is among them, and *live (may be NULL) is its id, or NULL. */
int api_releases(struct api_call *c, const char *app_id, const struct store_page *page,
                 struct store_deployments *out, const char **live, struct err *err);

extern const struct route_table api_release_routes;

#endif
