/* SPDX-License-Identifier: MIT */
#include "worker/master.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/log.h"
#include "base/program.h"
#include "base/str.h"
#include "base/time.h"
#include "cache/ratelimit.h"
#include "cache/redis.h"
#include "deploy/clean.h"
#include "store/action.h"
#include "store/app.h"
#include "worker/calls.h"
#include "worker/child.h"
#include "worker/housekeeping.h"
#include "worker/tools.h"
#include "worker/watcher.h"

enum {
    SLOTS = 256 + 8,
    ACTION_SLOTS = 4,      /* beside limit.concurrent_deployments: removals, a rollback */
    BLOCK_MS = 250,        /* how long a look at the queue waits */
    BUSY_MS = 400,         /* when an application's turn is asked for again */
    HANDED_BACK_MS = 1000, /* when a job that came back by itself is tried again */
    GRACE_MS = 5000,       /* between SIGTERM and SIGKILL */
    BACKOFF_MS = 1000,     /* before the first retry; doubles */
    BACKOFF_MAX_MS = 30000,
    PUT_BACK_MS = 110000, /* after its time a job may put the last success back */
    GIVE_UP_MS = 120000,  /* what ending a deployment may take */
    REMOVE_MS = 120000,
    CANCEL_MS = 500,  /* between looks for deployments that are to be cancelled */
    ORPHAN_MS = 4000, /* age of a row that should have been taken by now */
};

/* A process that is kept alive. */
struct helper {
    pid_t pid; /* 0: there is none */
    int64_t started;
};

struct master {
    struct worker *w;
    struct pg *pg;
    struct redis *redis;
    struct cache cache;
    struct child slots[SLOTS];
    struct arena turn;                                               /* reset each round */
    int64_t forget_at;                                               /* monotonic */
    int64_t beat_at, reconcile_at, reclaim_at, builds_at, cancel_at; /* monotonic */
    struct helper watcher, calls;
    bool queue_away; /* said once */
    bool stopping;
};

static void set_up(struct master *m)
{
    const struct conf *c = &m->w->conf;
    struct pg_config pg = {.url = c->database_url,
                           .name = "slipway-worker",
                           .timeout_ms = 30000,
                           .log_queries_ms = c->log_queries};
    m->pg = pg_open_lazy(&pg);
    m->redis = tools_redis(m->w);
    cache_init(&m->cache, m->redis);
    cache_follow(&m->cache, m->pg);
}

static void tear_down(struct master *m)
{
    pg_close(m->pg);
    cache_release(&m->cache);
    redis_close(m->redis);
}

/* ---- jobs */

static int count_running(const struct master *m, bool deployments)
{
    int n = 0;
    for (int i = 0; i < SLOTS; i++)
        n += m->slots[i].pid && m->slots[i].deployment == deployments;
    return n;
}

static struct child *free_slot(struct master *m)
{
    for (int i = 0; i < SLOTS; i++)
        if (!m->slots[i].pid)
            return &m->slots[i];
    return NULL;
}

static void back_to_queue(struct master *m, const struct queue_job *job, int64_t delay_ms)
{
    struct err err;
    if (queue_retry(m->redis, job, delay_ms, &err) < 0)
        log_err(LOG_LEVEL_WARN, "could not put a job back; the reconciler will", &err);
}

static void off_queue(struct master *m, const struct queue_job *job)
{
    struct err err;
    if (queue_done(m->redis, job, &err) < 0)
        log_err(LOG_LEVEL_WARN, "could not take a finished job off the queue", &err);
}

static int run_order(struct worker *w, void *arg)
{
    const struct job_order *order = arg;
    char context[64];
    snprintf(context, sizeof(context), "%s=%.40s", order->job.kind, order->job.id);
    log_context(context);
    return job_kind_find(order->job.kind)->run(w, order);
}

