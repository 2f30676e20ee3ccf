/* SPDX-License-Identifier: MIT */
#include "deploy/spec.h"

#include <json-c/linkhash.h>
#include <string.h>

#include "base/str.h"
#include "docker/service.h"

enum { MIB = 1024 * 1024 };

static const int64_t SECOND = 1000000000;

/* The JSON columns, parsed. */
struct columns {
    struct json_object *health, *restart, *update, *volumes, *ports, *labels, *capabilities;
};

static void release_columns(struct columns *c)
{
    struct json_object **all[] = {&c->health, &c->restart, &c->update,      &c->volumes,
                                  &c->ports,  &c->labels,  &c->capabilities};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        json_release(all[i]);
}

static int parse_column(const char *name, const char *text, struct json_object **out,
                        struct err *err)
{
    if (str_empty(text) || str_eq(text, "null"))
        return 0;
    if (json_parse(text, strlen(text), out, err) < 0) {
        err->code = ERR_INTERNAL;
        return err_wrap(err, "the application's %s cannot be read", name);
    }
    return 0;
}

static int parse_columns(const struct store_app *app, struct columns *c, struct err *err)
{
    const struct {
        const char *name, *text;
        struct json_object **out;
    } all[] = {
        {"healthCheck", app->health_check, &c->health},
        {"restartPolicy", app->restart_policy, &c->restart},
        {"updateConfig", app->update_config, &c->update},
        {"volumes", app->volumes, &c->volumes},
        {"ports", app->ports, &c->ports},
        {"labels", app->labels, &c->labels},
        {"capabilities", app->capabilities, &c->capabilities},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (parse_column(all[i].name, all[i].text, all[i].out, err) < 0)
            return -1;
    return 0;
}

static double number(struct json_object *o, const char *path, double fallback)
{
    struct json_object *v = json_at(o, path);
    return v && (json_object_is_type(v, json_type_double) || json_object_is_type(v, json_type_int))
               ? json_object_get_double(v)
               : fallback;
}

/* Seconds as nanoseconds; the Engine takes 0 for its own default, so the least is LEAST. */
static int64_t nanoseconds(struct json_object *o, const char *path, double fallback, int64_t least)
{
    int64_t ns = (int64_t)(number(o, path, fallback) * (double)SECOND + 0.5);
    return ns < least ? least : ns;
}

enum spec_health spec_health(const struct store_app *app, struct json_object *inspected)
{
    if (!str_empty(app->health_check) && !str_eq(app->health_check, "null"))
        return SPEC_HEALTH_OWN;
    struct json_object *test = json_at(inspected, "Config/Healthcheck/Test");
    if (!json_len(test))
        return SPEC_HEALTH_PROBE;
    const char *first = json_object_get_string(json_object_array_get_idx(test, 0));
    return str_eq(first, "NONE") ? SPEC_HEALTH_NONE : SPEC_HEALTH_IMAGE;
}

static void write_labels(struct jw *w, const struct spec_input *in, struct json_object *own)
{
    jw_key(w, "Labels");
    jw_begin(w);
    if (own) {
        json_object_object_foreach(own, key, value)
        {
            if (!str_starts(key, "dokploy.") && !str_starts(key, "slipway."))
                jw_kstr(w, key, json_object_get_string(value));
        }
    }
    if (!own || !json_object_object_get_ex(own, SPEC_LABEL_TRAEFIK, NULL))
        jw_kstr(w, SPEC_LABEL_TRAEFIK, "true");
    jw_kstr(w, SPEC_LABEL_APPLICATION, in->app->id);
    jw_kstr(w, SPEC_LABEL_PROJECT, in->app->project_id);
    jw_end(w);
}

static void write_env(struct jw *w, const struct spec_input *in)
{
    AUTO_ARENA scratch = {0};
    jw_key(w, "Env");
    jw_begin_array(w);
    for (size_t i = 0; in->env && i < in->env->n; i++) {
        const struct store_env *e = &in->env->list[i];
        jw_str(w, arena_printf(&scratch, "%s=%s", e->key, e->value ? e->value : ""));
    }
    jw_end_array(w);
}

static void write_words(struct jw *w, const char *key, const char *const *words, size_t n)
{
    jw_key(w, key);
    jw_begin_array(w);
    for (size_t i = 0; i < n; i++)
        if (words[i])
            jw_str(w, words[i]);
    jw_end_array(w);
}

static void write_health(struct jw *w, const struct spec_input *in, struct json_object *own)
{
    enum spec_health kind = spec_health(in->app, in->inspected);
    AUTO_ARENA scratch = {0};
    if (kind == SPEC_HEALTH_IMAGE || kind == SPEC_HEALTH_NONE)
        return;
    jw_key(w, "Healthcheck");
    jw_begin(w);
    if (kind == SPEC_HEALTH_OWN) {
        const char *command = json_str_at(own, "command");
        const char *test[] = {"CMD-SHELL",
                              command ? command : "curl -f http://localhost/ || exit 1"};
        write_words(w, "Test", test, ARRAY_LEN(test));
        jw_kint(w, "Interval", nanoseconds(own, "interval", 30, SECOND / 1000));
        jw_kint(w, "Timeout", nanoseconds(own, "timeout", 10, SECOND / 1000));
        jw_kint(w, "Retries", json_int_at(own, "retries", 3));
    } else {
        const char *test[] = {"CMD", "/slipway-probe",
                              arena_printf(&scratch, "%lld", (long long)in->app->port)};
        write_words(w, "Test", test, ARRAY_LEN(test));
        jw_kint(w, "Interval", (in->start_interval ? 10 : 2) * SECOND);
        jw_kint(w, "Timeout", 3 * SECOND);
        jw_kint(w, "Retries", 3);
        jw_kint(w, "StartPeriod", SPEC_PROBE_START_S * SECOND);
        if (in->start_interval)
            jw_kint(w, "StartInterval", SECOND);
    }
    jw_end(w);
    if (kind != SPEC_HEALTH_PROBE)
        return;
    jw_key(w, "Configs");
    jw_begin_array(w);
    jw_begin(w);
    jw_kstr(w, "ConfigID", in->probe_id);
    jw_kstr(w, "ConfigName", in->probe_name);
    jw_kraw(w, "File", "{\"Name\":\"/slipway-probe\",\"UID\":\"0\",\"GID\":\"0\",\"Mode\":365}");
    jw_end(w);
    jw_end_array(w);
}

static void write_mounts(struct jw *w, const struct spec_input *in, struct json_object *volumes)
{
    AUTO_ARENA scratch = {0};
    jw_key(w, "Mounts");
    jw_begin_array(w);
    for (size_t i = 0; i < json_len(volumes); i++) {
        struct json_object *v = json_object_array_get_idx(volumes, i);
        jw_begin(w);
        jw_kstr(w, "Type", "volume");
        jw_kstr(w, "Source",
                arena_printf(&scratch, "%s_%s", in->app->service_name, json_str_at(v, "source")));
        jw_kstr(w, "Target", json_str_at(v, "target"));
        jw_key(w, "VolumeOptions");
        jw_begin(w);
        jw_key(w, "Labels");
        jw_begin(w);
        jw_kstr(w, SPEC_LABEL_APPLICATION, in->app->id);
        jw_end(w);
        jw_end(w);
        jw_end(w);
    }
    jw_end_array(w);
}

static const char *bare_capability(const char *name)
{
    return str_starts(name, "CAP_") ? name + 4 : name;
}

static void write_capabilities(struct jw *w, struct json_object *added)
{
    const char *dropped[] = {"NET_RAW", "MKNOD", "AUDIT_WRITE", "SETFCAP", "SETPCAP"};
    jw_key(w, "CapabilityAdd");
    jw_begin_array(w);
    for (size_t i = 0; i < json_len(added); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(added, i));
        jw_str(w, name);
        for (size_t k = 0; k < ARRAY_LEN(dropped); k++)
            if (dropped[k] && str_eq(dropped[k], bare_capability(name)))
                dropped[k] = NULL;
    }
    jw_end_array(w);
    write_words(w, "CapabilityDrop", dropped, ARRAY_LEN(dropped));
}

