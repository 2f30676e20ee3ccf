/* SPDX-License-Identifier: MIT */
#include "base/valid.h"

#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"

enum { TEXT_MAX = 255, PROBLEMS_MAX = 100 };

void problems_init(struct problems *p, struct arena *a)
{
    *p = (struct problems){.arena = a};
    p->last = &p->first;
}

void problem_add(struct problems *p, const char *field, const char *fmt, ...)
{
    if (p->n >= PROBLEMS_MAX)
        return;
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    str_utf8_trim(text);
    struct problem *new = ARENA_NEW(p->arena, struct problem);
    new->field = arena_strdup(p->arena, field);
    new->message = arena_strdup(p->arena, text);
    if (!p->last)
        p->last = &p->first;
    *p->last = new;
    p->last = &new->next;
    p->n++;
}

const char *problem_for(const struct problems *p, const char *field)
{
    for (const struct problem *i = p->first; i; i = i->next)
        if (str_eq(i->field, field))
            return i->message;
    return NULL;
}

/* One value on its way through the check. */
struct spot {
    const struct valid_field *f;
    const char *path;
    struct problems *p;
    struct jw *normal; /* where nested values are written to; NULL at the top level */
};

static bool bad(const struct spot *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool bad(const struct spot *s, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    str_utf8_trim(text);
    problem_add(s->p, s->path, "%s", text);
    return false;
}

static const char *shown(const struct spot *s, struct json_object *v)
{
    if (s->f->flags & VALID_SECRET)
        return "that value";
    const char *text = json_object_is_type(v, json_type_string)
                           ? json_object_get_string(v)
                           : json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN);
    char *copy = arena_printf(s->p->arena, "'%.80s", text ? text : "null");
    str_utf8_trim(copy);
    return arena_printf(s->p->arena, "%s%s'", copy, text && strlen(text) > 80 ? "…" : "");
}

static bool wrong_type(const struct spot *s, const char *wanted, struct json_object *v)
{
    return bad(s, "must be %s, not %s", wanted, shown(s, v));
}

static bool text_in_bounds(const struct spot *s, struct json_object *v, const char *text)
{
    size_t bytes = (size_t)json_object_get_string_len(v);
    size_t max = s->f->max > 0 ? (size_t)s->f->max : TEXT_MAX;
    if (strlen(text) != bytes)
        return bad(s, "must not contain the character U+0000");
    size_t n = str_utf8_len(text);
    if (n < (size_t)s->f->min)
        return n == 0 ? bad(s, "must not be empty")
                      : bad(s, "must have at least %.0f characters", s->f->min);
    if (n > max)
        return bad(s, "must have at most %zu characters, not %zu", max, n);
    return true;
}

static bool follows_rule(const struct spot *s, const char *text)
{
    const char *wrong = s->f->rule ? s->f->rule(s->p->arena, text) : NULL;
    return wrong ? bad(s, "%s", wrong) : true;
}

static bool check_text(const struct spot *s, struct json_object *v, const char **out)
{
    if (!json_object_is_type(v, json_type_string))
        return wrong_type(s, "text", v);
    const char *text = json_object_get_string(v);
    if (!text_in_bounds(s, v, text) || !follows_rule(s, text))
        return false;
    *out = arena_strdup(s->p->arena, text);
    return true;
}

static bool check_enum(const struct spot *s, struct json_object *v, const char **out)
{
    if (json_object_is_type(v, json_type_string))
        for (char **w = str_split(s->p->arena, s->f->choices, '|'); *w; w++)
            if (str_eq(*w, json_object_get_string(v))) {
                *out = *w;
                return true;
            }
    return bad(s, "must be one of %s, not %s", s->f->choices, shown(s, v));
}

static bool check_number(const struct spot *s, struct json_object *v, double *out)
{
    const struct valid_field *f = s->f;
    bool whole = f->type == VALID_INT;
    double d;
    if (json_object_is_type(v, json_type_int))
        d = (double)json_object_get_int64(v);
    else if (json_object_is_type(v, json_type_double) && !whole)
        d = json_object_get_double(v);
    else
        return wrong_type(s, whole ? "a whole number" : "a number", v);
    if (!isfinite(d) || ((f->min != 0 || f->max != 0) && (d < f->min || d > f->max)))
        return bad(s, "must be between %.10g and %.10g, not %s", f->min, f->max, shown(s, v));
    *out = d;
    return true;
}

static bool check_members(const struct valid_table *t, struct json_object *o, bool partial,
                          const char *path, void *out, struct jw *normal, struct problems *p);

static const char *join(struct arena *a, const char *path, const char *name)
{
    return *path ? arena_printf(a, "%s.%s", path, name) : name;
}

