/* SPDX-License-Identifier: MIT */
/*
 * The Web Layer: the dashboard's pages over the API's operations.
 */
#ifndef SLIPWAY_PAGES_PAGES_H
#define SLIPWAY_PAGES_PAGES_H

#include "api/api.h"

/* Every page's table, ended by NULL. */
extern const struct route_table *const pages_routes[];

extern const struct route_table pages_auth_routes, pages_project_routes, pages_act_routes,
    pages_app_routes, pages_app_edit_routes, pages_deployment_routes, pages_profile_routes,
    pages_reference_routes, pages_webhook_routes;

/* Renders ERR as a page; ERR_UNAUTHORIZED leads to the login page and back. */
void pages_error(struct api_call *c, const struct err *err);

#endif
