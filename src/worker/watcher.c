/* SPDX-License-Identifier: MIT */
#include "worker/watcher.h"

#include "base/log.h"
#include "deploy/watch.h"
#include "worker/tools.h"

int watcher_run(struct worker *w, void *arg)
{
    (void)arg;
    struct tools t;
    struct err err;
    int code = 0;
    if (tools_open(w, &t, "slipway-watch", &err) < 0) {
        log_err(LOG_LEVEL_ERROR, "could not follow the swarm", &err);
        code = 1;
    } else {
        struct watch watch = {
            .docker = &t.docker, .pg = t.pg, .conf = &w->conf, .asked_to_stop = job_asked_to_stop};
        watch_run(&watch);
    }
    tools_close(&t);
    return code;
}
