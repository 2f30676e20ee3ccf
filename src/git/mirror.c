/* SPDX-License-Identifier: MIT */
#include "git/mirror.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/giturl.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "git/fetch.h"

enum {
    PACKS_MAX = 100, /* each fetch adds one, and each slows every lookup */
    LOCK_WAIT_MS = 50,
    DEPTH_MAX = 1000, /* of directories */
};

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

static int remove_at(int parent, const char *name, int depth, struct err *err)
{
    AUTO_FD fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT || unlinkat(parent, name, 0) == 0 || errno == ENOENT)
            return 0;
        return err_set(err, ERR_INTERNAL, "could not remove '%s': %s", name, strerror(errno));
    }
    if (depth > DEPTH_MAX)
        return err_set(err, ERR_INTERNAL, "could not remove '%s': too deep", name);
    fchmod(fd, 0700);
    CLEANUP(close_dir) DIR *d = fdopendir(dup(fd));
    if (!d)
        return err_set(err, ERR_INTERNAL, "could not read '%s': %s", name, strerror(errno));
    for (struct dirent *e; (e = readdir(d));) {
        if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
            continue;
        if (remove_at(fd, e->d_name, depth + 1, err) < 0)
            return -1;
    }
    if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return err_set(err, ERR_INTERNAL, "could not remove '%s': %s", name, strerror(errno));
    return 0;
}

int repo_remove_tree(const char *path, struct err *err)
{
    return remove_at(AT_FDCWD, path, 0, err);
}

static int make_directory(const char *path, struct err *err)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_set(err, ERR_INTERNAL, "could not make the directory %s: %s", path,
                       strerror(errno));
    return 0;
}

/* MODE is LOCK_EX or LOCK_SH. */
static int take_lock(struct repo_mirror *m, int mode, const struct repo_source *s, struct err *err)
{
    while (flock(m->lock, mode | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_set(err, ERR_INTERNAL, "could not lock the mirror of %s: %s", s->url,
                           strerror(errno));
        if (s->should_stop && s->should_stop(s->stop_arg, err) < 0)
            return -1;
        time_sleep(LOCK_WAIT_MS);
    }
    return 0;
}

/* Counts the packs and deletes what a fetch that was cut off left behind. */
static unsigned sweep_packs(const char *path)
{
    char where[PATH_MAX];
    snprintf(where, sizeof(where), "%s/objects/pack", path);
    CLEANUP(close_dir) DIR *d = opendir(where);
    unsigned n = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (str_ends(e->d_name, ".pack"))
            n++;
        else if (str_starts(e->d_name, "pack_git2_") || str_starts(e->d_name, "tmp_"))
            unlinkat(dirfd(d), e->d_name, 0);
    }
    return n;
}

static bool has_commit(const char *path, const char *sha)
{
    git_repository *repo = NULL;
    git_oid oid;
    git_commit *commit = NULL;
    bool found = sha && str_is_hex(sha, 40, 40) && git_oid_fromstr(&oid, sha) == 0 &&
                 git_repository_open_bare(&repo, path) == 0 &&
                 git_commit_lookup(&commit, repo, &oid) == 0;
    git_commit_free(commit);
    git_repository_free(repo);
    return found;
}

static int fetch_new(struct arena *a, const char *path, const struct repo_source *s,
                     struct err *err)
{
    const char *fresh = arena_printf(a, "%s.new", path);
    bool damaged;
    if (repo_remove_tree(fresh, err) < 0 || repo_fetch(fresh, s, &damaged, err) < 0)
        return -1;
    if (rename(fresh, path) < 0)
        return err_set(err, ERR_INTERNAL, "could not keep the mirror of %s: %s", s->url,
                       strerror(errno));
    return 0;
}

/* With the lock held alone. */
static int refresh(struct arena *a, const char *path, const struct repo_source *s, struct err *err)
{
    struct err problem = {0};
    bool damaged = false;
    if (access(path, F_OK) == 0) {
        if (sweep_packs(path) > PACKS_MAX)
            damaged = true;
        else if (repo_fetch(path, s, &damaged, &problem) == 0)
            return 0;
        if (!damaged) {
            *err = problem;
            return -1;
        }
        if (problem.code)
            log_err(LOG_LEVEL_WARN, "the mirror is damaged and is made anew", &problem);
        if (repo_remove_tree(path, err) < 0)
            return -1;
    }
    return fetch_new(a, path, s, err);
}

int repo_mirror_open(struct repo_mirror *m, struct arena *a, const struct repo_source *source,
                     struct err *err)
{
    *m = (struct repo_mirror){.lock = -1, .url = source->url};
    if (giturl_check(source->url, err) < 0)
        return -1;
    repo_library();
    const char *normal = giturl_normal(a, source->url);
    const char *root = arena_printf(a, "%s/mirrors", source->directory);
    const char *path = arena_printf(a, "%s/%s", root, sha256_hex(a, normal, strlen(normal)));
    if (make_directory(source->directory, err) < 0 || make_directory(root, err) < 0)
        return -1;
    m->path = path;
    m->lock = open(arena_printf(a, "%s.lock", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (m->lock < 0)
        return err_set(err, ERR_INTERNAL, "could not open the lock of the mirror of %s: %s",
                       source->url, strerror(errno));
    if (take_lock(m, LOCK_SH, source, err) < 0)
        return -1;
    if (!has_commit(path, source->commit)) {
        if (take_lock(m, LOCK_EX, source, err) < 0 || refresh(a, path, source, err) < 0 ||
            take_lock(m, LOCK_SH, source, err) < 0)
            return -1;
        m->fetched = true;
    }
    int rc = git_repository_open_bare(&m->repo, path);
    return rc < 0 ? repo_error(rc, source->url, err) : 0;
}

void repo_mirror_close(struct repo_mirror *m)
{
    git_repository_free(m->repo);
    m->repo = NULL;
    base_close_fd(&m->lock);
    m->lock = -1;
}

void repo_mirror_discard(struct repo_mirror *m)
{
    struct err err;
    git_repository_free(m->repo);
    m->repo = NULL;
    if (m->lock >= 0 && flock(m->lock, LOCK_EX | LOCK_NB) == 0 &&
        repo_remove_tree(m->path, &err) < 0)
        log_err(LOG_LEVEL_WARN, "could not delete a damaged mirror", &err);
    repo_mirror_close(m);
}
