/* SPDX-License-Identifier: MIT */
#include "deploy/watch.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "deploy/router_nginx.h"
#include "deploy/spec.h"
#include "docker/events.h"

enum {
    REST_MS = 2000,    /* between looks while nothing changes */
    CHANGING_MS = 250, /* while something does */
    HOT_MS = 50,       /* just after an event: Swarm's own view lags a little */
    HOT_FOR_MS = 1000,
    CRASH_MS = 60000, /* failures younger than this make a crash loop */
    CRASHES = 3,
    RETRY_MS = 5000,     /* after the router failed */
    WAKE_FOR_MS = 60000, /* after the Engine came back */
};

/* One look at everything. */
struct view {
    struct store_apps apps;
    struct json_object *services;
    struct docker_tasks tasks;
    struct docker_nodes nodes;
};

struct memory {
    int64_t hot_until;
    int64_t router_again; /* not before */
    bool router_force;    /* nginx was not told of what the file says */
    char router_error[256];
    bool away; /* the Engine or PostgreSQL did not answer the last time */
    int64_t wake_until;
};

const char *watch_status(struct json_object *service, const struct docker_tasks *tasks, int64_t now)
{
    if (!service)
        return "failed";
    int64_t wanted = json_int_at(service, "Spec/Mode/Replicated/Replicas", 1);
    const char *id = json_str_at(service, "ID");
    int64_t running = 0, live = 0, crashed = 0;
    for (size_t i = 0; i < tasks->n; i++) {
        const struct docker_task *t = &tasks->items[i];
        if (!str_eq(t->service_id, id))
            continue;
        bool meant = str_eq(t->desired, "running") || str_eq(t->desired, "ready");
        live += meant;
        running += str_eq(t->desired, "running") && str_eq(t->state, "running");
        crashed += (str_eq(t->state, "failed") || str_eq(t->state, "rejected")) &&
                   now - t->changed < CRASH_MS;
    }
    if (!wanted)
        return "stopped";
    if (running >= wanted)
        return "running";
    if (running)
        return "degraded";
    return !live || crashed >= CRASHES ? "failed" : "degraded";
}

static struct json_object *service_named(struct json_object *services, const char *name)
{
    for (size_t i = 0; i < json_len(services); i++) {
        struct json_object *o = json_object_array_get_idx(services, i);
        if (str_eq(json_str_at(o, "Spec/Name"), name))
            return o;
    }
    return NULL;
}

/* The caller puts v->services, also after a failure. */
static int look(struct watch *w, struct arena *a, struct view *v, struct err *err)
{
    if (store_app_all(w->pg, a, &v->apps, err) < 0 ||
        docker_service_list(w->docker, SPEC_LABEL_APPLICATION, &v->services, err) < 0 ||
        docker_task_list_all(w->docker, a, SPEC_LABEL_APPLICATION, &v->tasks, err) < 0 ||
        docker_node_list(w->docker, a, &v->nodes, err) < 0)
        return -1;
    return 0;
}

static void write_statuses(struct watch *w, struct arena *a, const struct view *v)
{
    int64_t now = time_now();
    for (size_t i = 0; i < v->apps.n; i++) {
        const struct store_app *app = &v->apps.list[i];
        if (!app->deployed)
            continue;
        struct json_object *service = service_named(v->services, app->service_name);
        const char *status =
            !service && app->stopped ? "stopped" : watch_status(service, &v->tasks, now);
        bool changed;
        struct err err;
        if (str_eq(status, app->status))
            continue;
        if (store_app_set_status(w->pg, a, app->id, status, &changed, &err) < 0) {
            log_err(LOG_LEVEL_WARN, "could not write an application's status", &err);
            return;
        }
        if (!changed)
            continue;
        log_info("application %s (%s) is %s", app->id, app->service_name, status);
        if (w->on_status)
            w->on_status(w->hook_arg, app, status);
    }
}

/* Whether Swarm takes all of the service for done: nothing is meant to run, and the last task ended
 * with code 0. */
static bool is_complete(struct json_object *service, const struct docker_tasks *tasks)
{
    const struct docker_task *newest = NULL;
    const char *id = json_str_at(service, "ID");
    for (size_t i = 0; i < tasks->n; i++) {
        const struct docker_task *t = &tasks->items[i];
        if (!str_eq(t->service_id, id))
            continue;
        if (str_eq(t->desired, "running") || str_eq(t->desired, "ready"))
            return false;
        newest = newest ? newest : t;
    }
    return newest && str_eq(newest->state, "complete");
}

/* A docker_service_check. */
static int force_update(void *arg, struct json_object *service, struct err *err)
{
    (void)arg;
    (void)err;
    struct json_object *task = json_at(service, "Spec/TaskTemplate");
    int64_t forced = json_int_at(task, "ForceUpdate", 0);
    json_object_object_add(task, "ForceUpdate", json_object_new_int64(forced + 1));
    return 0;
}