static bool start_child(struct master *m, const struct queue_job *job,
                        const struct store_deployment *d, struct job_order *order)
{
    struct child *c = free_slot(m);
    int fds[] = {pg_socket(m->pg), -1};
    if (!c)
        return false;
    order->job = *job;
    pid_t pid = child_start(m->w, "slipway-job", run_order, order, fds);
    if (pid < 0)
        return false;
    *c = (struct child){.pid = pid, .deadline = time_monotonic() + order->budget_ms + PUT_BACK_MS};
    c->job = (struct queue_job){.lane = job->lane,
                                .kind = arena_strdup(&c->arena, job->kind),
                                .id = arena_strdup(&c->arena, job->id),
                                .entry = arena_strdup(&c->arena, job->entry)};
    if (d) {
        c->deployment = true;
        c->ending = order->give_up != NULL;
        c->d = (struct store_deployment){.attempt = d->attempt, .failures = d->failures};
    }
    return true;
}

/* How the attempt is to go: what is left of its time, or why it is given up. */
static void judge(struct master *m, const struct store_deployment *d, struct job_order *order)
{
    const struct conf *c = &m->w->conf;
    int64_t limit = c->limit_deployment_seconds * 1000;
    *order = (struct job_order){.attempt = d->attempt,
                                .budget_ms = limit - (time_now() - d->started_at)};
    order->ending = "failed";
    if (d->cancelling) {
        order->ending = "cancelled";
        order->give_up =
            d->cancel_by ? arena_printf(&m->turn, "cancelled by %s", d->cancel_by) : "cancelled";
    } else if (order->budget_ms <= 0) {
        order->give_up = arena_printf(&m->turn, "the deployment took longer than %lld s",
                                      (long long)c->limit_deployment_seconds);
    } else if (d->failures >= c->limit_deployment_attempts) {
        order->give_up =
            arena_printf(&m->turn, "gave up after %lld attempts: %s", (long long)d->failures,
                         d->last_failure ? d->last_failure : "no reason is known");
    }
    if (order->give_up)
        order->budget_ms = GIVE_UP_MS;
}

/* A deployment start costs a token, the continuation of one does not. False: none is left. */
static bool may_start(struct master *m, const struct queue_job *job,
                      const struct store_deployment *d)
{
    struct ratelimit l;
    struct err err;
    if (job->lane != QUEUE_BUILD || d->failures || !str_eq(d->status, "pending"))
        return true;
    if (ratelimit_take(m->redis, "deployments", m->w->conf.limit_deployments_per_minute, &l, &err) <
            0 ||
        l.allowed)
        return true;
    m->builds_at = time_monotonic() + l.retry_ms;
    return false;
}

static void take_deployment(struct master *m, const struct queue_job *job)
{
    struct err err;
    enum store_claim claim;
    struct store_deployment d;
    struct job_order order;
    if (store_deployment_claim(m->pg, &m->turn, job->id, m->w->name, MASTER_LEASE_MS, &claim, &d,
                               &err) < 0) {
        log_err(LOG_LEVEL_WARN, "could not claim a deployment", &err);
        back_to_queue(m, job, 1000);
        return;
    }
    if (claim == STORE_CLAIM_ENDED) {
        off_queue(m, job);
        return;
    }
    if (claim == STORE_CLAIM_BUSY) {
        back_to_queue(m, job, BUSY_MS);
        return;
    }
    judge(m, &d, &order);
    bool allowed = order.give_up || may_start(m, job, &d);
    if (allowed && start_child(m, job, &d, &order)) {
        log_info("deployment %s: attempt %lld", job->id, (long long)d.attempt);
        return;
    }
    if (store_deployment_release(m->pg, &m->turn, job->id, d.attempt, NULL, &err) < 0)
        log_err(LOG_LEVEL_WARN, "could not give a deployment back", &err);
    back_to_queue(m, job, allowed ? 1000 : m->builds_at - time_monotonic());
}

static void take_job(struct master *m, const struct queue_job *job)
{
    const struct job_kind *kind = job_kind_find(job->kind);
    struct job_order order = {.budget_ms = REMOVE_MS};
    if (!kind) {
        log_error("there is no kind of job '%s'; it is dropped", job->kind);
        off_queue(m, job);
    } else if (kind->deployment) {
        take_deployment(m, job);
    } else if (!start_child(m, job, NULL, &order)) {
        back_to_queue(m, job, 1000);
    }
}

