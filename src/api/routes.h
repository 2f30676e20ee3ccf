/* SPDX-License-Identifier: MIT */
/*
 * The tables that have no header of their own; api_routes (api.h) lists all.
 */
#ifndef SLIPWAY_API_ROUTES_H
#define SLIPWAY_API_ROUTES_H

#include "api/api.h"

extern const struct route_table api_audit_routes;
extern const struct route_table api_bulk_routes;
extern const struct route_table api_credential_routes;
extern const struct route_table api_database_routes;
extern const struct route_table api_health_routes;
extern const struct route_table api_live_routes;
extern const struct route_table api_metrics_routes;
extern const struct route_table api_notification_routes;
extern const struct route_table api_token_routes;

#endif
