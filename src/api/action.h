/* SPDX-License-Identifier: MIT */
/*
 * What is asked of a running application: start, stop, restart, and its own output.
 */
#ifndef SLIPWAY_API_ACTION_H
#define SLIPWAY_API_ACTION_H

#include "api/api.h"
#include "store/action.h"

/* Writes the wish; the worker carries it out. ERR_CONFLICT: never deployed with success.
 * ERR_UNAVAILABLE before anything is written when the queue is away. */
int api_app_act(struct api_call *c, const char *id, enum store_act act, struct err *err);

/* *json gets the newest TAIL lines that the service's tasks printed, those after SINCE
 * (milliseconds) when it is not 0: [{"at","task","node","stream","text"}], oldest first.
 * ERR_UNAVAILABLE: the worker does not answer. */
int api_app_logs(struct api_call *c, const char *id, int64_t tail, int64_t since, const char **json,
                 struct err *err);

extern const struct route_table api_action_routes;

#endif