static bool check_list(const struct spot *s, struct json_object *v, struct jw *w)
{
    if (!json_object_is_type(v, json_type_array))
        return wrong_type(s, "a list", v);
    size_t n = json_len(v), max = s->f->max > 0 ? (size_t)s->f->max : 100;
    if (n < (size_t)s->f->min || n > max)
        return bad(s, "must have %.0f to %zu entries, not %zu", s->f->min, max, n);
    bool ok = true;
    jw_begin_array(w);
    for (size_t i = 0; i < n; i++) {
        struct json_object *e = json_object_array_get_idx(v, i);
        struct valid_field text = {.type = VALID_STR, .rule = s->f->rule, .min = 1};
        struct spot at = *s;
        at.path = arena_printf(s->p->arena, "%s[%zu]", s->path, i);
        if (s->f->sub) {
            if (!json_object_is_type(e, json_type_object)) {
                ok = wrong_type(&at, "an object", e);
                continue;
            }
            jw_begin(w);
            ok &= check_members(s->f->sub, e, false, at.path, NULL, w, s->p);
            jw_end(w);
        } else {
            const char *value = NULL;
            at.f = &text;
            if (check_text(&at, e, &value))
                jw_str(w, value);
            else
                ok = false;
        }
    }
    jw_end_array(w);
    return ok;
}

static bool check_map(const struct spot *s, struct json_object *v, struct jw *w)
{
    if (!json_object_is_type(v, json_type_object))
        return wrong_type(s, "an object of texts", v);
    if (json_object_object_length(v) > 100)
        return bad(s, "must have at most 100 entries");
    bool ok = true;
    struct valid_field value_field = *s->f;
    value_field.rule = NULL;
    jw_begin(w);
    json_object_object_foreach(v, key, e)
    {
        struct spot at = *s;
        at.path = join(s->p->arena, s->path, key);
        const char *wrong = !*key        ? "must not be empty"
                            : s->f->rule ? s->f->rule(s->p->arena, key)
                                         : NULL;
        if (wrong) {
            ok = bad(&at, "%s", wrong);
            continue;
        }
        at.f = &value_field;
        const char *value = NULL;
        if (check_text(&at, e, &value))
            jw_kstr(w, key, value);
        else
            ok = false;
    }
    jw_end(w);
    return ok;
}

/* Checks a nested value and writes its normal form to W, or, with W NULL, gives it as text. */
static bool check_nested(const struct spot *s, struct json_object *v, struct jw *w,
                         const char **out)
{
    AUTO_BUF text = {0};
    struct jw own;
    if (!w) {
        jw_init(&own, &text);
        w = &own;
    }
    bool ok;
    if (s->f->type == VALID_LIST) {
        ok = check_list(s, v, w);
    } else if (s->f->type == VALID_MAP) {
        ok = check_map(s, v, w);
    } else if (!json_object_is_type(v, json_type_object)) {
        ok = wrong_type(s, "an object", v);
    } else {
        jw_begin(w);
        ok = check_members(s->f->sub, v, false, s->path, NULL, w, s->p);
        jw_end(w);
    }
    if (ok && out)
        *out = buf_dup(&text, s->p->arena);
    return ok;
}

static bool check_time(const struct spot *s, struct json_object *v, void *member)
{
    int64_t at;
    if (!json_object_is_type(v, json_type_string) || !time_parse(json_object_get_string(v), &at))
        return bad(s, "must be a time like 2026-01-31T12:00:00Z, not %s", shown(s, v));
    if (s->normal)
        jw_time(s->normal, at);
    if (member)
        *(int64_t *)member = at;
    return true;
}

static bool check_value(const struct spot *s, struct json_object *v, void *member)
{
    const struct valid_field *f = s->f;
    const char *text = NULL;
    double d = 0;
    bool ok;
    switch (f->type) {
    case VALID_STR:
    case VALID_ENUM:
        ok = f->type == VALID_STR ? check_text(s, v, &text) : check_enum(s, v, &text);
        if (ok && s->normal)
            jw_str(s->normal, text);
        if (ok && member)
            *(const char **)member = text;
        return ok;
    case VALID_INT:
    case VALID_NUM:
        ok = check_number(s, v, &d);
        if (ok && s->normal)
            jw_num(s->normal, d);
        if (ok && member && f->type == VALID_INT)
            *(int64_t *)member = json_object_get_int64(v);
        else if (ok && member)
            *(double *)member = d;
        return ok;
    case VALID_BOOL:
        if (!json_object_is_type(v, json_type_boolean))
            return wrong_type(s, "true or false", v);
        if (s->normal)
            jw_bool(s->normal, json_object_get_boolean(v));
        if (member)
            *(bool *)member = json_object_get_boolean(v);
        return true;
    case VALID_TIME:
        return check_time(s, v, member);
    case VALID_OBJECT:
    case VALID_LIST:
    case VALID_MAP:
        return check_nested(s, v, s->normal, member);
    }
    BUG("unknown type of field %s", f->name);
}

