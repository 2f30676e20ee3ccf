/* SPDX-License-Identifier: MIT */
#include "pages/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* ---- form to JSON */

/* The object that holds the last part of PATH, made on the way; *last gets that part. */
static struct json_object *parent_of(struct arena *a, struct json_object *o, const char *path,
                                     const char **last)
{
    for (const char *dot; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        const char *part = arena_printf(a, "%.*s", (int)(dot - path), path);
        struct json_object *next;
        if (!json_object_object_get_ex(o, part, &next)) {
            next = json_object_new_object();
            json_object_object_add(o, part, next);
        }
        o = next;
    }
    *last = path;
    return o;
}

static const char *trimmed(struct arena *a, const char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    size_t n = strlen(s);
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r' || s[n - 1] == '\n'))
        n--;
    return arena_printf(a, "%.*s", (int)n, s);
}

static struct json_object *number(const char *text, enum form_kind kind)
{
    int64_t v;
    char *end;
    if (str_to_int(text, INT64_MIN, INT64_MAX, &v)) /* also of FORM_NUM: 0 is shown as 0, not 0.0 */
        return json_object_new_int64(v);
    if (kind == FORM_NUM && *text && !strpbrk(text, "xXnNpP")) {
        double d = strtod(text, &end);
        if (!*end)
            return json_object_new_double(d);
    }
    return json_object_new_string(text);
}

static struct json_object *domains(struct arena *a, const char *text)
{
    struct json_object *list = json_object_new_array();
    char *copy = arena_strdup(a, text);
    for (char *p = copy; *p; p++)
        if (strchr(",\t\r\n", *p))
            *p = ' ';
    for (char **w = str_split(a, copy, ' '); *w; w++) {
        struct json_object *d = json_object_new_object();
        const char *slash = strchr(*w, '/');
        size_t n = slash ? (size_t)(slash - *w) : strlen(*w);
        json_object_object_add(d, "host", json_object_new_string_len(*w, (int)n));
        json_object_object_add(d, "path", json_object_new_string(slash ? slash : "/"));
        json_object_array_add(list, d);
    }
    return list;
}

static void add_field(struct api_call *c, const struct form_field *f, struct json_object *out)
{
    const char *text = http_form(c->req, f->name), *last;
    struct json_object *value = NULL;
    if (!text && f->kind != FORM_CHECK && f->kind != FORM_DOMAINS)
        text = "";
    if (f->kind != FORM_PASSWORD && text)
        text = trimmed(c->arena, text);
    if (f->flags & FORM_OMIT && str_empty(text))
        return;
    if (f->kind == FORM_CHECK)
        value = json_object_new_boolean(text != NULL);
    else if (f->kind == FORM_DOMAINS)
        value = domains(c->arena, text ? text : "");
    else if (f->flags & FORM_NULL && !*text)
        value = NULL;
    else if (f->kind == FORM_INT || f->kind == FORM_NUM)
        value = number(text, f->kind);
    else
        value = json_object_new_string(text);
    struct json_object *parent = parent_of(c->arena, out, f->name, &last);
    json_object_object_add(parent, last, value);
}

struct json_object *form_json(struct api_call *c, const struct form_table *t)
{
    struct json_object *out = json_object_new_object();
    for (size_t i = 0; i < t->n; i++)
        add_field(c, &t->fields[i], out);
    return out;
}

/* ---- JSON to form */

static const char *domains_text(struct arena *a, struct json_object *list)
{
    AUTO_BUF b = {0};
    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *d = json_object_array_get_idx(list, i);
        const char *host = json_str_at(d, "host"), *path = json_str_at(d, "path");
        buf_addf(&b, "%s%s%s", i ? " " : "", host ? host : "",
                 path && !str_eq(path, "/") ? path : "");
    }
    return buf_dup(&b, a);
}

static const char *value_text(struct arena *a, const struct form_field *f,
                              struct json_object *values)
{
    char *path = arena_strdup(a, f->name);
    for (char *p = path; *p; p++)
        if (*p == '.')
            *p = '/';
    struct json_object *v = json_at(values, path);
    if (!v || f->kind == FORM_PASSWORD)
        return NULL;
    if (f->kind == FORM_DOMAINS)
        return domains_text(a, v);
    if (f->kind == FORM_CHECK)
        return json_object_get_boolean(v) ? "true" : NULL;
    if (json_object_is_type(v, json_type_double))
        return arena_printf(a, "%.10g", json_object_get_double(v));
    return arena_strdup(a, json_object_get_string(v));
}

static void choices(struct arena *a, const struct form_field *f, struct view_field *out)
{
    char **list = str_split(a, f->choices, '|');
    size_t n = 0;
    while (list[n])
        n++;
    out->choices.list = ARENA_ARRAY(a, n, struct view_choice);
    out->choices.n = n;
    for (size_t i = 0; i < n; i++) {
        char *eq = strchr(list[i], '=');
        if (!eq)
            BUG("the choice '%s' has no label", list[i]);
        *eq = '\0';
        out->choices.list[i] = (struct view_choice){
            .value = list[i],
            .label = eq + 1,
            .chosen = str_eq(out->value ? out->value : "", list[i]),
        };
    }
}