static void write_container(struct jw *w, const struct spec_input *in, const struct columns *c)
{
    AUTO_ARENA scratch = {0};
    jw_key(w, "ContainerSpec");
    jw_begin(w);
    jw_kstr(w, "Image", in->image);
    jw_key(w, "Labels");
    jw_begin(w);
    jw_kstr(w, DOCKER_LABEL_RELEASE, in->release);
    jw_kstr(w, DOCKER_LABEL_ATTEMPT, arena_printf(&scratch, "%lld", (long long)in->attempt));
    jw_kstr(w, SPEC_LABEL_APPLICATION, in->app->id);
    jw_end(w);
    write_env(w, in);
    if (!str_empty(in->app->run_user))
        jw_kstr(w, "User", in->app->run_user);
    jw_kbool(w, "ReadOnly", in->app->read_only);
    jw_kbool(w, "Init", true);
    jw_kint(w, "StopGracePeriod", 10 * SECOND);
    write_capabilities(w, c->capabilities);
    write_mounts(w, in, c->volumes);
    write_health(w, in, c->health);
    jw_end(w);
}

static void write_task(struct jw *w, const struct spec_input *in, const struct columns *c)
{
    jw_key(w, "TaskTemplate");
    jw_begin(w);
    write_container(w, in, c);
    jw_key(w, "Resources");
    jw_begin(w);
    jw_key(w, "Limits");
    jw_begin(w);
    jw_kint(w, "MemoryBytes", in->app->memory_limit * MIB);
    jw_kint(w, "NanoCPUs", (int64_t)(in->app->cpu_limit * (double)SECOND + 0.5));
    jw_end(w);
    jw_end(w);
    const char *condition = json_str_at(c->restart, "condition");
    jw_key(w, "RestartPolicy");
    jw_begin(w);
    jw_kstr(w, "Condition", condition ? condition : "on-failure");
    jw_kint(w, "MaxAttempts", json_int_at(c->restart, "maxAttempts", 3));
    jw_kint(w, "Window", nanoseconds(c->restart, "window", 120, 0));
    jw_end(w);
    jw_key(w, "Networks");
    jw_begin_array(w);
    jw_begin(w);
    jw_kstr(w, "Target", in->network_id);
    jw_end(w);
    jw_end_array(w);
    jw_end(w);
}

