/* SPDX-License-Identifier: MIT */
#include "deploy/engine.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "deploy/job.h"
#include "deploy/settings.h"
#include "git/mirror.h"

static int open_env(struct job *j, struct err *err)
{
    if (secrets_read_env(j->e->pg, j->e->keys, &j->arena, j->app.id, &j->env, err) < 0)
        return -1;
    secrets_learn(&j->arena, &j->env, &j->secrets);
    j->present_app = j->app;
    j->present_env = j->env;
    return 0;
}

/* Reads what the job is about. *app_deleted may be true with 0. */
static int begin(struct job *j, struct engine *e, const char *id, int64_t attempt,
                 bool *app_deleted, struct err *err)
{
    *j = (struct job){.e = e, .attempt = attempt};
    arena_init(&j->arena, 0);
    arena_init(&j->lines_arena, 0);
    struct arena *a = &j->arena;
    if (store_deployment_get_any(e->pg, a, id, &j->d, err) < 0)
        return -1;
    if (!j->d.finished_at && j->d.attempt != attempt)
        return err_set(err, ERR_STALE, "attempt %lld of deployment %s is not the present one",
                       (long long)attempt, id);
    j->touched = j->d.touched;
    if (store_app_get_any(e->pg, a, j->d.application_id, &j->app, app_deleted, err) < 0)
        return -1;
    e->docker->should_stop = job_should_stop;
    e->docker->stop_arg = j;
    j->directory = arena_printf(a, "%s/jobs/%s", e->conf->worker_directory, j->d.id);
    return 0;
}

static void end(struct job *j)
{
    struct err err;
    if (j->directory && repo_remove_tree(j->directory, &err) < 0)
        log_err(LOG_LEVEL_WARN, "could not clean up", &err);
    if (j->e->docker->stop_arg == j) {
        j->e->docker->should_stop = NULL;
        j->e->docker->stop_arg = NULL;
    }
    arena_release(&j->lines_arena);
    arena_release(&j->arena);
}
#define AUTO_JOB CLEANUP(end) struct job

static int make_directories(struct job *j, struct err *err)
{
    const char *root = j->e->conf->worker_directory;
    const char *jobs = arena_printf(&j->arena, "%s/jobs", root);
    if ((mkdir(root, 0700) < 0 && errno != EEXIST) || (mkdir(jobs, 0700) < 0 && errno != EEXIST))
        return err_set(err, ERR_INTERNAL, "could not make the directory %s: %s", jobs,
                       strerror(errno));
    return 0;
}

static int advance(struct job *j, const char *status, struct err *err)
{
    return store_deployment_advance(j->e->pg, &j->arena, j->d.id, j->attempt, status, err);
}

/* One step: its row, the work, its row again. A failure leaves j->step naming it. */
static int run_step(struct job *j, const char *name, int (*work)(struct job *, struct err *),
                    struct err *err)
{
    j->step = name;
    if (store_step_begin(j->e->pg, &j->arena, j->d.id, j->attempt, name, err) < 0 ||
        work(j, err) < 0 || job_flush(j, err) < 0 ||
        store_step_end(j->e->pg, &j->arena, j->d.id, j->attempt, name, "success", err) < 0)
        return -1;
    j->step = NULL;
    return 0;
}

/* A repository's commit as an image that the service can run. */
static int make_image(struct job *j, struct err *err)
{
    bool there, push = !str_empty(j->e->conf->registry_address);
    if (job_has_image(j, &there, err) < 0)
        return -1;
    if (there) {
        j->step = "build";
        job_say(j, "an earlier attempt has built %s:%s already", j->name, j->own_tag);
        j->image = arena_printf(&j->arena, "%s:%s", j->name, j->own_tag);
    } else if (make_directories(j, err) < 0 || advance(j, "cloning", err) < 0 ||
               run_step(j, "clone", job_clone, err) < 0 || advance(j, "building", err) < 0 ||
               run_step(j, "build", job_build, err) < 0) {
        return -1;
    }
    if (push && j->d.image && strchr(j->d.image, '@'))
        j->image = j->d.image;
    else if (push && (advance(j, "pushing", err) < 0 || run_step(j, "push", job_push, err) < 0))
        return -1;
    return 0;
}

static int verdict_step(struct job *j, struct err *err)
{
    bool ok;
    if (job_verdict(j, &ok, err) < 0)
        return -1;
    return ok ? 0 : err_set(err, ERR_INVALID, "%s", j->cause.message);
}

/* A rollback brings the settings of its release back. One that kept none has the present ones. */
static int take_settings(struct job *j, struct err *err)
{
    const char *kept;
    if (store_deployment_settings(j->e->pg, &j->arena, j->d.id, &kept, err) < 0)
        return -1;
    return kept ? settings_apply(&j->arena, kept, &j->app, &j->env, err) : 0;
}

static int run_steps(struct job *j, struct err *err)
{
    bool rollback = str_eq(j->d.trigger, "rollback") && !str_empty(j->d.image);
    if (open_env(j, err) < 0 || (rollback && take_settings(j, err) < 0))
        return -1;
    if (!str_empty(j->app.repo_url) && !rollback) {
        if (make_image(j, err) < 0)
            return -1;
    } else {
        /* what an earlier attempt has pinned is what this deployment is of */
        bool pinned = j->d.image && strchr(j->d.image, '@');
        j->image = rollback || pinned ? j->d.image : j->app.image;
    }
    if (advance(j, "deploying", err) < 0)
        return -1;
    if (str_empty(j->app.repo_url) && !rollback) {
        j->step = "deploy";
        if (job_fetch_image(j, err) < 0)
            return -1;
    }
    return run_step(j, "deploy", job_release, err) < 0 ||
                   run_step(j, "verdict", verdict_step, err) < 0
               ? -1
               : 0;
}

