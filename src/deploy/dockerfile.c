/* SPDX-License-Identifier: MIT */
#include "deploy/dockerfile.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/str.h"

enum { IMAGES_MAX = 32, ARGS_MAX = 64 };

struct reading {
    struct arena *a;
    struct json_object *given;
    const char *names[ARGS_MAX], *values[ARGS_MAX];
    size_t n_args;
    const char *stages[IMAGES_MAX];
    size_t n_stages;
    const char **images;
    size_t n_images;
};

static const char *value_of(struct reading *r, const char *name)
{
    struct json_object *v = NULL;
    if (r->given && json_object_object_get_ex(r->given, name, &v) && v)
        return json_object_get_string(v);
    for (size_t i = r->n_args; i > 0; i--)
        if (str_eq(r->names[i - 1], name))
            return r->values[i - 1];
    return NULL;
}

static size_t name_length(const char *p)
{
    size_t n = 0;
    while ((p[n] >= 'a' && p[n] <= 'z') || (p[n] >= 'A' && p[n] <= 'Z') ||
           (p[n] >= '0' && p[n] <= '9') || p[n] == '_')
        n++;
    return n;
}

/* Fills in $NAME, ${NAME} and ${NAME:-word}; NULL when a name has no value. */
static const char *expand(struct reading *r, const char *word)
{
    AUTO_BUF out = {0};
    for (const char *p = word; *p; p++) {
        if (*p != '$') {
            if (*p != '"' && *p != '\'')
                buf_addc(&out, *p);
            continue;
        }
        bool braces = p[1] == '{';
        const char *start = p + 1 + braces;
        size_t n = name_length(start);
        const char *value = value_of(r, arena_memdup(r->a, start, n));
        p = start + n - 1;
        if (braces) {
            const char *end = strchr(start + n, '}');
            if (!end)
                return NULL;
            if (str_empty(value) && strncmp(start + n, ":-", 2) == 0)
                value = arena_memdup(r->a, start + n + 2, (size_t)(end - start) - n - 2);
            p = end;
        }
        if (!n || str_empty(value))
            return NULL;
        buf_adds(&out, value);
    }
    return buf_dup(&out, r->a);
}

static bool known(const char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(list[i], name) == 0)
            return true;
    return false;
}

static void take_from(struct reading *r, char **words)
{
    while (*words && str_starts(*words, "--"))
        words++;
    if (!*words)
        return;
    const char *image = expand(r, *words);
    if (!str_empty(image) && !str_eq(image, "scratch") && !known(r->stages, r->n_stages, image) &&
        !known(r->images, r->n_images, image) && r->n_images < IMAGES_MAX)
        r->images[r->n_images++] = image;
    if (words[1] && strcasecmp(words[1], "as") == 0 && words[2] && r->n_stages < IMAGES_MAX)
        r->stages[r->n_stages++] = words[2];
}

static void take_arg(struct reading *r, char **words)
{
    for (; *words && r->n_args < ARGS_MAX; words++) {
        char *eq = strchr(*words, '=');
        const char *value = eq ? expand(r, eq + 1) : NULL;
        if (!eq)
            continue;
        r->names[r->n_args] = arena_memdup(r->a, *words, (size_t)(eq - *words));
        r->values[r->n_args++] = value ? value : "";
    }
}

const char **dockerfile_images(struct arena *a, const char *text, size_t len,
                               struct json_object *args)
{
    struct reading r = {.a = a, .given = args};
    r.images = ARENA_ARRAY(a, IMAGES_MAX + 1, const char *);
    bool before_from = true;
    for (char **line = str_split(a, arena_memdup(a, text, len), '\n'); *line; line++) {
        for (char *p = *line; *p; p++)
            if (*p == '\t' || *p == '\r')
                *p = ' ';
        char **words = str_split(a, *line, ' ');
        if (!words[0])
            continue;
        if (strcasecmp(words[0], "FROM") == 0) {
            before_from = false;
            take_from(&r, words + 1);
        } else if (before_from && strcasecmp(words[0], "ARG") == 0) {
            take_arg(&r, words + 1);
        }
    }
    return r.images;
}