/* Looks at the queue for what there is room for; waits a little when it is empty. */
static void take_jobs(struct master *m)
{
    struct err err;
    struct queue_job job;
    bool got = false;
    unsigned mask = 0;
    int builds = count_running(m, true);
    int64_t now = time_monotonic();
    if (count_running(m, false) < ACTION_SLOTS)
        mask |= 1U << QUEUE_ACTION;
    if (builds < m->w->conf.limit_concurrent_deployments + 1)
        mask |= 1U << QUEUE_ROLLBACK;
    if (builds < m->w->conf.limit_concurrent_deployments && now >= m->builds_at)
        mask |= 1U << QUEUE_BUILD;
    int rc = 0;
    if (now >= m->reclaim_at && mask == QUEUE_ALL) {
        rc = queue_reclaim(m->redis, &m->turn, m->w->name, MASTER_LEASE_MS, &got, &job, &err);
        if (rc == 0 && !got)
            m->reclaim_at = now + MASTER_BEAT_MS;
    }
    if (rc == 0 && !got && mask)
        rc = queue_take(m->redis, &m->turn, m->w->name, mask, BLOCK_MS, &got, &job, &err);
    if (rc < 0 && !m->queue_away)
        log_err(LOG_LEVEL_WARN, "the queue is away", &err);
    m->queue_away = rc < 0;
    if (rc < 0 || !mask)
        time_sleep(BLOCK_MS);
    else if (got)
        take_job(m, &job);
}

/* ---- the ends of jobs */

static void deployment_ended(struct master *m, struct child *c, int code, int sig)
{
    struct err err;
    const char *failure = NULL;
    int64_t delay = 0;
    if (c->timed_out)
        delay = 0; /* the next attempt sees that the time is over and ends it */
    else if (sig)
        failure = arena_printf(&m->turn, "the job's process was ended by signal %d", sig);
    else if (code != JOB_LATER && code != JOB_HANDED_BACK)
        failure = arena_printf(&m->turn, "the job's process ended with code %d", code);
    /* a job that ended with JOB_LATER wrote its failure and gave the lease back itself */
    if (store_deployment_release(m->pg, &m->turn, c->job.id, c->d.attempt, failure, &err) < 0)
        log_err(LOG_LEVEL_WARN, "could not give a deployment back", &err);
    if (failure)
        log_warn("deployment %s: %s", c->job.id, failure);
    if (code == JOB_HANDED_BACK && !m->stopping && !c->ending)
        delay = HANDED_BACK_MS;
    if (failure || code == JOB_LATER)
        delay = queue_backoff(c->d.failures + 1, BACKOFF_MS, BACKOFF_MAX_MS);
    back_to_queue(m, &c->job, delay);
}

static void job_ended(struct master *m, struct child *c, int status)
{
    int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    kill(-c->pid, SIGKILL); /* what it may have left in its group */
    if (code == JOB_DONE)
        off_queue(m, &c->job);
    else if (c->deployment)
        deployment_ended(m, c, code, sig);
    else
        back_to_queue(m, &c->job, code == JOB_LATER ? 2000 : 5000);
    arena_release(&c->arena);
    *c = (struct child){0};
}

/* What it had under way is not to go on without it. */
static void calls_ended(struct master *m)
{
    kill(-m->calls.pid, SIGKILL);
    m->calls.pid = 0;
}

static void reap(struct master *m)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == m->watcher.pid)
            m->watcher.pid = 0;
        if (pid == m->calls.pid)
            calls_ended(m);
        for (int i = 0; i < SLOTS; i++)
            if (m->slots[i].pid == pid)
                job_ended(m, &m->slots[i], status);
    }
}

static void watch_clocks(struct master *m)
{
    int64_t now = time_monotonic();
    for (int i = 0; i < SLOTS; i++) {
        struct child *c = &m->slots[i];
        if (!c->pid || (now < c->deadline && !c->kill_at))
            continue;
        c->timed_out |= now >= c->deadline;
        child_end(c, GRACE_MS);
    }
}

