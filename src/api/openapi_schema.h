/* SPDX-License-Identifier: MIT */
/*
 * JSON Schemas (2020-12, as OpenAPI 3.1 has them) out of field tables; used by openapi.c alone.
 */
#ifndef SLIPWAY_API_OPENAPI_SCHEMA_H
#define SLIPWAY_API_OPENAPI_SCHEMA_H

#include "base/arena.h"
#include "base/json.h"
#include "base/valid.h"

enum { OPENAPI_SCHEMAS = 256 };

enum openapi_mode { ANSWER, INPUT, CHANGE };

struct openapi {
    struct jw w;
    struct arena a;
    struct {
        const struct valid_table *table;
        enum openapi_mode mode;
    } wanted[OPENAPI_SCHEMAS]; /* in the order in which they were first referred to */
    size_t n;
};

/* The member $ref to a table's schema, which openapi_schemas() then prints. */
void openapi_refer(struct openapi *p, const struct valid_table *t, enum openapi_mode mode);
/* A field's schema as a value. */
void openapi_field(struct openapi *p, const struct valid_field *f, enum openapi_mode mode);
/* The object of all that were referred to, also by each other. */
void openapi_schemas(struct openapi *p);

#endif
