/* SPDX-License-Identifier: MIT */
/*
 * JSON (RFC 8259). Coming in it is parsed by json-c into a tree; going out it is streamed into a
 * buffer by struct jw and never built as a tree.
 */
#ifndef SLIPWAY_BASE_JSON_H
#define SLIPWAY_BASE_JSON_H

#include <json-c/json_object.h>

#include "base/base.h"
#include "base/err.h"

struct buf;
struct arena;

enum { JSON_MAX_DEPTH = 32, JSON_MAX_VALUES = 200000 };

/* Parses exactly one value. The caller owns *out (json_object_put, or AUTO_JSON).
 * ERR_MALFORMED: not JSON, not UTF-8, half a surrogate pair, two members of one name in an object,
 * nested deeper than JSON_MAX_DEPTH, or something behind it.
 * ERR_TOO_LARGE: more than JSON_MAX_VALUES values; each costs some hundred bytes in the tree. */
int json_parse(const char *text, size_t len, struct json_object **out, struct err *err);

void json_release(struct json_object **o);
#define AUTO_JSON CLEANUP(json_release) struct json_object

/*
 * Reading. PATH is keys joined by '/', "Spec/Labels/a.b"; a missing step, or a value of another
 * type, gives the fallback. Strings belong to the tree.
 */
struct json_object *json_at(struct json_object *o, const char *path);
const char *json_str_at(struct json_object *o, const char *path); /* NULL when absent */
int64_t json_int_at(struct json_object *o, const char *path, int64_t fallback);
bool json_bool_at(struct json_object *o, const char *path, bool fallback);
size_t json_len(struct json_object *array); /* 0 for what is no array */

/*
 * Writing. Begin and end calls must pair; keys and values alternate inside objects. Misuse is a
 * BUG(). Text that is not UTF-8 is scrubbed.
 */
struct jw {
    struct buf *out;
    unsigned depth;
    uint64_t has; /* bit d: level d has a member already */
    bool key;     /* a key was written and waits for its value */
};

void jw_init(struct jw *w, struct buf *out);
void jw_begin(struct jw *w); /* { */
void jw_end(struct jw *w);   /* } */
void jw_begin_array(struct jw *w);
void jw_end_array(struct jw *w);
void jw_key(struct jw *w, const char *key);
void jw_str(struct jw *w, const char *s); /* NULL is null */
void jw_strn(struct jw *w, const char *s, size_t n);
void jw_int(struct jw *w, int64_t v);
void jw_num(struct jw *w, double v);
void jw_bool(struct jw *w, bool v);
void jw_null(struct jw *w);
void jw_time(struct jw *w, int64_t ms);      /* RFC 3339, UTC, milliseconds; 0 is null */
void jw_raw(struct jw *w, const char *json); /* text that is JSON already; NULL is null */
void jw_tree(struct jw *w, struct json_object *o);

/* key and value in one */
void jw_kstr(struct jw *w, const char *key, const char *s);
void jw_kint(struct jw *w, const char *key, int64_t v);
void jw_knum(struct jw *w, const char *key, double v);
void jw_kbool(struct jw *w, const char *key, bool v);
void jw_ktime(struct jw *w, const char *key, int64_t ms);
void jw_kraw(struct jw *w, const char *key, const char *json);

#endif
