/* SPDX-License-Identifier: MIT */
/* Starting, stopping and restarting an application's service: deploy/engine.h. */
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "deploy/engine.h"
#include "deploy/spec.h"
#include "docker/service.h"
#include "store/action.h"

/* What is kept on the service beside its tasks: how many replicas to start again, and the last
 * restart that was done, so that none is done twice. */
#define LABEL_REPLICAS "slipway.replicas"
#define LABEL_RESTART "slipway.restart"

struct wish {
    const char *app_id;
    struct store_action action;
    bool foreign; /* the service of that name is not this application's */
};

static void set_label(struct json_object *labels, const char *key, int64_t value)
{
    AUTO_ARENA a = {0};
    json_object_object_add(labels, key,
                           json_object_new_string(arena_printf(&a, "%lld", (long long)value)));
}

static bool label_is(struct json_object *labels, const char *key, int64_t value)
{
    AUTO_ARENA a = {0};
    return str_eq(json_str_at(labels, key), arena_printf(&a, "%lld", (long long)value));
}

/* True when it was changed. */
static bool scale(struct json_object *spec, struct json_object *labels, const struct wish *w)
{
    struct json_object *replicated = json_at(spec, "Mode/Replicated");
    int64_t now = json_int_at(replicated, "Replicas", 1), wanted = 0;
    const char *kept = json_str_at(labels, LABEL_REPLICAS);
    if (!replicated || (w->action.stopped ? now == 0 : now > 0))
        return false;
    if (w->action.stopped)
        set_label(labels, LABEL_REPLICAS, now);
    else if (!kept || !str_to_int(kept, 1, 100000, &wanted))
        wanted = w->action.replicas;
    json_object_object_add(replicated, "Replicas", json_object_new_int64(wanted));
    return true;
}

/* A docker_service_check. */
static int grant(void *arg, struct json_object *service, struct err *err)
{
    (void)err;
    struct wish *w = arg;
    struct json_object *spec = json_at(service, "Spec");
    struct json_object *labels = json_at(spec, "Labels"), *task = json_at(spec, "TaskTemplate");
    w->foreign = !str_eq(json_str_at(labels, SPEC_LABEL_APPLICATION), w->app_id);
    if (w->foreign || !task)
        return 1;
    bool changed = scale(spec, labels, w);
    /* what has just been started runs anew as it is */
    bool restart = !w->action.stopped && w->action.restart > w->action.done &&
                   !label_is(labels, LABEL_RESTART, w->action.restart);
    if (restart) {
        set_label(labels, LABEL_RESTART, w->action.restart);
        if (!changed)
            json_object_object_add(task, "ForceUpdate",
                                   json_object_new_int64(json_int_at(task, "ForceUpdate", 0) + 1));
    }
    return changed || restart ? 0 : 1;
}

static int act(struct engine *e, struct wish *w, struct err *err)
{
    struct err problem;
    if (docker_service_edit(e->docker, w->action.service, grant, w, &problem) < 0) {
        if (problem.code != ERR_NOT_FOUND) {
            *err = problem;
            return err_wrap(err, "could not change the service '%s'", w->action.service);
        }
        log_info("there is no service '%s' to change", w->action.service);
    } else if (w->foreign) {
        log_warn("the service '%s' is not this application's; it stays as it is",
                 w->action.service);
    }
    return 0;
}

int engine_act(struct engine *e, const char *app_id, struct err *err)
{
    for (;;) {
        AUTO_ARENA a = {0};
        struct wish w = {.app_id = app_id};
        struct err problem;
        if (store_action_get(e->pg, &a, app_id, &w.action, &problem) < 0) {
            if (problem.code == ERR_NOT_FOUND)
                return 0; /* deleted meanwhile */
            *err = problem;
            return -1;
        }
        if (w.action.done == w.action.asked)
            return 0;
        if (act(e, &w, err) < 0 || store_action_done(e->pg, &a, app_id, w.action.asked, err) < 0)
            return -1;
        log_info("service '%s' %s", w.action.service,
                 w.action.stopped                     ? "is stopped"
                 : w.action.restart == w.action.asked ? "restarts"
                                                      : "is to run");
    }
}
