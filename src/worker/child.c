/* SPDX-License-Identifier: MIT */
#include "worker/child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"

static volatile sig_atomic_t asked_to_stop;

bool job_asked_to_stop(void)
{
    return asked_to_stop;
}

static void on_term(int sig)
{
    (void)sig;
    asked_to_stop = 1;
}

static void reset_signals(void)
{
    struct sigaction term = {.sa_handler = on_term}; /* no SA_RESTART: waits return */
    sigset_t none;
    sigemptyset(&term.sa_mask);
    sigaction(SIGTERM, &term, NULL);
    sigaction(SIGINT, &term, NULL);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

pid_t child_start(struct worker *w, const char *name, int (*run)(struct worker *w, void *arg),
                  void *arg, const int *close_fds)
{
    pid_t master = getpid();
    pid_t pid = fork();
    if (pid < 0)
        log_error("could not start a process for %s: %s", name, strerror(errno));
    if (pid != 0) {
        if (pid > 0)
            setpgid(pid, pid); /* both sides set it, so that neither has to wait */
        return pid;
    }
    setpgid(0, 0);
    reset_signals();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != master)
        _exit(JOB_HANDED_BACK);
    prctl(PR_SET_NAME, name);
    for (; *close_fds >= 0; close_fds++)
        close(*close_fds);
    exit(run(w, arg));
}

void child_end(struct child *c, int64_t grace_ms)
{
    if (!c->kill_at) {
        kill(-c->pid, SIGTERM);
        c->kill_at = time_monotonic() + grace_ms;
    } else if (time_monotonic() >= c->kill_at) {
        kill(-c->pid, SIGKILL);
    }
}
