/* SPDX-License-Identifier: MIT */
/* What each kind of job does, in the child. */
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "deploy/engine.h"
#include "store/app.h"
#include "worker/tools.h"

static int should_stop(void *arg, struct err *err)
{
    (void)arg;
    return job_asked_to_stop() ? err_set(err, ERR_CANCELLED, "the worker is stopping") : 0;
}

static struct engine make_engine(struct worker *w, struct tools *t, int64_t budget_ms)
{
    return (struct engine){
        .docker = &t->docker,
        .pg = t->pg,
        .conf = &w->conf,
        .keys = &w->keys,
        .deadline = time_monotonic() + (budget_ms < 1 ? 1 : budget_ms),
        .should_stop = should_stop,
    };
}

static int later(struct tools *t, const struct job_order *order, const struct err *err)
{
    AUTO_ARENA a = {0};
    struct err ignored;
    if (err->code == ERR_STALE || job_asked_to_stop()) {
        log_err(LOG_LEVEL_INFO, "handed back", err);
        return JOB_HANDED_BACK;
    }
    if (err->code == ERR_CONFLICT) { /* no failure of this one: another is still at it */
        log_err(LOG_LEVEL_INFO, "waits", err);
        return JOB_HANDED_BACK;
    }
    log_err(LOG_LEVEL_WARN, "to be tried again", err);
    if (order->attempt &&
        store_deployment_release(t->pg, &a, order->job.id, order->attempt, err->msg, &ignored) < 0)
        log_err(LOG_LEVEL_WARN, "could not give the deployment back", &ignored);
    return JOB_LATER;
}

/* What ends a deployment must not fail for ever: without the engine's own ending, the row's. */
static int give_up(struct engine *e, struct tools *t, const struct job_order *order,
                   struct err *err)
{
    AUTO_ARENA a = {0};
    if (engine_give_up(e, order->job.id, order->attempt, order->ending, NULL, order->give_up,
                       err) == 0)
        return 0;
    if (err->code == ERR_UNAVAILABLE || err->code == ERR_STALE || err->code == ERR_CANCELLED)
        return -1;
    log_err(LOG_LEVEL_ERROR, "could not end the deployment in order", err);
    AUTO_BUF error = {0};
    struct jw j;
    jw_init(&j, &error);
    jw_begin(&j);
    jw_kstr(&j, "step", NULL);
    jw_kstr(&j, "message", order->give_up);
    jw_end(&j);
    return store_deployment_finish(t->pg, &a, order->job.id, order->attempt, order->ending,
                                   buf_str(&error), err);
}

static int deploy(struct worker *w, struct tools *t, const struct job_order *order, struct err *err)
{
    struct engine engine = make_engine(w, t, order->budget_ms);
    AUTO_ARENA a = {0};
    struct store_deployment d;
    if (store_deployment_get_any(t->pg, &a, order->job.id, &d, err) < 0 ||
        pg_lock(t->pg, d.application_id, err) < 0)
        return -1;
    if (order->give_up)
        return give_up(&engine, t, order, err);
    return engine_run(&engine, order->job.id, order->attempt, err);
}

static int remove_app(struct worker *w, struct tools *t, const struct job_order *order,
                      struct err *err)
{
    struct engine engine = make_engine(w, t, order->budget_ms);
    AUTO_ARENA a = {0};
    struct store_app app;
    bool deleted;
    if (pg_lock(t->pg, order->job.id, err) < 0 ||
        store_app_get_any(t->pg, &a, order->job.id, &app, &deleted, err) < 0)
        return -1;
    if (!deleted)
        return 0;
    return engine_remove(&engine, order->job.id, app.remove_volumes, err);
}

static int act(struct worker *w, struct tools *t, const struct job_order *order, struct err *err)
{
    struct engine engine = make_engine(w, t, order->budget_ms);
    if (pg_lock(t->pg, order->job.id, err) < 0)
        return -1;
    return engine_act(&engine, order->job.id, err);
}

static int run(struct worker *w, const struct job_order *order,
               int (*work)(struct worker *, struct tools *, const struct job_order *, struct err *))
{
    struct tools t;
    struct err err;
    int code = JOB_DONE;
    if (tools_open(w, &t, "slipway-job", &err) < 0 || work(w, &t, order, &err) < 0)
        code = later(&t, order, &err);
    tools_close(&t);
    return code;
}

static int run_deploy(struct worker *w, const struct job_order *order)
{
    return run(w, order, deploy);
}

static int run_remove(struct worker *w, const struct job_order *order)
{
    return run(w, order, remove_app);
}

static int run_act(struct worker *w, const struct job_order *order)
{
    return run(w, order, act);
}

static const struct job_kind kinds[] = {
    {"deploy", true, run_deploy},
    {"remove", false, run_remove},
    {"act", false, run_act},
};

const struct job_kind *job_kind_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}
