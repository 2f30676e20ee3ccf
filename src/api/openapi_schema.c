/* SPDX-License-Identifier: MIT */
#include "api/openapi_schema.h"

#include "base/buf.h"
#include "base/str.h"

enum { TEXT_MAX = 255, LIST_MAX = 100 }; /* of fields that say nothing, as in base/valid.c */

static const char *schema_name(struct openapi *p, const struct valid_table *t,
                               enum openapi_mode mode)
{
    static const char *const suffix[] = {"", "Input", "Change"};
    return arena_printf(&p->a, "%s%s", t->name, suffix[mode]);
}

void openapi_refer(struct openapi *p, const struct valid_table *t, enum openapi_mode mode)
{
    size_t i = 0;
    while (i < p->n && (p->wanted[i].table != t || p->wanted[i].mode != mode))
        i++;
    if (i == OPENAPI_SCHEMAS)
        BUG("more than %d schemas", OPENAPI_SCHEMAS);
    if (i == p->n) {
        p->wanted[i].table = t;
        p->wanted[i].mode = mode;
        p->n++;
    }
    jw_kstr(&p->w, "$ref", arena_printf(&p->a, "#/components/schemas/%s", schema_name(p, t, mode)));
}

static void type_of(struct openapi *p, const char *type, bool nullable)
{
    if (!nullable) {
        jw_kstr(&p->w, "type", type);
        return;
    }
    jw_key(&p->w, "type");
    jw_begin_array(&p->w);
    jw_str(&p->w, type);
    jw_str(&p->w, "null");
    jw_end_array(&p->w);
}

static void words(struct openapi *p, const char *choices, bool nullable)
{
    jw_key(&p->w, "enum");
    jw_begin_array(&p->w);
    for (char **word = str_split(&p->a, choices, '|'); *word; word++)
        jw_str(&p->w, *word);
    if (nullable)
        jw_null(&p->w);
    jw_end_array(&p->w);
}

static void bounds(struct openapi *p, const struct valid_field *f)
{
    if (f->min == 0 && f->max == 0)
        return;
    jw_knum(&p->w, "minimum", f->min);
    jw_knum(&p->w, "maximum", f->max);
}

/* What a list or a map holds; nested input is whole, also in a change. */
static void items(struct openapi *p, const struct valid_field *f, enum openapi_mode mode)
{
    jw_begin(&p->w);
    if (f->sub)
        openapi_refer(p, f->sub, mode == ANSWER ? ANSWER : INPUT);
    else if (!(f->flags & VALID_ANY)) {
        jw_kstr(&p->w, "type", "string");
        if (mode != ANSWER)
            jw_kint(&p->w, "maxLength", f->type == VALID_MAP ? (int64_t)f->max : TEXT_MAX);
    }
    jw_end(&p->w);
}

static void object(struct openapi *p, const struct valid_field *f, enum openapi_mode mode,
                   bool nullable)
{
    if (f->flags & VALID_ANY) {
        type_of(p, "object", nullable);
        jw_kbool(&p->w, "additionalProperties", true);
        return;
    }
    if (!nullable) {
        openapi_refer(p, f->sub, mode == ANSWER ? ANSWER : INPUT);
        return;
    }
    jw_key(&p->w, "anyOf");
    jw_begin_array(&p->w);
    jw_begin(&p->w);
    openapi_refer(p, f->sub, mode == ANSWER ? ANSWER : INPUT);
    jw_end(&p->w);
    jw_begin(&p->w);
    jw_kstr(&p->w, "type", "null");
    jw_end(&p->w);
    jw_end_array(&p->w);
}

void openapi_field(struct openapi *p, const struct valid_field *f, enum openapi_mode mode)
{
    struct jw *w = &p->w;
    bool nullable = f->flags & VALID_NULLABLE;
    jw_begin(w);
    switch (f->type) {
    case VALID_STR:
        type_of(p, "string", nullable);
        if (mode == ANSWER)
            break;
        if (f->min > 0)
            jw_kint(w, "minLength", (int64_t)f->min);
        jw_kint(w, "maxLength", f->max > 0 ? (int64_t)f->max : TEXT_MAX);
        break;
    case VALID_TIME:
        type_of(p, "string", nullable);
        jw_kstr(w, "format", "date-time");
        break;
    case VALID_ENUM:
        type_of(p, "string", nullable);
        words(p, f->choices, nullable);
        break;
    case VALID_INT:
        type_of(p, "integer", nullable);
        bounds(p, f);
        break;
    case VALID_NUM:
        type_of(p, "number", nullable);
        bounds(p, f);
        break;
    case VALID_BOOL:
        type_of(p, "boolean", nullable);
        break;
    case VALID_OBJECT:
        object(p, f, mode, nullable);
        break;
    case VALID_LIST:
        type_of(p, "array", nullable);
        jw_key(w, "items");
        items(p, f, mode);
        if (mode != ANSWER)
            jw_kint(w, "maxItems", f->max > 0 ? (int64_t)f->max : LIST_MAX);
        break;
    case VALID_MAP:
        type_of(p, "object", nullable);
        jw_key(w, "additionalProperties");
        items(p, f, mode);
        break;
    }
    if (f->fallback && mode != ANSWER)
        jw_kraw(w, "default", f->fallback);
    jw_kstr(w, "description", f->doc);
    jw_end(w);
}

static bool shown(const struct valid_field *f, enum openapi_mode mode)
{
    if (mode == ANSWER)
        return !(f->flags & VALID_WRITE_ONLY);
    return !(f->flags & VALID_DERIVED) && !(mode == CHANGE && f->flags & VALID_FIXED);
}

static bool required(const struct valid_field *f, enum openapi_mode mode)
{
    if (mode == ANSWER)
        return !(f->flags & VALID_MAYBE);
    return mode == INPUT && f->flags & VALID_REQUIRED;
}

static void schema(struct openapi *p, const struct valid_table *t, enum openapi_mode mode)
{
    struct jw *w = &p->w;
    bool any = false;
    jw_begin(w);
    jw_kstr(w, "type", "object");
    jw_kbool(w, "additionalProperties", false);
    jw_key(w, "properties");
    jw_begin(w);
    for (size_t i = 0; i < t->n; i++)
        if (shown(&t->fields[i], mode)) {
            jw_key(w, t->fields[i].name);
            openapi_field(p, &t->fields[i], mode);
            any |= required(&t->fields[i], mode);
        }
    jw_end(w);
    if (any) {
        jw_key(w, "required");
        jw_begin_array(w);
        for (size_t i = 0; i < t->n; i++)
            if (shown(&t->fields[i], mode) && required(&t->fields[i], mode))
                jw_str(w, t->fields[i].name);
        jw_end_array(w);
    }
    jw_end(w);
}

void openapi_schemas(struct openapi *p)
{
    jw_begin(&p->w);
    for (size_t i = 0; i < p->n; i++) { /* printing one may want more */
        jw_key(&p->w, schema_name(p, p->wanted[i].table, p->wanted[i].mode));
        schema(p, p->wanted[i].table, p->wanted[i].mode);
    }
    jw_end(&p->w);
}