/* An application that was stopped with its machine and ended with code 0, as it should, is complete
 * to Swarm, which by "on-failure" starts only what failed: it would stay down for good. What ran
 * when the Engine went away is started again when it comes back. */
static void wake(struct watch *w, const struct view *v)
{
    for (size_t i = 0; i < v->apps.n; i++) {
        const struct store_app *app = &v->apps.list[i];
        struct json_object *service = service_named(v->services, app->service_name);
        struct err err;
        if (!service || app->stopped ||
            !(str_eq(app->status, "running") || str_eq(app->status, "degraded")) ||
            !json_int_at(service, "Spec/Mode/Replicated/Replicas", 1) ||
            str_eq(json_str_at(service, "Spec/TaskTemplate/RestartPolicy/Condition"), "none") ||
            !is_complete(service, &v->tasks))
            continue;
        if (docker_service_edit(w->docker, app->service_name, force_update, NULL, &err) < 0)
            log_err(LOG_LEVEL_WARN, "could not start an application again", &err);
        else
            log_info("application %s (%s) had ended with code 0 unseen; started again", app->id,
                     app->service_name);
    }
}

static void write_routes(struct watch *w, struct arena *a, const struct view *v, struct memory *m)
{
    if (!str_eq(w->conf->router_kind, "nginx") || time_monotonic() < m->router_again)
        return;
    struct routes routes;
    AUTO_BUF text = {0};
    struct err err = {0};
    bool changed;
    routes_make(a, &v->apps, v->services, &v->tasks, &v->nodes, &routes);
    router_nginx_render(&routes, w->conf->router_listen, &text);
    if (router_nginx_write(w->conf, buf_str(&text), m->router_force, &changed, &err) == 0) {
        m->router_force = false;
        if (changed)
            log_info("wrote the routes of %zu applications", routes.n);
        m->router_error[0] = '\0';
        return;
    }
    m->router_force = err.code == ERR_UNAVAILABLE;
    m->router_again = time_monotonic() + RETRY_MS;
    if (!str_eq(m->router_error, err.msg))
        log_err(LOG_LEVEL_ERROR, "could not write the routes", &err);
    snprintf(m->router_error, sizeof(m->router_error), "%s", err.msg);
}

/* Whether some task is on its way from one state to another. */
static bool is_changing(const struct view *v)
{
    for (size_t i = 0; i < v->tasks.n; i++) {
        const struct docker_task *t = &v->tasks.items[i];
        bool up = (str_eq(t->desired, "running") || str_eq(t->desired, "ready")) &&
                  !str_eq(t->state, "running");
        bool down = str_eq(t->desired, "shutdown") && str_eq(t->state, "running");
        if (up || down)
            return true;
    }
    for (size_t i = 0; i < json_len(v->services); i++) {
        const char *state =
            json_str_at(json_object_array_get_idx(v->services, i), "UpdateStatus/State");
        if (str_eq(state, "updating") || str_eq(state, "rollback_started"))
            return true;
    }
    return false;
}

/* One turn. Returns how long to wait for an event. */
static int64_t turn(struct watch *w, struct arena *a, struct memory *m)
{
    struct view v = {0};
    struct err err = {0};
    int64_t wait = REST_MS;
    if (look(w, a, &v, &err) == 0) {
        if (m->away)
            log_info("the Docker Engine and PostgreSQL answer again");
        if (m->away)
            m->wake_until = time_monotonic() + WAKE_FOR_MS;
        m->away = false;
        if (time_monotonic() < m->wake_until)
            wake(w, &v);
        write_routes(w, a, &v, m);
        write_statuses(w, a, &v);
        wait = time_monotonic() < m->hot_until ? HOT_MS : is_changing(&v) ? CHANGING_MS : REST_MS;
    } else {
        if (!m->away)
            log_err(LOG_LEVEL_WARN, "could not look at the swarm", &err);
        m->away = true;
    }
    json_release(&v.services);
    return wait;
}

void watch_run(struct watch *w)
{
    AUTO_ARENA a = {0};
    AUTO_EVENTS events;
    /* what an earlier watch wrote, nginx may never have been told */
    struct memory memory = {.router_force = true, .wake_until = time_monotonic() + WAKE_FOR_MS};
    docker_events_open(&events, w->docker,
                       "{\"type\":[\"service\",\"container\",\"node\"],\"event\":[\"create\","
                       "\"update\",\"remove\",\"start\",\"kill\",\"die\",\"health_status\"]}");
    while (!w->asked_to_stop()) {
        arena_reset(&a);
        int64_t wait = turn(w, &a, &memory);
        if (!w->asked_to_stop() && docker_events_wait(&events, wait))
            memory.hot_until = time_monotonic() + HOT_FOR_MS;
    }
}
