/* SPDX-License-Identifier: MIT */
/*
 * Following the swarm, in a process of its own: the router's file is kept in step with the running
 * tasks, and the applications' statuses are kept true.
 *
 *     running   as many tasks as wanted run
 *     degraded  some run, or none does and Swarm is at it
 *     failed    none runs and Swarm gave up, or they crash again and again, or the service is gone
 *     stopped   none is wanted
 *
 * An application that was never deployed with success keeps the status that it has.
 *
 * For a minute after the Engine came back (or this began), an application that ran before and that
 * Swarm takes for complete is started again.
 */
#ifndef SLIPWAY_DEPLOY_WATCH_H
#define SLIPWAY_DEPLOY_WATCH_H

#include "base/conf.h"
#include "docker/client.h"
#include "docker/service.h"
#include "store/app.h"

struct watch {
    struct docker *docker;
    struct pg *pg;
    const struct conf *conf;
    bool (*asked_to_stop)(void);
    /* After an application's status was written; may be NULL. */
    void (*on_status)(void *arg, const struct store_app *app, const char *status);
    void *hook_arg;
};

/* Runs until asked to stop; what does not answer is tried again. */
void watch_run(struct watch *w);

/* The status of an application whose service is SERVICE (NULL: there is none), out of all TASKS.
 * NOW is time_now(). */
const char *watch_status(struct json_object *service, const struct docker_tasks *tasks,
                         int64_t now);

#endif
