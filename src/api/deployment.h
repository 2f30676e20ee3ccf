/* SPDX-License-Identifier: MIT */
/*
 * Deployments: operations and routes.
 */
#ifndef SLIPWAY_API_DEPLOYMENT_H
#define SLIPWAY_API_DEPLOYMENT_H

#include "api/api.h"
#include "store/deployment.h"

/* {branch?, commitSha?}: inserts a pending deployment and puts its job on the queue. TRIGGER is
 * "manual" or "api". ERR_UNAVAILABLE before anything is written when the queue is away. */
int api_deploy(struct api_call *c, const char *app_id, const char *trigger, struct json_object *in,
               struct store_deployment *out, struct err *err);
int api_deployment_get(struct api_call *c, const char *id, struct store_deployment *out,
                       struct err *err);
int api_deployment_list(struct api_call *c, const struct store_deployment_filter *filter,
                        const struct store_page *page, struct store_deployments *out,
                        struct err *err);
/* Lines of output behind AFTER, at most LIMIT. */
int api_deployment_logs(struct api_call *c, const char *id, int64_t after, int64_t limit,
                        struct store_log_line **lines, size_t *n, struct err *err);
/* The last LIMIT lines. */
int api_deployment_log_tail(struct api_call *c, const char *id, int64_t limit,
                            struct store_log_line **lines, size_t *n, struct err *err);
/* *line gets the first line that says why it failed in FAILED_STEP (may be NULL), or 0. */
int api_deployment_first_error(struct api_call *c, const char *id, const char *failed_step,
                               int64_t *line, struct err *err);

/* Puts the jobs of committed rows on the queue. A failure is only logged: the worker finds them. */
void api_enqueue(struct api_call *c, const struct store_deployment *list, size_t n);

extern const struct valid_table api_deployment_table;
extern const struct route_table api_deployment_routes;

#endif