/* ---- what happens by the clock */

/* Whether another attempt is at work. A deployment that has just ended is still cleaning up. */
static bool is_overtaken(struct master *m, const struct child *c)
{
    struct err err;
    struct store_deployment d;
    return store_deployment_get_any(m->pg, &m->turn, c->job.id, &d, &err) == 0 &&
           d.attempt != c->d.attempt;
}

static void heartbeat(struct master *m)
{
    struct err err;
    if (time_monotonic() < m->beat_at)
        return;
    m->beat_at = time_monotonic() + MASTER_BEAT_MS;
    for (int i = 0; i < SLOTS; i++) {
        struct child *c = &m->slots[i];
        if (!c->pid)
            continue;
        if (queue_heartbeat(m->redis, m->w->name, &c->job, &err) < 0 && !m->queue_away)
            log_err(LOG_LEVEL_WARN, "could not renew a job in the queue", &err);
        if (!c->deployment || store_deployment_renew(m->pg, &m->turn, c->job.id, c->d.attempt,
                                                     MASTER_LEASE_MS, &err) == 0)
            continue;
        if (err.code != ERR_STALE)
            log_err(LOG_LEVEL_WARN, "could not renew a lease", &err);
        if (err.code == ERR_STALE && is_overtaken(m, c))
            child_end(c, GRACE_MS);
    }
}

/* PostgreSQL is the truth: what waits there and not in the queue is put there. */
static void reconcile(struct master *m)
{
    struct err err;
    struct store_deployments open;
    const char **removing, **acting;
    if (time_monotonic() < m->reconcile_at)
        return;
    m->reconcile_at = time_monotonic() + MASTER_RECONCILE_MS;
    housekeeping(m->pg, &m->turn, &m->forget_at);
    if (store_deployment_orphans(m->pg, &m->turn, ORPHAN_MS, &open, &err) < 0 ||
        store_app_removing(m->pg, &m->turn, &removing, &err) < 0 ||
        store_action_open(m->pg, &m->turn, &acting, &err) < 0) {
        log_err(LOG_LEVEL_WARN, "could not look for lost jobs", &err);
        return;
    }
    for (size_t i = 0; i < open.n; i++) {
        bool rollback = str_eq(open.list[i].trigger, "rollback");
        if (queue_put(m->redis, rollback ? QUEUE_ROLLBACK : QUEUE_BUILD, "deploy", open.list[i].id,
                      &err) < 0)
            return;
    }
    for (; *removing; removing++)
        if (queue_put(m->redis, QUEUE_ACTION, "remove", *removing, &err) < 0)
            return;
    for (; *acting; acting++)
        if (queue_put(m->redis, QUEUE_ACTION, "act", *acting, &err) < 0)
            return;
}

/* A deployment that somebody cancelled: its process ends, and the next attempt, which sees the wish
 * in the row, puts back what there is to put back and writes the end. */
static void cancel(struct master *m)
{
    struct err err;
    const char **ids;
    if (time_monotonic() < m->cancel_at || !count_running(m, true))
        return;
    m->cancel_at = time_monotonic() + CANCEL_MS;
    if (store_deployment_cancelling(m->pg, &m->turn, m->w->name, &ids, &err) < 0) {
        log_err(LOG_LEVEL_WARN, "could not look for what is to be cancelled", &err);
        return;
    }
    for (; *ids; ids++)
        for (int i = 0; i < SLOTS; i++) {
            struct child *c = &m->slots[i];
            if (!c->pid || !c->deployment || c->ending || !str_eq(c->job.id, *ids))
                continue;
            log_info("deployment %s is cancelled", c->job.id);
            c->ending = true;
            child_end(c, GRACE_MS);
        }
}

static void keep_alive(struct master *m, struct helper *h, const char *name,
                       int (*run)(struct worker *w, void *arg))
{
    int64_t now = time_monotonic();
    int fds[] = {pg_socket(m->pg), -1};
    if (h->pid || (h->started && now - h->started < 1000))
        return;
    h->started = now;
    pid_t pid = child_start(m->w, name, run, NULL, fds);
    h->pid = pid > 0 ? pid : 0;
}

