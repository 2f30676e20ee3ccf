/* SPDX-License-Identifier: MIT */
#include "deploy/settings.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"

static void write_env(struct jw *w, const struct store_env_list *env)
{
    jw_key(w, "env");
    jw_begin_array(w);
    for (size_t i = 0; i < env->n; i++) {
        const struct store_env *e = &env->list[i];
        jw_begin(w);
        jw_kstr(w, "key", e->key);
        if (e->secret)
            jw_kbool(w, "secret", true);
        else
            jw_kstr(w, "value", e->value);
        jw_end(w);
    }
    jw_end_array(w);
}

void settings_write(const struct store_app *app, const struct store_env_list *env, struct buf *out)
{
    struct jw w;
    jw_init(&w, out);
    jw_begin(&w);
    jw_kint(&w, "replicas", app->replicas);
    jw_kint(&w, "memoryLimit", app->memory_limit);
    jw_knum(&w, "cpuLimit", app->cpu_limit);
    jw_kint(&w, "port", app->port);
    jw_kraw(&w, "healthCheck", app->health_check);
    jw_kraw(&w, "restartPolicy", app->restart_policy);
    jw_kraw(&w, "updateConfig", app->update_config);
    jw_kraw(&w, "volumes", app->volumes);
    jw_kraw(&w, "ports", app->ports);
    jw_kraw(&w, "labels", app->labels);
    jw_kstr(&w, "user", app->run_user);
    jw_kbool(&w, "readOnly", app->read_only);
    jw_kraw(&w, "capabilities", app->capabilities);
    jw_kint(&w, "configVersion", app->config_version);
    write_env(&w, env);
    jw_end(&w);
}

/* The member as JSON text; null is NULL. */
static const char *raw(struct arena *a, struct json_object *o, const char *key)
{
    struct json_object *v = json_at(o, key);
    return v ? arena_strdup(a, json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN)) : NULL;
}

static const struct store_env *present(const struct store_env_list *env, const char *key)
{
    for (size_t i = 0; i < env->n; i++)
        if (str_eq(env->list[i].key, key))
            return &env->list[i];
    return NULL;
}

static int read_env(struct arena *a, struct json_object *list, const struct store_env_list *now,
                    struct store_env_list *out, struct err *err)
{
    out->n = json_len(list);
    out->list = ARENA_ARRAY(a, out->n + 1, struct store_env);
    for (size_t i = 0; i < out->n; i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        const char *key = json_str_at(o, "key");
        if (!key)
            return err_set(err, ERR_INTERNAL,
                           "the release's settings have a variable without name");
        if (!json_bool_at(o, "secret", false)) {
            const char *value = json_str_at(o, "value");
            out->list[i] = (struct store_env){.key = arena_strdup(a, key),
                                              .value = arena_strdup(a, value ? value : "")};
            continue;
        }
        const struct store_env *e = present(now, key);
        if (!e)
            return err_set(err, ERR_INVALID,
                           "the release needs the secret variable %s, which is no more; set it "
                           "again first",
                           key);
        out->list[i] = *e;
    }
    return 0;
}

int settings_apply(struct arena *a, const char *json, struct store_app *app,
                   struct store_env_list *env, struct err *err)
{
    AUTO_JSON *o = NULL;
    struct store_env_list list;
    if (json_parse(json, strlen(json), &o, err) < 0) {
        err->code = ERR_INTERNAL;
        return err_wrap(err, "the release's settings cannot be read");
    }
    if (read_env(a, json_at(o, "env"), env, &list, err) < 0)
        return -1;
    *env = list;
    struct json_object *cpu = json_at(o, "cpuLimit");
    app->replicas = json_int_at(o, "replicas", app->replicas);
    app->memory_limit = json_int_at(o, "memoryLimit", app->memory_limit);
    app->cpu_limit = cpu ? json_object_get_double(cpu) : app->cpu_limit;
    app->port = json_int_at(o, "port", app->port);
    app->health_check = raw(a, o, "healthCheck");
    app->restart_policy = raw(a, o, "restartPolicy");
    app->update_config = raw(a, o, "updateConfig");
    app->volumes = raw(a, o, "volumes");
    app->ports = raw(a, o, "ports");
    app->labels = raw(a, o, "labels");
    app->run_user = arena_strdup(a, json_str_at(o, "user"));
    app->read_only = json_bool_at(o, "readOnly", false);
    app->capabilities = raw(a, o, "capabilities");
    app->config_version = json_int_at(o, "configVersion", app->config_version);
    return 0;
}
