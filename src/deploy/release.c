/* SPDX-License-Identifier: MIT */
/* Bringing a service to a release, and back: deploy/job.h. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "deploy/job.h"
#include "deploy/probe.h"
#include "deploy/settings.h"
#include "deploy/spec.h"
#include "docker/image.h"

enum { SETTLE_MAX_MS = 5000, SETTLE_MIN_MS = 1000, PUT_BACK_MS = 90000 };

#define PATH_RELEASE "TaskTemplate/ContainerSpec/Labels/" DOCKER_LABEL_RELEASE
#define PATH_ATTEMPT "TaskTemplate/ContainerSpec/Labels/" DOCKER_LABEL_ATTEMPT

/* A docker_service_check: the fence. ERR_STALE with j->newer: no attempt can write any more. */
static int fence(void *arg, struct json_object *service, struct err *err)
{
    struct job *j = arg;
    struct json_object *spec = json_at(service, "Spec");
    if (!str_eq(json_str_at(spec, "Labels/" SPEC_LABEL_APPLICATION), j->app.id))
        return err_set(err, ERR_CONFLICT,
                       "a service '%s' is there already that is not this application's",
                       j->app.service_name);
    const char *release = json_str_at(spec, PATH_RELEASE);
    const char *attempt = json_str_at(spec, PATH_ATTEMPT);
    if (!release)
        return 0;
    /* ids sort by time */
    int order = strcmp(release, j->d.id);
    if (order > 0) {
        j->newer = arena_strdup(&j->arena, release);
        return err_set(err, ERR_STALE, "the service runs the newer release %s", release);
    }
    if (order == 0 && attempt && atoll(attempt) > j->attempt)
        return err_set(err, ERR_STALE, "attempt %s has written the service already", attempt);
    return 0;
}

/* The config with the probe; made anew when the probe is another one. */
static int ensure_probe(struct job *j, char **id, char **name, struct err *err)
{
    struct arena *a = &j->arena;
    AUTO_BUF data = {0};
    if (probe_read(a, j->e->conf->worker_probe, &data, name, err) < 0)
        return -1;
    return docker_config_ensure(j->e->docker, a, *name, data.data, data.len, id, err);
}

/* The spec of RELEASE, which runs IMAGE with the settings of APP and ENV. */
static int write_spec(struct job *j, const struct store_app *app, const struct store_env_list *env,
                      const char *release, const char *image, struct buf *out, struct err *err)
{
    AUTO_JSON *inspected = NULL;
    struct err problem;
    if (docker_image_inspect(j->e->docker, image, &inspected, &problem) < 0 &&
        problem.code != ERR_NOT_FOUND) {
        *err = problem;
        return -1;
    }
    char *network, *probe_id = NULL, *probe_name = NULL;
    if (docker_network_ensure(j->e->docker, &j->arena, j->e->conf->swarm_network, &network, err) <
        0)
        return -1;
    if (spec_health(app, inspected) == SPEC_HEALTH_PROBE &&
        ensure_probe(j, &probe_id, &probe_name, err) < 0)
        return -1;
    const char *version = j->e->docker->version;
    struct spec_input in = {
        .app = app,
        .env = env,
        .image = image,
        .inspected = inspected,
        .release = release,
        .attempt = j->attempt,
        .network_id = network,
        .probe_id = probe_id,
        .probe_name = probe_name,
        .start_interval = docker_version_at_least(version, "1.44"),
    };
    return spec_write(&in, out, err);
}

static bool has_tasks_of(const struct docker_tasks *tasks, const char *release)
{
    for (size_t i = 0; i < tasks->n; i++)
        if (str_eq(tasks->items[i].release, release))
            return true;
    return false;
}

