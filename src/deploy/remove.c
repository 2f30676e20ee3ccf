/* SPDX-License-Identifier: MIT */
/* Taking away what a deleted application left: deploy/engine.h. */
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "deploy/engine.h"
#include "deploy/probe.h"
#include "deploy/spec.h"
#include "docker/image.h"
#include "docker/service.h"

enum { TASKS_GONE_MS = 30000, POLL_MS = 250 };

/* Whether the service of that name is this application's. */
static int is_ours(struct engine *e, const struct store_app *app, bool *ours, struct err *err)
{
    AUTO_JSON *service = NULL;
    struct err problem;
    *ours = false;
    if (docker_service_inspect(e->docker, app->service_name, &service, &problem) < 0) {
        if (problem.code == ERR_NOT_FOUND)
            return 0;
        *err = problem;
        return err_wrap(err, "could not look for the service '%s'", app->service_name);
    }
    *ours = str_eq(json_str_at(service, "Spec/Labels/" SPEC_LABEL_APPLICATION), app->id);
    return 0;
}

/* A volume is in use until the last container is gone, which takes a stop's grace period. */
static int remove_volume(struct engine *e, const char *name, struct err *err)
{
    int64_t until = time_monotonic() + TASKS_GONE_MS;
    struct err problem;
    while (docker_volume_remove(e->docker, name, &problem) < 0) {
        if (problem.code != ERR_CONFLICT || time_monotonic() > until) {
            *err = problem;
            if (err->code == ERR_CONFLICT)
                err->code = ERR_UNAVAILABLE;
            return -1;
        }
        time_sleep(POLL_MS);
    }
    return 0;
}

static int remove_volumes(struct engine *e, struct arena *a, const struct store_app *app,
                          struct err *err)
{
    AUTO_BUF path = {0};
    AUTO_JSON *answer = NULL;
    buf_adds(&path, "/volumes?filters=");
    net_encode(&path, arena_printf(a, "{\"label\":[\"" SPEC_LABEL_APPLICATION "=%s\"]}", app->id));
    if (docker_get(e->docker, buf_str(&path), &answer, err) < 0)
        return err_wrap(err, "could not list the volumes");
    struct json_object *list = json_at(answer, "Volumes");
    for (size_t i = 0; i < json_len(list); i++) {
        const char *name = json_str_at(json_object_array_get_idx(list, i), "Name");
        if (name && remove_volume(e, name, err) < 0)
            return -1;
    }
    return 0;
}

/* The Engine's own copies. One that a stopping container still uses stays: it is only disk. */
static int remove_images(struct engine *e, struct arena *a, const struct store_app *app,
                         struct err *err)
{
    AUTO_BUF path = {0};
    AUTO_JSON *list = NULL;
    buf_adds(&path, "/images/json?filters=");
    net_encode(&path, arena_printf(a, "{\"label\":[\"" SPEC_LABEL_APPLICATION "=%s\"]}", app->id));
    if (docker_get(e->docker, buf_str(&path), &list, err) < 0)
        return err_wrap(err, "could not list the images");
    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *tags = json_at(json_object_array_get_idx(list, i), "RepoTags");
        for (size_t k = 0; k < json_len(tags); k++) {
            struct err ignored;
            const char *tag = json_object_get_string(json_object_array_get_idx(tags, k));
            if (tag && docker_image_remove(e->docker, tag, &ignored) < 0)
                log_err(LOG_LEVEL_DEBUG, "an image stays", &ignored);
        }
    }
    return 0;
}

/* The probe in use stays: a deployment may be about to name it. What cannot be taken away now is a
 * few KiB that the next removal sees again. */
static void prune_probes(struct engine *e, struct arena *a)
{
    AUTO_BUF probe = {0};
    char *name;
    struct err err;
    if (probe_read(a, e->conf->worker_probe, &probe, &name, &err) < 0 ||
        docker_config_prune(e->docker, DOCKER_LABEL_OWNED, name, &err) < 0)
        log_err(LOG_LEVEL_WARN, "old probes stay", &err);
}

int engine_remove(struct engine *e, const char *app_id, bool volumes, struct err *err)
{
    AUTO_ARENA a = {0};
    struct store_app app;
    bool deleted, ours;
    if (store_app_get_any(e->pg, &a, app_id, &app, &deleted, err) < 0)
        return -1;
    if (!deleted)
        return err_set(err, ERR_CONFLICT, "the application %s is not deleted", app_id);
    if (is_ours(e, &app, &ours, err) < 0 ||
        (ours && docker_service_remove(e->docker, app.service_name, err) < 0) ||
        (volumes && remove_volumes(e, &a, &app, err) < 0) || remove_images(e, &a, &app, err) < 0)
        return -1;
    prune_probes(e, &a);
    return store_app_removed(e->pg, &a, app_id, err);
}
