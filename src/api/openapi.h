/* SPDX-License-Identifier: MIT */
/*
 * The API's description as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1), printed from the
 * route tables that serve the requests and the field tables that check their bodies.
 *
 * A field table gives up to three schemas: NAME, what answers have; NAMEInput, what a POST or PUT
 * takes; NAMEChange, what a PATCH takes. Each says what is required and allows nothing else.
 */
#ifndef SLIPWAY_API_OPENAPI_H
#define SLIPWAY_API_OPENAPI_H

#include "api/api.h"

struct buf;

/* Appends the description of TABLES (a list ended by NULL). */
void openapi_print(const struct route_table *const *tables, struct buf *out);

/* What every refusal looks like (RFC 9457). */
extern const struct valid_table api_problem_table;

/* The statuses that a route may answer with beside its success, as "401 403 404". */
const char *openapi_refusals(struct arena *a, const struct route *r);
int openapi_success(const struct route *r);

extern const struct route_table api_openapi_routes;

#endif
