/* SPDX-License-Identifier: MIT */
#include "deploy/clean.h"

#include <dirent.h>
#include <string.h>

#include "base/log.h"
#include "git/mirror.h"

static void close_directory(DIR **d)
{
    if (*d)
        closedir(*d);
}

void deploy_clean(const struct conf *conf)
{
    AUTO_ARENA a = {0};
    const char *jobs = arena_printf(&a, "%s/jobs", conf->worker_directory);
    CLEANUP(close_directory) DIR *d = opendir(jobs);
    struct dirent *entry;
    while (d && (entry = readdir(d))) {
        struct err err;
        if (entry->d_name[0] == '.')
            continue;
        if (repo_remove_tree(arena_printf(&a, "%s/%s", jobs, entry->d_name), &err) < 0)
            log_err(LOG_LEVEL_WARN, "could not clean up", &err);
    }
}