/* Whether a problem at PATH belongs to the field NAME: the same, or something inside it. */
static bool belongs(const char *path, const char *name)
{
    size_t n = strlen(name);
    return strncmp(path, name, n) == 0 && (!path[n] || path[n] == '[' || path[n] == '.');
}

/* The entry of a list that PATH ("domains[1].host") names, as it was typed; NULL: none. */
static const char *entry_text(struct arena *a, const struct form_field *f,
                              struct json_object *values, const char *path)
{
    int64_t i;
    const char *open = path + strlen(f->name), *close = *open == '[' ? strchr(open, ']') : NULL;
    if (f->kind != FORM_DOMAINS || !close ||
        !str_to_int(arena_printf(a, "%.*s", (int)(close - open - 1), open + 1), 0, INT32_MAX, &i) ||
        (size_t)i >= json_len(json_at(values, f->name)))
        return NULL;
    struct json_object *d = json_object_array_get_idx(json_at(values, f->name), (size_t)i);
    const char *rest = json_str_at(d, "path");
    return arena_printf(a, "%s%s", json_str_at(d, "host"), str_eq(rest, "/") ? "" : rest);
}

static const char *sentence(struct arena *a, const struct form_field *f, const char *value,
                            struct json_object *values, const struct problem *p)
{
    if (str_empty(value) && f->kind != FORM_CHECK && f->kind != FORM_PASSWORD)
        return arena_printf(a, "%s is required.", f->label);
    const char *entry = entry_text(a, f, values, p->field);
    if (entry)
        return arena_printf(a, "%s: \u201C%s\u201D %s.", f->label, entry, p->message);
    return arena_printf(a, "%s %s.", f->label, p->message);
}

static void view(struct api_call *c, const struct form_field *f, struct json_object *values,
                 struct view_field *out)
{
    static const char *const kinds[] = {
        [FORM_TEXT] = "text",     [FORM_EMAIL] = "text",   [FORM_PASSWORD] = "text",
        [FORM_INT] = "number",    [FORM_NUM] = "number",   [FORM_CHECK] = "check",
        [FORM_SELECT] = "select", [FORM_DOMAINS] = "text",
    };
    struct arena *a = c->arena;
    char *id = arena_printf(a, "f-%s", f->name);
    for (char *p = id; *p; p++)
        if (*p == '.')
            *p = '-';
    *out = (struct view_field){
        .id = id,
        .name = f->name,
        .label = f->label,
        .help = f->help,
        .value = value_text(a, f, values),
        .kind = kinds[f->kind],
        .type = f->kind == FORM_PASSWORD ? "password"
                : f->kind == FORM_EMAIL  ? "email"
                                         : "text",
        .autocomplete = f->autocomplete,
        .mono = f->flags & FORM_MONO,
        .small = f->flags & FORM_SHORT,
        .required = f->flags & FORM_REQUIRED,
    };
    if (f->kind == FORM_SELECT)
        choices(a, f, out);
    for (const struct problem *p = c->problems.first; p && !out->error; p = p->next)
        if (belongs(p->field, f->name))
            out->error = sentence(a, f, out->value, values, p);
    if (out->help || out->error)
        out->described = arena_printf(a, "%s%s%s%s", out->help ? id : "", out->help ? "-help" : "",
                                      out->help && out->error ? " " : "",
                                      out->error ? arena_printf(a, "%s-error", id) : "");
}

void form_view(struct api_call *c, const struct form_table *t, struct json_object *values,
               struct view_fields *out, const char **rest)
{
    AUTO_BUF others = {0};
    out->n = t->n;
    out->list = ARENA_ARRAY(c->arena, t->n, struct view_field);
    for (size_t i = 0; i < t->n; i++)
        view(c, &t->fields[i], values, &out->list[i]);
    for (const struct problem *p = c->problems.first; p; p = p->next) {
        bool known = false;
        for (size_t i = 0; i < t->n; i++)
            known |= belongs(p->field, t->fields[i].name);
        if (!known)
            buf_addf(&others, "%s%s %s.", others.len ? " " : "", p->field, p->message);
    }
    *rest = others.len ? buf_dup(&others, c->arena) : NULL;
}

const char *form_problem(struct api_call *c, const struct err *err, const char *rest)
{
    if (rest)
        return rest;
    if (err->code == ERR_INVALID && c->problems.n)
        return c->problems.n == 1
                   ? "One field needs a change."
                   : arena_printf(c->arena, "%zu fields need a change.", c->problems.n);
    char *text = arena_printf(c->arena, "%s.", err->msg);
    if (*text >= 'a' && *text <= 'z')
        *text = (char)(*text - 'a' + 'A');
    return text;
}

struct view_field form_sure(struct arena *a, const char *name, const char *error)
{
    return (struct view_field){
        .id = "f-confirm",
        .name = "confirm",
        .label = arena_printf(a, "Type %s to confirm", name),
        .error = error,
        .kind = "text",
        .type = "text",
        .autocomplete = "off",
        .described = error ? "f-confirm-error" : NULL,
        .mono = true,
        .required = true,
    };
}