/* Whether an earlier attempt has brought the service here already, even if Swarm took it back. */
static int was_released(struct job *j, struct json_object *service, bool *was, struct err *err)
{
    *was = str_eq(json_str_at(json_at(service, "Spec"), PATH_RELEASE), j->d.id);
    if (*was || !j->d.touched)
        return 0;
    struct docker_tasks tasks;
    if (docker_task_list(j->e->docker, &j->arena, j->app.service_name, &tasks, err) < 0)
        return -1;
    *was = has_tasks_of(&tasks, j->d.id);
    return 0;
}

static int find_service(struct job *j, struct json_object **service, struct err *err)
{
    struct err problem;
    if (docker_service_inspect(j->e->docker, j->app.service_name, service, &problem) == 0)
        return 0;
    if (problem.code == ERR_NOT_FOUND)
        return 0;
    *err = problem;
    return err_wrap(err, "could not look for the service '%s'", j->app.service_name);
}

int job_release(struct job *j, struct err *err)
{
    AUTO_JSON *service = NULL;
    struct docker *d = j->e->docker;
    if (find_service(j, &service, err) < 0)
        return -1;
    if (service) {
        bool was;
        if (fence(j, service, err) < 0 || was_released(j, service, &was, err) < 0)
            return -1;
        if (was) {
            job_say(j, "an earlier attempt has brought service %s to this release already",
                    j->app.service_name);
            j->touched = true;
            return 0;
        }
    }
    AUTO_BUF spec = {0}, settings = {0};
    const char *auth; /* goes with the service, so that every node can pull */
    if (job_auth(j, j->image, &auth, err) < 0 ||
        write_spec(j, &j->app, &j->env, j->d.id, j->image, &spec, err) < 0)
        return -1;
    settings_write(&j->app, &j->env, &settings);
    if (store_deployment_touch(j->e->pg, &j->arena, j->d.id, j->attempt, j->app.config_version,
                               buf_str(&settings), err) < 0)
        return -1;
    j->touched = true;
    job_say(j, "%s service %s with %s", service ? "updating" : "creating", j->app.service_name,
            j->image);
    char *warning = NULL;
    int rc =
        service ? docker_service_update(d, j->app.service_name, buf_str(&spec), auth, fence, j, err)
                : docker_service_create(d, &j->arena, buf_str(&spec), auth, &warning, err);
    if (rc < 0)
        return err_wrap(err, "could not %s the service '%s'", service ? "update" : "create",
                        j->app.service_name);
    if (!str_empty(warning))
        job_say(j, "%s", warning);
    return 0;
}

static void on_progress(void *arg, const char *text)
{
    job_log(arg, "system", text);
}

static const char *mask(void *arg, const char *text)
{
    return job_mask(arg, text);
}

/* Without any health check "running" says little; then it must stay so for a while. */
static int settle_time(struct job *j, int64_t *ms, struct err *err)
{
    AUTO_JSON *inspected = NULL;
    struct err problem;
    *ms = 0;
    if (docker_image_inspect(j->e->docker, j->image, &inspected, &problem) < 0 &&
        problem.code != ERR_NOT_FOUND) {
        *err = problem;
        return -1;
    }
    if (spec_health(&j->app, inspected) != SPEC_HEALTH_NONE)
        return 0;
    AUTO_JSON *update = NULL;
    if (j->app.update_config &&
        json_parse(j->app.update_config, strlen(j->app.update_config), &update, err) < 0)
        return -1;
    struct json_object *monitor = json_at(update, "monitor");
    *ms = monitor ? (int64_t)(json_object_get_double(monitor) * 1000) : SETTLE_MAX_MS;
    if (*ms > SETTLE_MAX_MS)
        *ms = SETTLE_MAX_MS;
    if (*ms < SETTLE_MIN_MS)
        *ms = SETTLE_MIN_MS;
    return 0;
}