static void reload(struct master *m)
{
    struct conf fresh;
    struct err err;
    if (conf_load(&fresh, m->w->config_file, &err) < 0) {
        log_err(LOG_LEVEL_ERROR, "the configuration stays as it was", &err);
        return;
    }
    if (!str_eq(fresh.worker_directory, m->w->conf.worker_directory)) {
        log_error("worker.directory cannot change while the worker runs; the configuration stays "
                  "as it was");
        conf_release(&fresh);
        return;
    }
    tear_down(m);
    conf_release(&m->w->conf);
    m->w->conf = fresh;
    program_log("slipway-worker", &m->w->conf);
    set_up(m);
    /* they start again with the new one */
    if (m->watcher.pid)
        kill(m->watcher.pid, SIGTERM);
    if (m->calls.pid)
        kill(m->calls.pid, SIGTERM);
    log_info("read the configuration again");
}

/* Hands every job back: whoever takes it next goes on where it stands. */
static void shut_down(struct master *m)
{
    sd_notify(0, "STOPPING=1");
    log_info("stopping; %d jobs are handed back", count_running(m, true));
    m->stopping = true;
    if (m->watcher.pid)
        kill(m->watcher.pid, SIGTERM); /* it alone: a reload of nginx that it started goes on */
    if (m->calls.pid)
        kill(m->calls.pid, SIGTERM);
    for (int i = 0; i < 600; i++) {
        bool any = m->watcher.pid || m->calls.pid;
        for (int k = 0; k < SLOTS; k++) {
            if (!m->slots[k].pid)
                continue;
            any = true;
            child_end(&m->slots[k], 2 * GRACE_MS);
        }
        if (!any)
            break;
        if (i == 200 && m->watcher.pid)
            kill(-m->watcher.pid, SIGKILL);
        if (i == 200 && m->calls.pid)
            kill(-m->calls.pid, SIGKILL);
        time_sleep(50);
        reap(m);
        arena_reset(&m->turn);
    }
}

/* False when the worker was asked to stop meanwhile. */
static bool take_over(struct master *m, const sigset_t *wanted)
{
    struct err err;
    int64_t n = 0;
    while (store_deployment_disown(m->pg, &m->turn, m->w->name, &n, &err) < 0) {
        log_err(LOG_LEVEL_WARN, "waiting for the database", &err);
        int sig = sigtimedwait(wanted, NULL, &(struct timespec){.tv_sec = 1});
        if (sig == SIGTERM || sig == SIGINT)
            return false;
    }
    deploy_clean(&m->w->conf); /* the directory is ours alone: what is there, nobody uses */
    if (n)
        log_info("an earlier worker left %lld deployments; they go on", (long long)n);
    if (queue_resume(m->redis, m->w->name, &err) < 0)
        log_err(LOG_LEVEL_WARN, "could not look at the queue", &err);
    return true;
}

int master_run(struct worker *w)
{
    struct master *m = calloc(1, sizeof(*m));
    sigset_t wanted;
    if (!m)
        base_oom(sizeof(*m));
    m->w = w;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    sigaddset(&wanted, SIGCHLD);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    set_up(m);
    bool go = take_over(m, &wanted);
    if (go) {
        sd_notify(0, "READY=1");
        log_info("working as %s", w->name);
    }
    while (go) {
        int sig = sigtimedwait(&wanted, NULL, &(struct timespec){0});
        if (sig == SIGTERM || sig == SIGINT)
            break;
        if (sig == SIGHUP)
            reload(m);
        reap(m);
        keep_alive(m, &m->watcher, "slipway-watch", watcher_run);
        keep_alive(m, &m->calls, "slipway-calls", calls_run);
        cancel(m);
        cache_listen(&m->cache, m->pg);
        watch_clocks(m);
        heartbeat(m);
        reconcile(m);
        take_jobs(m);
        arena_reset(&m->turn);
    }
    shut_down(m);
    tear_down(m);
    arena_release(&m->turn);
    free(m);
    return 0;
}