static char *error_json(struct job *j, const char *step, const char *message,
                        const struct verdict_cause *cause)
{
    AUTO_BUF text = {0};
    struct jw w;
    jw_init(&w, &text);
    jw_begin(&w);
    jw_kstr(&w, "step", step);
    jw_kstr(&w, "message", job_mask(j, message));
    jw_kstr(&w, "task", cause->task);
    jw_kstr(&w, "node", cause->node);
    jw_key(&w, "exitCode");
    if (cause->exited)
        jw_int(&w, cause->exit_code);
    else
        jw_null(&w);
    jw_kstr(&w, "output", job_mask(j, cause->output));
    jw_end(&w);
    return buf_dup(&text, &j->arena);
}

static void log_cause(struct job *j, const char *message)
{
    const char *p = j->cause.output;
    job_say(j, "failed: %s", message);
    if (!p)
        return;
    job_say(j, "the last lines of %s:", j->cause.task);
    while (*p) {
        size_t n = strcspn(p, "\n");
        job_log(j, "stderr", arena_memdup(&j->arena, p, n));
        p += n + (p[n] == '\n');
    }
}

/* The last lines. The end of a deployment does not hang on one that cannot be stored. */
static int flush_last(struct job *j, struct err *err)
{
    struct err problem;
    if (job_flush(j, &problem) == 0)
        return 0;
    log_err(LOG_LEVEL_WARN, "could not write the last of the output", &problem);
    if (problem.code != ERR_STALE && problem.code != ERR_UNAVAILABLE)
        return 0;
    *err = problem;
    return -1;
}

static int write_end(struct job *j, const char *status, const char *error, struct err *err)
{
    if (flush_last(j, err) < 0)
        return -1;
    return store_deployment_finish(j->e->pg, &j->arena, j->d.id, j->attempt, status, error, err);
}

/* A newer release has the service, so nothing is put back. The row may still be a newer attempt's:
 * ERR_STALE. */
static int supersede(struct job *j, struct err *err)
{
    job_say(j, "superseded: the service runs the newer release %s", j->newer);
    if (flush_last(j, err) < 0)
        return -1;
    return store_deployment_supersede(j->e->pg, &j->arena, j->d.id, j->attempt, j->newer, err);
}

/* The user's input, or what it became, is at fault: the end. */
static int fail(struct job *j, const struct err *why, struct err *err)
{
    const char *step = j->step ? j->step : "deploy";
    const char *message = job_mask(j, why->msg);
    char *error = error_json(j, step, message, &j->cause);
    log_info("the deployment failed in step %s: %s", step, message);
    log_cause(j, message);
    j->ending = true;
    if (j->touched && job_put_back(j, err) < 0)
        return j->newer ? supersede(j, err) : -1;
    return write_end(j, "failed", error, err);
}

/* Whether another attempt may do better. */
static bool worth_retrying(const struct job *j, const struct err *err)
{
    if (err->code == ERR_TIMEOUT)
        return !j->e->deadline || time_monotonic() < j->e->deadline;
    return err->code == ERR_UNAVAILABLE || err->code == ERR_PRECONDITION;
}

int engine_run(struct engine *e, const char *deployment_id, int64_t attempt, struct err *err)
{
    AUTO_JOB j;
    bool deleted = false;
    if (begin(&j, e, deployment_id, attempt, &deleted, err) < 0)
        return -1;
    if (j.d.finished_at)
        return 0;
    if (deleted) {
        const struct verdict_cause none = {0};
        return write_end(&j, "cancelled",
                         error_json(&j, NULL, "the application was deleted", &none), err);
    }
    struct err why = {0};
    int rc = run_steps(&j, &why);
    if (rc == 0)
        rc = write_end(&j, "success", NULL, &why);
    if (rc == 0)
        return 0;
    if (j.newer)
        return supersede(&j, err);
    struct err ignored;
    if (why.code == ERR_STALE || why.code == ERR_CANCELLED) {
        *err = why;
        return -1;
    }
    if (worth_retrying(&j, &why)) {
        job_say(&j, "attempt %lld was broken off: %s", (long long)attempt, why.msg);
        job_flush(&j, &ignored);
        *err = why;
        err->code = ERR_UNAVAILABLE;
        return -1;
    }
    return fail(&j, &why, err);
}

static const char *step_of(const char *status)
{
    static const char *const pairs[][2] = {
        {"cloning", "clone"}, {"building", "build"}, {"pushing", "push"}, {"deploying", "verdict"}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (str_eq(pairs[i][0], status))
            return pairs[i][1];
    return NULL;
}

int engine_give_up(struct engine *e, const char *deployment_id, int64_t attempt, const char *status,
                   const char *step, const char *message, struct err *err)
{
    AUTO_JOB j;
    bool deleted = false;
    if (begin(&j, e, deployment_id, attempt, &deleted, err) < 0)
        return -1;
    if (j.d.finished_at)
        return 0;
    j.step = step ? step : step_of(j.d.status);
    j.ending = true;
    struct err problem;
    const char *text = message;
    bool touched = j.touched && !deleted;
    /* without its secrets a release must not be put back: it would run with empty ones */
    if (touched && (open_env(&j, &problem) < 0 || job_put_back(&j, &problem) < 0)) {
        if (j.newer)
            return supersede(&j, err);
        if (problem.code == ERR_STALE) {
            *err = problem;
            return -1;
        }
        text = arena_printf(&j.arena, "%s; what the service runs now is not known: %s", message,
                            problem.msg);
    }
    job_say(&j, "%s: %s", status, text);
    return write_end(&j, status, error_json(&j, j.step, text, &j.cause), err);
}
