/* SPDX-License-Identifier: MIT */
/*
 * Whether a release runs: by Swarm's tasks of *this* release, and by nothing else.
 *
 * It runs when no update is under way and as many of its tasks as replicas are wanted are running
 * (a task with a health check is "starting" until it is healthy), and no other release's tasks
 * are. It has failed when Swarm put the old spec back or paused, when a task was refused or one
 * replica crashed again and again, when Swarm gave up restarting, when no node would take a task
 * for a minute, or when the time is over. `completed` alone proves nothing: a crash loop without a
 * health check reaches it with a short monitor.
 */
#ifndef SLIPWAY_DEPLOY_VERDICT_H
#define SLIPWAY_DEPLOY_VERDICT_H

#include "docker/events.h"
#include "docker/service.h"

enum verdict_kind { VERDICT_WAIT, VERDICT_SUCCESS, VERDICT_FAILED };

struct verdict {
    enum verdict_kind kind;
    const struct docker_task *culprit; /* the task that shows why; NULL when none does */
    const char *reason;                /* what happened to the release, a sentence without a stop */
    bool homeless;                     /* a task waits for a node that would take it */
    bool rolling_back;                 /* Swarm is putting the old spec back */
};

/* Judges one look at the service (its JSON; NULL: there is none) and its tasks. Reads nothing
 * else, so that it can be tested on recorded answers. */
void verdict_judge(struct json_object *service, const struct docker_tasks *tasks,
                   const char *release, struct verdict *out);

struct verdict_wait {
    struct docker *docker;
    const char *service;
    const char *release;
    int64_t settle_ms; /* how long it must stay good; for tasks without any health check */
    int64_t deadline;  /* time_monotonic() after which it has failed */
    /* Called with each change worth a line; may be NULL. */
    void (*on_progress)(void *arg, const char *text);
    /* Hides what nobody may read in a text of the container's; may be NULL. */
    const char *(*mask)(void *arg, const char *text);
    void *arg;
};

/* What went wrong, for people. Strings live in the arena. */
struct verdict_cause {
    const char *message; /* one sentence */
    const char *task;    /* "web.2", or NULL */
    const char *node;    /* host name, or NULL */
    const char *output;  /* the last lines that the task printed, or NULL */
    bool exited;
    int64_t exit_code;
};

/* Waits for the verdict; *ok says which. For a failure *cause is filled. -1: the Engine does not
 * answer, or should_stop of the docker said so. */
int verdict_wait(const struct verdict_wait *w, struct arena *a, bool *ok,
                 struct verdict_cause *cause, struct err *err);

/* Finds out about V all that the Engine still knows. Never fails: what cannot be had is left
 * out. */
void verdict_explain(const struct verdict_wait *w, struct arena *a, const struct verdict *v,
                     struct verdict_cause *out);

#endif
