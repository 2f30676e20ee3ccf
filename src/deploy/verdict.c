/* SPDX-License-Identifier: MIT */
#include "deploy/verdict.h"

#include <string.h>

#include "base/str.h"
#include "base/time.h"

enum {
    POLL_MS = 250,    /* when no event comes */
    HOT_POLL_MS = 40, /* just after an event: Swarm's own view lags a little */
    HOT_MS = 1000,
    HOMELESS_MS = 60000,
    ROLLBACK_WAIT_MS = 120000,
    CRASHES = 2,       /* of one replica: once may be an accident */
    CRASHES_SWARM = 3, /* where Swarm itself is to decide first */
};

static bool is_live(const struct docker_task *t)
{
    return str_eq(t->desired, "running") || str_eq(t->desired, "ready");
}

static bool has_failed(const struct docker_task *t)
{
    return str_eq(t->state, "failed") || str_eq(t->state, "rejected") ||
           str_eq(t->state, "complete");
}

struct count {
    int64_t running, live, failed, strangers;
    int64_t worst; /* failures of one slot */
    const struct docker_task *culprit, *homeless, *waiting;
    bool hopeless; /* a failure that no other try will mend */
};

static int64_t failures_of(const struct docker_tasks *tasks, const char *release, int64_t slot)
{
    int64_t n = 0;
    for (size_t i = 0; i < tasks->n; i++) {
        const struct docker_task *t = &tasks->items[i];
        n += t->slot == slot && str_eq(t->release, release) && has_failed(t);
    }
    return n;
}

static void count_tasks(const struct docker_tasks *tasks, const char *release, struct count *c)
{
    *c = (struct count){0};
    for (size_t i = 0; i < tasks->n; i++) {
        const struct docker_task *t = &tasks->items[i];
        if (!str_eq(t->release, release)) {
            c->strangers += is_live(t);
            continue;
        }
        c->live += is_live(t);
        c->running += str_eq(t->desired, "running") && str_eq(t->state, "running");
        if (is_live(t) && str_eq(t->state, "pending") && !str_empty(t->error))
            c->homeless = t;
        if (is_live(t) && !c->waiting && !str_eq(t->state, "running"))
            c->waiting = t;
        if (!has_failed(t))
            continue;
        c->failed++;
        /* newest first: the newest one's output is the likeliest to be still there */
        if (!c->culprit)
            c->culprit = t;
        c->hopeless |= strstr(t->error, "No such image") != NULL;
        int64_t n = failures_of(tasks, release, t->slot);
        c->worst = n > c->worst ? n : c->worst;
    }
}

static void fail(struct verdict *v, const struct docker_task *culprit, const char *reason)
{
    v->kind = VERDICT_FAILED;
    v->culprit = culprit;
    v->reason = reason;
}

/* The service carries another spec than ours. */
static void judge_replaced(const char *state, const struct count *c, struct verdict *out)
{
    out->culprit = c->culprit;
    if (str_eq(state, "rollback_started")) {
        out->rolling_back = true;
        out->reason = "Swarm is putting the release before back";
    } else if (str_starts(state, "rollback")) {
        fail(out, c->culprit, "Swarm put the release before back");
    } else {
        fail(out, c->culprit, "the service was changed by somebody else meanwhile");
    }
}

void verdict_judge(struct json_object *service, const struct docker_tasks *tasks,
                   const char *release, struct verdict *out)
{
    *out = (struct verdict){.kind = VERDICT_WAIT};
    if (!service) {
        fail(out, NULL, "the service was removed meanwhile");
        return;
    }
    struct count c;
    count_tasks(tasks, release, &c);
    const char *state = json_str_at(service, "UpdateStatus/State");
    if (!state)
        state = "";
    if (!str_eq(
            json_str_at(service, "Spec/TaskTemplate/ContainerSpec/Labels/" DOCKER_LABEL_RELEASE),
            release)) {
        judge_replaced(state, &c, out);
        return;
    }
    if (str_eq(state, "paused")) {
        fail(out, c.culprit, "Swarm stopped the update");
        return;
    }
    bool swarm_acts = json_at(service, "PreviousSpec") && !str_eq(state, "completed") &&
                      str_eq(json_str_at(service, "Spec/UpdateConfig/FailureAction"), "rollback");
    if (c.worst >= (swarm_acts ? CRASHES_SWARM : CRASHES) || (c.hopeless && !swarm_acts)) {
        fail(out, c.culprit, "a task fails again and again");
        return;
    }
    int64_t wanted = json_int_at(service, "Spec/Mode/Replicated/Replicas", 1);
    bool quiet = !*state || str_eq(state, "completed") || str_eq(state, "rollback_completed");
    if (quiet && c.failed && !c.live && wanted) {
        fail(out, c.culprit, "Swarm gave up starting it");
        return;
    }
    out->culprit = c.homeless ? c.homeless : c.culprit ? c.culprit : c.waiting;
    out->homeless = c.homeless != NULL;
    if (quiet && c.running == wanted && c.live == wanted && !c.strangers) {
        out->kind = VERDICT_SUCCESS;
        out->culprit = NULL;
    }
}

