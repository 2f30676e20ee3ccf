/* SPDX-License-Identifier: MIT */
#include "git/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "base/time.h"

enum { IDLE_MS = 60000, SLICE_MS = 100, BEAT_MS = 200 };

/* What the child tells: beats while bytes come, then its result. */
struct report {
    char kind; /* 'b' or 'r' */
    int rc;
    bool damaged;
    struct err err;
};

struct child {
    int out;
    int64_t beaten;
};

void repo_library(void)
{
    static bool ready;
    if (ready)
        return;
    git_libgit2_init();
    for (int level = GIT_CONFIG_LEVEL_PROGRAMDATA; level <= GIT_CONFIG_LEVEL_GLOBAL; level++)
        git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    ready = true;
}

int repo_error(int code, const char *url, struct err *err)
{
    const git_error *e = git_error_last();
    const char *words = e ? e->message : "unknown";
    int class = e ? e->klass : GIT_ERROR_NONE;
    bool remote = class == GIT_ERROR_NET || class == GIT_ERROR_HTTP || class == GIT_ERROR_SSH;
    int status = 0;
    const char *at = strstr(words, "status code: ");
    if (at)
        sscanf(at, "status code: %d", &status);
    err_set(err, ERR_INTERNAL, "could not read the repository %s: %s", url, words);
    err_detail(err, "libgit2 %d, class %d: %s", code, class, words);
    if (code == GIT_EAUTH || status == 401 || status == 403 ||
        strstr(words, "authentication required") || code == GIT_ECERTIFICATE) {
        err->code = ERR_UNAUTHORIZED;
        snprintf(err->msg, sizeof(err->msg),
                 code == GIT_ECERTIFICATE
                     ? "could not read the repository %s: the server's certificate or host key is "
                       "not known"
                     : "could not read the repository %s: the server wants a login",
                 url);
    } else if (status == 404 || (remote && strstr(words, "not found"))) {
        err->code = ERR_NOT_FOUND;
        snprintf(err->msg, sizeof(err->msg), "the server has no repository %s", url);
    } else if (status >= 400 && status < 500) {
        err->code = ERR_INVALID;
    } else if (status >= 500 || remote || class == GIT_ERROR_OS || class == GIT_ERROR_SSL) {
        err->code = ERR_UNAVAILABLE;
    }
    return -1;
}

static bool in_the_repository(int code)
{
    const git_error *e = git_error_last();
    /* a lock that a killed fetch left behind; we hold the mirror's own */
    if (code == GIT_ELOCKED || (e && strstr(e->message, "lock file")))
        return true;
    switch (e ? e->klass : GIT_ERROR_NONE) {
    case GIT_ERROR_ODB:
    case GIT_ERROR_OBJECT:
    case GIT_ERROR_REFERENCE:
    case GIT_ERROR_REPOSITORY:
    case GIT_ERROR_ZLIB:
    case GIT_ERROR_INDEXER:
    case GIT_ERROR_CONFIG:
        return true;
    default:
        return false;
    }
}

static void send_report(int fd, const struct report *r)
{
    ssize_t n = write(fd, r, sizeof(*r));
    if (n != (ssize_t)sizeof(*r))
        _exit(1);
}

static int on_transfer(const git_indexer_progress *p, void *arg)
{
    struct child *c = arg;
    int64_t now = time_monotonic();
    (void)p;
    if (now - c->beaten > BEAT_MS) {
        c->beaten = now;
        send_report(c->out, &(struct report){.kind = 'b'});
    }
    return 0;
}

static int on_sideband(const char *text, int n, void *arg)
{
    (void)text;
    (void)n;
    return on_transfer(NULL, arg);
}

static int fetch_here(const char *path, const char *url, struct child *c, bool *damaged,
                      struct err *err)
{
    git_repository *repo = NULL;
    git_remote *remote = NULL;
    int rc = git_repository_open_bare(&repo, path);
    if (rc < 0)
        rc = git_repository_init(&repo, path, 1);
    if (rc == 0)
        rc = git_remote_create_anonymous(&remote, repo, url);
    if (rc < 0) {
        *damaged = true;
        return repo_error(rc, url, err);
    }
    char heads[] = "+refs/heads/*:refs/heads/*", tags[] = "+refs/tags/*:refs/tags/*";
    char *specs[] = {heads, tags};
    git_strarray refspecs = {specs, 2};
    git_fetch_options o;
    git_fetch_options_init(&o, GIT_FETCH_OPTIONS_VERSION);
    o.prune = GIT_FETCH_PRUNE;
    o.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE; /* the refspec takes them all */
    o.update_fetchhead = 0;
    o.proxy_opts.type = GIT_PROXY_NONE;
    o.callbacks.transfer_progress = on_transfer;
    o.callbacks.sideband_progress = on_sideband;
    o.callbacks.payload = c;
    rc = git_remote_fetch(remote, &refspecs, &o, NULL);
    if (rc < 0) {
        *damaged = in_the_repository(rc);
        repo_error(rc, url, err);
    }
    git_remote_free(remote);
    git_repository_free(repo);
    return rc < 0 ? -1 : 0;
}

static NORETURN void run_child(const char *path, const char *url, int out, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    /* a signal to the group is the parent's to think about */
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    repo_library();
    struct child c = {.out = out};
    struct report r = {.kind = 'r'};
    r.rc = fetch_here(path, url, &c, &r.damaged, &r.err);
    send_report(out, &r);
    _exit(0);
}

static bool read_report(int fd, struct report *r)
{
    size_t have = 0;
    while (have < sizeof(*r)) {
        ssize_t n = read(fd, (char *)r + have, sizeof(*r) - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        have += (size_t)n;
    }
    return true;
}

/* Waits for the child's result under the limits. */
static int await(int fd, const struct repo_source *s, bool *damaged, struct err *err)
{
    int64_t idle = s->idle_ms ? s->idle_ms : IDLE_MS;
    int64_t heard = time_monotonic();
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, SLICE_MS);
        struct report r;
        if (ready > 0) {
            if (!read_report(fd, &r)) {
                *damaged = true;
                return err_set(err, ERR_UNAVAILABLE, "the fetch of %s broke off", s->url);
            }
            heard = time_monotonic();
            if (r.kind == 'r') {
                *damaged = r.damaged;
                if (r.rc < 0)
                    *err = r.err;
                return r.rc;
            }
        }
        if (s->should_stop && s->should_stop(s->stop_arg, err) < 0)
            return -1;
        if (time_monotonic() - heard > idle)
            return err_set(err, ERR_TIMEOUT,
                           "could not read the repository %s: the server was silent for %lld s",
                           s->url, (long long)(idle / 1000));
    }
}

int repo_fetch(const char *path, const struct repo_source *source, bool *damaged, struct err *err)
{
    int fds[2];
    *damaged = false;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_set(err, ERR_INTERNAL, "could not make a pipe: %s", strerror(errno));
    AUTO_FD reader = fds[0];
    AUTO_FD writer = fds[1];
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return err_set(err, ERR_UNAVAILABLE, "could not start the fetch: %s", strerror(errno));
    if (pid == 0)
        run_child(path, source->url, fds[1], self);
    base_close_fd(&writer);
    writer = -1;
    int rc = await(reader, source, damaged, err);
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return rc;
}
