/* SPDX-License-Identifier: MIT */
/*
 * One commit of a mirror as files.
 */
#ifndef SLIPWAY_GIT_CHECKOUT_H
#define SLIPWAY_GIT_CHECKOUT_H

#include "git/mirror.h"

struct repo_commit {
    char sha[41];
    const char *message; /* the whole of it, UTF-8, in the arena; at most 4 KiB */
    const char *author;
    int64_t time; /* ms */
};

/* Finds the commit SHA (40 digits, or an unambiguous beginning of at least 7), or the tip of
 * BRANCH when SHA is NULL or "". ERR_NOT_FOUND: names the branch or commit and the repository.
 * ERR_INVALID: no such spelling, or ambiguous. */
int repo_resolve(struct repo_mirror *m, struct arena *a, const char *branch, const char *sha,
                 struct repo_commit *out, struct err *err);

/* Writes the tree of the commit into TARGET, an absolute path, which is emptied or made first.
 * Symbolic links stay links, submodules stay empty directories, contents are as committed.
 * ERR_INTERNAL: the disk refused. */
int repo_checkout(struct repo_mirror *m, const struct repo_commit *commit, const char *target,
                  struct err *err);

#endif
