/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: one bare repository for each address, kept and fetched incrementally by libgit2.
 *
 *     DIRECTORY/mirrors/<sha256 of the normal address>        complete; made elsewhere and renamed
 *     DIRECTORY/mirrors/<…>.new                               a first fetch that runs or was cut
 * off DIRECTORY/mirrors/<…>.lock                              flock: writers alone, readers
 * together
 *
 * The fetch runs in a child process, because libgit2 1.5 cannot give up on a silent server: the
 * parent can, and a crash of the library costs the child only. A mirror that turns out to be
 * damaged, and one that has collected too many packs, is deleted and made anew. No configuration
 * of the machine or the user is read, no hook and no filter of the repository is run.
 *
 * Errors: ERR_INVALID: an address that giturl_check() refuses. ERR_NOT_FOUND: the server does not
 * have the repository. ERR_UNAUTHORIZED: it wants a login. ERR_UNAVAILABLE: it does not answer.
 * ERR_TIMEOUT: it fell silent. Whatever should_stop sets.
 */
#ifndef SLIPWAY_GIT_MIRROR_H
#define SLIPWAY_GIT_MIRROR_H

#include "base/arena.h"
#include "base/err.h"

struct git_repository;

/* Asked several times a second: 0 to go on, -1 with *err set to give up. */
typedef int repo_stop(void *arg, struct err *err);

struct repo_source {
    const char *directory; /* the worker's directory, absolute */
    const char *url;
    const char *commit;     /* when the mirror has this one already (40 digits), nothing is fetched;
                               NULL: always fetch */
    int64_t idle_ms;        /* longest silence of the server; 0 is 60,000 */
    repo_stop *should_stop; /* may be NULL */
    void *stop_arg;
};

struct repo_mirror {
    struct git_repository *repo;
    int lock;     /* -1 when not open */
    bool fetched; /* false: nothing had to be fetched */
    const char *url;
    const char *path;
};

/* Brings the mirror of SOURCE up to date and opens it for reading. Close by repo_mirror_close(),
 * also after a failure. */
int repo_mirror_open(struct repo_mirror *m, struct arena *a, const struct repo_source *source,
                     struct err *err);
void repo_mirror_close(struct repo_mirror *m);
/* Closes and deletes it, when what was read from it turned out to be damaged: the next opening
 * makes it anew. Nothing happens while somebody else reads it. */
void repo_mirror_discard(struct repo_mirror *m);
#define AUTO_MIRROR CLEANUP(repo_mirror_close) struct repo_mirror

/* Deletes a directory and what is in it; symbolic links are removed and not followed. Success when
 * there is none. ERR_INTERNAL: the system refused. */
int repo_remove_tree(const char *path, struct err *err);

#endif