static void store_null(const struct valid_field *f, void *member)
{
    if (!member)
        return;
    switch (f->type) {
    case VALID_INT:
    case VALID_TIME:
        *(int64_t *)member = 0;
        break;
    case VALID_NUM:
        *(double *)member = 0;
        break;
    case VALID_BOOL:
        *(bool *)member = false;
        break;
    default:
        *(const char **)member = NULL;
    }
}

static bool check_field(const struct spot *s, struct json_object *o, bool partial, void *out,
                        size_t i)
{
    const struct valid_field *f = s->f;
    struct json_object *v = NULL;
    bool present = json_object_object_get_ex(o, f->name, &v);
    void *member = out ? (char *)out + f->offset : NULL;
    if (!present) {
        if ((f->flags & (VALID_REQUIRED | VALID_DERIVED)) == VALID_REQUIRED && !partial)
            return bad(s, "is required");
        if (s->normal && f->fallback) {
            jw_key(s->normal, f->name);
            jw_raw(s->normal, f->fallback);
        }
        return true;
    }
    if (f->flags & VALID_DERIVED)
        return bad(s, "cannot be set; it follows from other things");
    if (partial && (f->flags & VALID_FIXED))
        return bad(s, "cannot be changed");
    if (s->normal)
        jw_key(s->normal, f->name);
    if (out)
        *(uint64_t *)out |= 1ULL << i;
    if (!v) {
        if (s->normal)
            jw_null(s->normal);
        if (!(f->flags & VALID_NULLABLE))
            return bad(s, "must not be null");
        store_null(f, member);
        return true;
    }
    bool ok = check_value(s, v, member);
    if (!ok && s->normal && s->normal->key)
        jw_null(s->normal); /* keeps the text well formed; it is thrown away */
    return ok;
}

static bool known(const struct valid_table *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (str_eq(t->fields[i].name, name))
            return true;
    return false;
}

static bool check_members(const struct valid_table *t, struct json_object *o, bool partial,
                          const char *path, void *out, struct jw *normal, struct problems *p)
{
    bool ok = true;
    json_object_object_foreach(o, key, unused)
    {
        (void)unused;
        if (!known(t, key)) {
            problem_add(p, join(p->arena, path, key), "is not a field of %s", t->name);
            ok = false;
        }
    }
    for (size_t i = 0; i < t->n; i++) {
        struct spot s = {.f = &t->fields[i],
                         .path = join(p->arena, path, t->fields[i].name),
                         .p = p,
                         .normal = normal};
        ok &= check_field(&s, o, partial, out, i);
    }
    return ok;
}

bool valid_object(const struct valid_table *table, struct json_object *object, bool partial,
                  void *out, struct problems *p)
{
    if (table->n > 64)
        BUG("table %s has more than 64 fields", table->name);
    if (!json_object_is_type(object, json_type_object)) {
        problem_add(p, "", "the body must be a JSON object");
        return false;
    }
    return check_members(table, object, partial, "", out, NULL, p);
}

bool valid_has(const struct valid_table *table, const void *out, const char *name)
{
    for (size_t i = 0; i < table->n; i++)
        if (str_eq(table->fields[i].name, name))
            return *(const uint64_t *)out >> i & 1;
    BUG("table %s has no field %s", table->name, name);
}

static void redact(const struct valid_table *t, struct json_object *o, struct jw *w);

static void redact_value(const struct valid_field *f, struct json_object *v, struct jw *w)
{
    if (!v)
        jw_null(w);
    else if (f->flags & VALID_SECRET)
        jw_str(w, "***");
    else if (f->sub && json_object_is_type(v, json_type_array)) {
        jw_begin_array(w);
        for (size_t i = 0; i < json_len(v); i++)
            redact(f->sub, json_object_array_get_idx(v, i), w);
        jw_end_array(w);
    } else if (f->sub)
        redact(f->sub, v, w);
    else
        jw_tree(w, v);
}

static void redact(const struct valid_table *t, struct json_object *o, struct jw *w)
{
    jw_begin(w);
    for (size_t i = 0; i < t->n; i++) {
        struct json_object *v = NULL;
        if (!json_object_object_get_ex(o, t->fields[i].name, &v))
            continue;
        jw_key(w, t->fields[i].name);
        redact_value(&t->fields[i], v, w);
    }
    jw_end(w);
}

const char *valid_redacted(struct arena *a, const struct valid_table *table,
                           struct json_object *object)
{
    AUTO_BUF text = {0};
    struct jw w;
    jw_init(&w, &text);
    redact(table, object, &w);
    return buf_dup(&text, a);
}
