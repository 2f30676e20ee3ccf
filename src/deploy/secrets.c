/* SPDX-License-Identifier: MIT */
#include "deploy/secrets.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"

enum { SECRET_LEAST = 6 };

int secrets_read_env(struct pg *pg, const struct keyring *keys, struct arena *a, const char *app_id,
                     struct store_env_list *env, struct err *err)
{
    if (store_env_read(pg, a, app_id, env, err) < 0)
        return -1;
    for (size_t i = 0; i < env->n; i++) {
        struct store_env *e = &env->list[i];
        char *value;
        if (!e->secret)
            continue;
        if (secret_open(keys, a, store_env_row(a, app_id, e->key), e->secret, e->secret_len, &value,
                        err) < 0)
            return err_wrap(err, "could not open the secret variable %s", e->key);
        e->value = value;
    }
    return 0;
}

static void add(struct arena *a, struct secrets *s, const char *text, size_t n)
{
    if (n >= SECRET_LEAST)
        s->list[s->n++] = arena_memdup(a, text, n);
}

static size_t count_lines(const char *text)
{
    size_t n = 1;
    for (const char *p = text; *p; p++)
        n += *p == '\n';
    return n;
}

void secrets_learn(struct arena *a, const struct store_env_list *env, struct secrets *out)
{
    size_t most = 1;
    for (size_t i = 0; i < env->n; i++)
        if (env->list[i].secret && env->list[i].value)
            most += 1 + count_lines(env->list[i].value);
    *out = (struct secrets){.list = ARENA_ARRAY(a, most, const char *)};
    for (size_t i = 0; i < env->n; i++) {
        const struct store_env *e = &env->list[i];
        if (!e->secret || !e->value)
            continue;
        add(a, out, e->value, strlen(e->value));
        /* output comes by lines, and a line of a key is as good as a secret */
        for (const char *p = e->value; count_lines(e->value) > 1 && *p;) {
            add(a, out, p, strcspn(p, "\r\n"));
            p += strcspn(p, "\n");
            p += *p == '\n';
        }
    }
}

const char *secrets_mask(struct arena *a, const struct secrets *s, const char *text)
{
    bool found = false;
    for (size_t i = 0; text && i < s->n && !found; i++)
        found = strstr(text, s->list[i]);
    if (!found)
        return text;
    AUTO_BUF out = {0};
    for (const char *p = text; *p;) {
        size_t hit = 0;
        for (size_t i = 0; i < s->n; i++)
            if (str_starts(p, s->list[i]) && strlen(s->list[i]) > hit)
                hit = strlen(s->list[i]);
        if (hit)
            buf_adds(&out, "***");
        else
            buf_addc(&out, *p);
        p += hit ? hit : 1;
    }
    return buf_dup(&out, a);
}
