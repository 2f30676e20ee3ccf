/* SPDX-License-Identifier: MIT */
/*
 * Projects: operations and routes.
 */
#ifndef SLIPWAY_API_PROJECT_H
#define SLIPWAY_API_PROJECT_H

#include "api/api.h"
#include "store/project.h"

/* {name, description?}; the caller becomes its owner. */
int api_project_create(struct api_call *c, struct json_object *in, struct store_project *out,
                       struct err *err);
/* Loads a project that the caller may do P with. ERR_NOT_FOUND, ERR_FORBIDDEN. */
int api_project_get(struct api_call *c, const char *id, enum permission p,
                    struct store_project *out, const char **role, struct err *err);
int api_project_list(struct api_call *c, const struct store_page *page, struct store_projects *out,
                     struct err *err);
int api_project_update(struct api_call *c, const char *id, struct json_object *in,
                       struct store_project *out, struct err *err);
/* ERR_CONFLICT while something in it runs, unless FORCE. */
int api_project_delete(struct api_call *c, const char *id, bool force, struct err *err);

extern const struct valid_table api_project_table;
/* ?projectId= of lists */
extern const struct valid_table api_project_filter;
extern const struct route_table api_project_routes;

#endif
