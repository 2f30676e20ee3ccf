/* SPDX-License-Identifier: MIT */
#include "worker/watcher.h"
#include "base/time.h"
int watcher_run(struct worker *w, void *arg)
{
    (void)w; (void)arg;
    while (!job_asked_to_stop()) time_sleep(1000);
    return 0;
}
