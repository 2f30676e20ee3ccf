/* SPDX-License-Identifier: MIT */
/*
 * Forms as data. A field is named by the path of what it sets in the API's JSON
 * ("gitSource.repoUrl"), so one table turns a form into the body of an operation, a resource into
 * the values of a form, and the operation's problems into messages beside the fields.
 */
#ifndef SLIPWAY_PAGES_FORM_H
#define SLIPWAY_PAGES_FORM_H

#include "api/api.h"
#include "pages/views.h"

enum form_kind {
    FORM_TEXT,
    FORM_EMAIL,
    FORM_PASSWORD, /* never shown again */
    FORM_INT,
    FORM_NUM,
    FORM_CHECK,
    FORM_SELECT,
    FORM_DOMAINS, /* "host host/path" for [{"host","path"}] */
};

enum form_flags {
    FORM_REQUIRED = 1,
    FORM_MONO = 2,
    FORM_SHORT = 4,
    FORM_NULL = 8,  /* empty is null */
    FORM_OMIT = 16, /* empty is left out */
};

struct form_field {
    const char *name, *label, *help;
    enum form_kind kind;
    unsigned flags;
    const char *choices; /* FORM_SELECT: "value=Label|value=Label" */
    const char *autocomplete;
};

struct form_table {
    const struct form_field *fields;
    size_t n;
};

/* The request's form as the API's JSON; a number that is none goes as text, for the API to refuse.
 * The caller owns the result. */
struct json_object *form_json(struct api_call *c, const struct form_table *t);

/* The fields with the values of VALUES (the API's JSON; may be NULL) and the call's problems, each
 * at its field. *rest gets the problems that belong to no field, as one text, or NULL. */
void form_view(struct api_call *c, const struct form_table *t, struct json_object *values,
               struct view_fields *out, const char **rest);

/* What is said above a form that was refused by ERR; NULL when the fields say it all. */
const char *form_problem(struct api_call *c, const struct err *err, const char *rest);

/* The field in which a name is typed to confirm. ERROR may be NULL. */
struct view_field form_sure(struct arena *a, const char *name, const char *error);

#endif