int job_verdict(struct job *j, bool *ok, struct err *err)
{
    struct verdict_wait w = {
        .docker = j->e->docker,
        .service = j->app.service_name,
        .release = j->d.id,
        .deadline = j->e->deadline ? j->e->deadline : INT64_MAX,
        .on_progress = on_progress,
        .mask = mask,
        .arg = j,
    };
    if (settle_time(j, &w.settle_ms, err) < 0)
        return -1;
    j->judging = true;
    int rc = verdict_wait(&w, &j->arena, ok, &j->cause, err);
    j->judging = false;
    return rc;
}

/* Waits, within bounds, until what was put back runs. */
static void await_last(struct job *j, const char *release)
{
    struct verdict_wait w = {
        .docker = j->e->docker,
        .service = j->app.service_name,
        .release = release,
        .deadline = time_monotonic() + PUT_BACK_MS,
        .mask = mask,
        .arg = j,
    };
    bool ok = false;
    struct err err = {0};
    struct verdict_cause cause = {0};
    if (verdict_wait(&w, &j->arena, &ok, &cause, &err) < 0)
        job_say(j, "whether the last success runs again is not known: %s", err.msg);
    else if (ok)
        job_say(j, "the last success, %s, runs again", release);
    else
        job_say(j, "the last success, %s, does not run: %s", release, cause.message);
}

/* The settings that the last success had; where they cannot be had again, the present ones. */
static int last_settings(struct job *j, const struct store_deployment *last, struct store_app *app,
                         struct store_env_list *env, struct err *err)
{
    const char *kept;
    struct err problem;
    *app = j->present_app;
    *env = j->present_env;
    if (store_deployment_settings(j->e->pg, &j->arena, last->id, &kept, err) < 0)
        return -1;
    if (kept && settings_apply(&j->arena, kept, app, env, &problem) < 0)
        job_say(j, "the last success is put back with the present settings: %s", problem.msg);
    if (j->app.stopped)
        app->replicas = 0;
    return 0;
}

static int put_back_last(struct job *j, struct json_object *service,
                         const struct store_deployment *last, struct err *err)
{
    struct docker *d = j->e->docker;
    struct json_object *previous = json_at(service, "PreviousSpec");
    if (str_eq(json_str_at(previous, PATH_RELEASE), last->id))
        return docker_service_rollback(d, j->app.service_name, fence, j, err);
    AUTO_BUF spec = {0};
    if (str_empty(last->image))
        return err_set(err, ERR_INTERNAL, "the last success has no image");
    struct store_app app;
    struct store_env_list env;
    if (last_settings(j, last, &app, &env, err) < 0 ||
        write_spec(j, &app, &env, last->id, last->image, &spec, err) < 0)
        return -1;
    const char *auth;
    struct err problem;
    if (job_auth(j, last->image, &auth, &problem) < 0)
        job_say(j, "%s: the last success is put back without it", problem.msg);
    return docker_service_update(d, j->app.service_name, buf_str(&spec), auth, fence, j, err);
}

int job_put_back(struct job *j, struct err *err)
{
    AUTO_JSON *service = NULL;
    if (find_service(j, &service, err) < 0)
        return -1;
    if (!service || !str_eq(json_str_at(service, "Spec/Labels/" SPEC_LABEL_APPLICATION), j->app.id))
        return 0;
    struct store_deployment last;
    struct err none;
    bool has_last =
        store_deployment_last_success(j->e->pg, &j->arena, j->app.id, &last, &none) == 0;
    if (!has_last && none.code != ERR_NOT_FOUND) {
        *err = none;
        return -1;
    }
    if (!str_eq(json_str_at(json_at(service, "Spec"), PATH_RELEASE), j->d.id)) {
        if (has_last)
            await_last(j, last.id);
        return 0;
    }
    if (!has_last) {
        job_say(j, "nothing ran before: service %s is taken away", j->app.service_name);
        return docker_service_remove(j->e->docker, j->app.service_name, err);
    }
    job_say(j, "putting the last success, %s, back", last.id);
    if (put_back_last(j, service, &last, err) < 0)
        return err_wrap(err, "could not put the last success back");
    await_last(j, last.id);
    return 0;
}
