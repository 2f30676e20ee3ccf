/* SPDX-License-Identifier: MIT */
/* The master above fcgi_loop(); see http/fcgi.h. It waits for signals and for children. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "http/fcgi.h"

#define MEMORY_MAX (768UL * 1024 * 1024)

struct slot {
    pid_t pid; /* 0: empty */
    int64_t started;
    bool old; /* to be replaced after a reload */
};

static void on_stop(int sig)
{
    (void)sig;
    fcgi_stop();
}

/* A request that would take more ends its process and not the machine. (AddressSanitizer's shadow
 * counts as memory too.) */
static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
    struct rlimit most = {.rlim_cur = MEMORY_MAX, .rlim_max = MEMORY_MAX};
    setrlimit(RLIMIT_DATA, &most);
#endif
}

static NORETURN void child(const struct prefork *p, pid_t master, const sigset_t *unblocked)
{
    struct sigaction stop = {.sa_handler = on_stop}; /* no SA_RESTART: accept() must return */
    sigemptyset(&stop.sa_mask);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    limit_memory();
    sigprocmask(SIG_SETMASK, unblocked, NULL);
    if (getppid() != master)
        _exit(0);
    exit(p->work(p->arg));
}

static void start(const struct prefork *p, struct slot *s, const sigset_t *unblocked)
{
    pid_t master = getpid();
    int64_t now = time_monotonic();
    if (s->started && now - s->started < 1000)
        time_sleep(500); /* it ended at once: do not spin */
    pid_t pid = fork();
    if (pid == 0)
        child(p, master, unblocked);
    if (pid < 0)
        log_error("could not start a web process: %s", strerror(errno));
    *s = (struct slot){.pid = pid > 0 ? pid : 0, .started = time_monotonic()};
}

static void reap(struct slot *slots, int n, bool expected)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int i = 0; i < n; i++) {
            if (slots[i].pid != pid)
                continue;
            slots[i].pid = 0;
            if (WIFSIGNALED(status))
                log_error("web process %d was ended by signal %d", (int)pid, WTERMSIG(status));
            else if (!expected && !slots[i].old && WEXITSTATUS(status))
                log_warn("web process %d ended with %d", (int)pid, WEXITSTATUS(status));
        }
}

/* Asks one old child to go; the next goes when its successor stands. */
static void replace_one(struct slot *slots, int n)
{
    for (int i = 0; i < n; i++)
        if (slots[i].pid && slots[i].old) {
            kill(slots[i].pid, SIGTERM);
            return;
        }
}

static void stop_all(struct slot *slots, int n)
{
    for (int round = 0; round < 400; round++) {
        int alive = 0;
        for (int i = 0; i < n; i++) {
            alive += slots[i].pid != 0;
            if (slots[i].pid && (round == 0 || round == 350))
                kill(slots[i].pid, round == 0 ? SIGTERM : SIGKILL);
        }
        if (!alive)
            return;
        time_sleep(100);
        reap(slots, n, true);
    }
}

int prefork_run(const struct prefork *p)
{
    sigset_t wanted, before;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    sigaddset(&wanted, SIGCHLD);
    sigprocmask(SIG_BLOCK, &wanted, &before);
    struct slot *slots = calloc((size_t)p->n, sizeof(*slots));
    if (!slots)
        base_oom(sizeof(*slots));
    bool stop = false;
    while (!stop) {
        for (int i = 0; i < p->n; i++)
            if (!slots[i].pid)
                start(p, &slots[i], &before);
        replace_one(slots, p->n);
        int sig = sigtimedwait(&wanted, NULL, &(struct timespec){.tv_sec = 1});
        stop = sig == SIGTERM || sig == SIGINT;
        if (sig == SIGHUP && p->reload && p->reload(p->arg) == 0)
            for (int i = 0; i < p->n; i++)
                slots[i].old = true;
        reap(slots, p->n, stop);
    }
    stop_all(slots, p->n);
    free(slots);
    return 0;
}
