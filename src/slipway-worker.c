/* SPDX-License-Identifier: MIT */
/*
 * slipway-worker: drains the queue and runs builds and updates of services. The only program that
 * talks to the Docker Engine and to git hosts.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/program.h"
#include "worker/tools.h"

static const char what[] =
    "Runs the jobs of the queue: builds, deployments, removals; and follows the swarm for routes and\n"
    "states. SIGHUP reads the configuration again, SIGTERM hands the jobs at hand back and ends it.\n";

/* The directory is this worker's alone while it holds the lock. */
static int own_directory(const struct conf *c, int *lock, struct err *err)
{
    char path[512];
    if (mkdir(c->worker_directory, 0700) < 0 && errno != EEXIST)
        return err_set(err, ERR_INVALID, "could not make worker.directory %s: %s",
                       c->worker_directory, strerror(errno));
    snprintf(path, sizeof(path), "%s/worker.lock", c->worker_directory);
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*lock < 0)
        return err_set(err, ERR_INVALID, "could not write into worker.directory: %s: %s", path,
                       strerror(errno));
    /* the children of a worker that was killed hold nothing: the lock is the master's, but it
     * takes the kernel a moment to let go of it */
    for (int i = 0; flock(*lock, LOCK_EX | LOCK_NB) < 0; i++) {
        if (i == 50)
            return err_set(err, ERR_CONFLICT, "another worker uses the directory %s",
                           c->worker_directory);
        usleep(100000);
    }
    return 0;
}

/* Which worker this is: the machine and the directory that it alone uses. */
static char *worker_name(struct arena *a, const struct conf *c)
{
    char host[128] = "";
    gethostname(host, sizeof(host) - 1);
    char *digest = sha256_hex(a, c->worker_directory, strlen(c->worker_directory));
    return arena_printf(a, "%s:%.8s", host, digest);
}

int main(int argc, char **argv)
{
    struct worker w = {.config_file = program_arguments(argc, argv, "slipway-worker", what)};
    struct err err;
    AUTO_ARENA a = {0};
    AUTO_FD lock = -1;
    log_init("slipway-worker", LOG_LEVEL_INFO);
    signal(SIGPIPE, SIG_IGN);
    if (conf_load(&w.conf, w.config_file, &err) < 0 || own_directory(&w.conf, &lock, &err) < 0 ||
        keyring_load(&w.keys, w.conf.keys_directory, true, &err) < 0 || tools_check(&w, &err) < 0) {
        log_err(LOG_LEVEL_ERROR, "could not start", &err);
        return 1;
    }
    program_log("slipway-worker", &w.conf);
    w.name = worker_name(&a, &w.conf);
    int rc = master_run(&w);
    keyring_wipe(&w.keys);
    conf_release(&w.conf);
    return rc;
}
