/* SPDX-License-Identifier: MIT */
/*
 * Request bodies validated by data.
 *
 * A table of fields says what a JSON object may contain; valid_object() checks an object against
 * it, collects one problem for each bad field (all of them at once), and fills a struct. The same
 * table is what the API's description is printed from.
 *
 * The struct's first member is `uint64_t set`: bit i is 1 when the i-th field of the table was in
 * the object. A field that was absent leaves its member alone, so the caller fills in defaults
 * first. Types and members:
 *
 *     VALID_STR    const char *   text; min and max count code points
 *     VALID_INT    int64_t
 *     VALID_NUM    double         whole numbers are accepted
 *     VALID_BOOL   bool
 *     VALID_ENUM   const char *   one of the words in `choices`, joined by '|'
 *     VALID_TIME   int64_t        RFC 3339, milliseconds
 *     VALID_OBJECT const char *   normalised JSON text of an object that passed `sub`
 *     VALID_LIST   const char *   normalised JSON text of an array whose elements are objects that
 *                                 passed `sub`, or, without `sub`, text that passes `rule`;
 *                                 min and max count elements
 *     VALID_MAP    const char *   normalised JSON text of an object of texts; min and max bound
 *                                 each value; `rule` checks each key
 *
 * Strings live in the arena.
 */
#ifndef SLIPWAY_BASE_VALID_H
#define SLIPWAY_BASE_VALID_H

#include "base/arena.h"
#include "base/json.h"

enum valid_type {
    VALID_STR,
    VALID_INT,
    VALID_NUM,
    VALID_BOOL,
    VALID_ENUM,
    VALID_OBJECT,
    VALID_LIST,
    VALID_MAP,
    VALID_TIME,
};

enum valid_flags {
    VALID_REQUIRED = 1,    /* absent or null is a problem (ignored for a partial object) */
    VALID_NULLABLE = 2,    /* null is allowed and stored as NULL / 0 */
    VALID_SECRET = 4,      /* the value is never repeated in a message */
    VALID_FIXED = 8,       /* only when the thing is made: a problem in a partial object */
    VALID_DERIVED = 16,    /* only in answers: a problem in a body */
    VALID_WRITE_ONLY = 32, /* only in bodies; answers never have it */
    VALID_MAYBE = 64,      /* an answer may lack it */
    VALID_ANY = 128,       /* VALID_OBJECT, VALID_LIST: what is inside is not described */
};

/* Says what is wrong with TEXT, as a phrase that follows the field's name ("must …"), or NULL. */
typedef const char *valid_rule(struct arena *a, const char *text);

struct valid_table;

struct valid_field {
    const char *name;
    enum valid_type type;
    unsigned flags;
    size_t offset;
    double min, max; /* both 0: unbounded (texts: at most 255) */
    const char *choices;
    valid_rule *rule;
    const struct valid_table *sub;
    const char *fallback; /* JSON text put in where a nested object leaves the field out */
    const char *doc;
};

struct valid_table {
    const char *name; /* "Application" */
    const struct valid_field *fields;
    size_t n;
    size_t size; /* of the struct; 0 where none is filled (a `sub` table) */
};

struct problem {
    const char *field; /* path: "healthCheck.interval", "envVars[2].key" */
    const char *message;
    struct problem *next;
};

struct problems {
    struct problem *first, **last;
    size_t n;
    struct arena *arena;
};

void problems_init(struct problems *p, struct arena *a);
void problem_add(struct problems *p, const char *field, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The message for FIELD, or NULL. */
const char *problem_for(const struct problems *p, const char *field);

/* Checks OBJECT (which may be NULL or no object: a problem of the field "") against TABLE. PARTIAL
 * is for PATCH: nothing is required. OUT may be NULL. True when nothing was wrong. */
bool valid_object(const struct valid_table *table, struct json_object *object, bool partial,
                  void *out, struct problems *p);

/* OBJECT's text with every VALID_SECRET value replaced by "***"; what the table does not know is
 * left out. For the audit log. */
const char *valid_redacted(struct arena *a, const struct valid_table *table,
                           struct json_object *object);

/* Whether the field NAME was present in the struct at OUT. A name that is not in the table is a
 * BUG(). */
bool valid_has(const struct valid_table *table, const void *out, const char *name);

#endif