/* One look. The tasks live in A. */
static int look(const struct verdict_wait *w, struct arena *a, struct docker_tasks *tasks,
                struct verdict *v, struct err *err)
{
    AUTO_JSON *service = NULL;
    struct err problem;
    if (docker_service_inspect(w->docker, w->service, &service, &problem) < 0 &&
        problem.code != ERR_NOT_FOUND) {
        *err = problem;
        return -1;
    }
    if (docker_task_list(w->docker, a, w->service, tasks, err) < 0)
        return -1;
    verdict_judge(service, tasks, w->release, v);
    return 0;
}

/* A newest state a line, when it is another than before: "1 of 2 running, 1 starting". */
static void tell(const struct verdict_wait *w, const struct docker_tasks *tasks, struct buf *last)
{
    static const char *const states[] = {"pending", "assigned", "preparing", "starting",
                                         "running", "failed",   "rejected",  "complete"};
    AUTO_BUF text = {0};
    if (!w->on_progress)
        return;
    for (size_t s = 0; s < ARRAY_LEN(states); s++) {
        unsigned n = 0;
        for (size_t i = 0; i < tasks->n; i++)
            n += str_eq(tasks->items[i].release, w->release) &&
                 str_eq(tasks->items[i].state, states[s]);
        if (n)
            buf_addf(&text, "%s%u %s", text.len ? ", " : "", n, states[s]);
    }
    if (!text.len || str_eq(buf_str(&text), buf_str(last)))
        return;
    buf_clear(last);
    buf_adds(last, buf_str(&text));
    AUTO_BUF line = {0};
    buf_addf(&line, "tasks of this release: %s", buf_str(&text));
    w->on_progress(w->arg, buf_str(&line));
}

struct clocks {
    int64_t good_since, homeless_since, rollback_since, hot_until;
};

static void start_clock(int64_t *since, bool on)
{
    if (!on)
        *since = 0;
    else if (!*since)
        *since = time_monotonic();
}

/* What time adds to a look. True when V is final. */
static bool decided(const struct verdict_wait *w, struct clocks *k, struct verdict *v)
{
    int64_t now = time_monotonic();
    start_clock(&k->good_since, v->kind == VERDICT_SUCCESS);
    start_clock(&k->homeless_since, v->homeless);
    start_clock(&k->rollback_since, v->rolling_back);
    if (v->kind == VERDICT_FAILED)
        return true;
    if (v->kind == VERDICT_SUCCESS && now - k->good_since >= w->settle_ms)
        return true;
    if (v->homeless && now - k->homeless_since > HOMELESS_MS) {
        fail(v, v->culprit, "no node takes it");
        return true;
    }
    if (v->rolling_back && now - k->rollback_since > ROLLBACK_WAIT_MS) {
        fail(v, v->culprit, v->reason);
        return true;
    }
    if (now > w->deadline) {
        fail(v, v->culprit, "it did not become healthy in time");
        return true;
    }
    return false;
}

int verdict_wait(const struct verdict_wait *w, struct arena *a, bool *ok,
                 struct verdict_cause *cause, struct err *err)
{
    AUTO_ARENA turn = {0};
    AUTO_BUF told = {0};
    AUTO_EVENTS events;
    struct clocks clocks = {0};
    docker_events_open(&events, w->docker,
                       "{\"type\":[\"service\",\"container\"],\"event\":[\"update\",\"remove\","
                       "\"create\",\"start\",\"die\",\"health_status\"]}");
    for (;;) {
        struct verdict v;
        struct docker_tasks tasks;
        arena_reset(&turn);
        if (look(w, &turn, &tasks, &v, err) < 0)
            return -1;
        tell(w, &tasks, &told);
        if (decided(w, &clocks, &v)) {
            *ok = v.kind == VERDICT_SUCCESS;
            if (!*ok)
                verdict_explain(w, a, &v, cause);
            return 0;
        }
        if (w->docker->should_stop && w->docker->should_stop(w->docker->stop_arg, err) < 0)
            return -1;
        bool hot = time_monotonic() < clocks.hot_until;
        if (docker_events_wait(&events, hot ? HOT_POLL_MS : POLL_MS))
            clocks.hot_until = time_monotonic() + HOT_MS;
    }
}