static const char *update_order(const struct columns *c)
{
    const char *order = json_str_at(c->update, "order");
    if (!str_empty(order))
        return order;
    return json_len(c->ports) || json_len(c->volumes) ? "stop-first" : "start-first";
}

static void write_updates(struct jw *w, const struct columns *c)
{
    const char *action = json_str_at(c->update, "failureAction");
    int64_t parallelism = json_int_at(c->update, "parallelism", 1);
    jw_key(w, "UpdateConfig");
    jw_begin(w);
    jw_kint(w, "Parallelism", parallelism);
    jw_kint(w, "Delay", nanoseconds(c->update, "delay", 10, 0));
    jw_kint(w, "Monitor", nanoseconds(c->update, "monitor", 30, SECOND / 1000));
    jw_kstr(w, "FailureAction", action ? action : "rollback");
    jw_kstr(w, "Order", update_order(c));
    jw_end(w);
    /* going back is to be quick: what is put back was running a moment ago */
    jw_key(w, "RollbackConfig");
    jw_begin(w);
    jw_kint(w, "Parallelism", 0);
    jw_kint(w, "Delay", 0);
    jw_kint(w, "Monitor", SECOND);
    jw_kstr(w, "FailureAction", "pause");
    jw_kstr(w, "Order", update_order(c));
    jw_end(w);
}

static void write_port(struct jw *w, int64_t target, int64_t published)
{
    jw_begin(w);
    jw_kstr(w, "Protocol", "tcp");
    jw_kint(w, "TargetPort", target);
    if (published)
        jw_kint(w, "PublishedPort", published);
    jw_kstr(w, "PublishMode", "host");
    jw_end(w);
}

static void write_endpoint(struct jw *w, const struct spec_input *in, struct json_object *ports)
{
    bool led = false;
    jw_key(w, "EndpointSpec");
    jw_begin(w);
    jw_kstr(w, "Mode", "dnsrr");
    jw_key(w, "Ports");
    jw_begin_array(w);
    for (size_t i = 0; i < json_len(ports); i++) {
        struct json_object *p = json_object_array_get_idx(ports, i);
        int64_t target = json_int_at(p, "target", 0);
        led |= target == in->app->port;
        write_port(w, target, json_int_at(p, "published", 0));
    }
    if (!led)
        write_port(w, in->app->port, 0);
    jw_end_array(w);
    jw_end(w);
}

int spec_write(const struct spec_input *in, struct buf *out, struct err *err)
{
    CLEANUP(release_columns) struct columns c = {0};
    if (parse_columns(in->app, &c, err) < 0)
        return -1;
    struct jw w;
    jw_init(&w, out);
    jw_begin(&w);
    jw_kstr(&w, "Name", in->app->service_name);
    write_labels(&w, in, c.labels);
    write_task(&w, in, &c);
    jw_key(&w, "Mode");
    jw_begin(&w);
    jw_key(&w, "Replicated");
    jw_begin(&w);
    jw_kint(&w, "Replicas", in->app->replicas);
    jw_end(&w);
    jw_end(&w);
    write_updates(&w, &c);
    write_endpoint(&w, in, c.ports);
    jw_end(&w);
    return 0;
}
