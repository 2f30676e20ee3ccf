/* SPDX-License-Identifier: MIT */
/*
 * The build context: a directory of the checkout as a stream of tar, never whole in memory.
 *
 * Nothing outside the checkout is ever read: paths that a person wrote are resolved and must stay
 * below it, and symbolic links inside the context go into the archive as links, unfollowed.
 */
#ifndef SLIPWAY_DEPLOY_CONTEXT_H
#define SLIPWAY_DEPLOY_CONTEXT_H

#include <sys/types.h>

#include "base/buf.h"
#include "deploy/ignore.h"

struct context_paths {
    const char *root;       /* the context, absolute and free of links */
    const char *dockerfile; /* relative to it */
};

/* Resolves the two paths that an application names: CONTEXT_PATH below CHECKOUT, DOCKERFILE below
 * the context. ERR_INVALID: an absolute path, one with "..", or a link that leads out of the
 * repository; ERR_NOT_FOUND: nothing there. Both name the field and the value. */
int context_resolve(struct arena *a, const char *checkout, const char *context_path,
                    const char *dockerfile, struct context_paths *out, struct err *err);

struct context {
    struct arena arena;
    struct context_paths paths;
    struct ignore ignore;
    void *walk;    /* FTS */
    void *archive; /* struct archive */
    void *entry;   /* struct archive_entry */
    int file;      /* the file that is being copied, or -1 */
    bool ended;
    int64_t mtime_s;  /* what every entry is dated */
    struct buf ready; /* tar bytes that were not taken yet */
    int64_t bytes;    /* given out so far */
    unsigned entries;
};

/* Opens the context; reads its .dockerignore (or DOCKERFILE.dockerignore, which comes first).
 * MTIME is the date of every entry, in seconds: the commit's. Close also after a failure.
 * ERR_INVALID: a bad .dockerignore. ERR_INTERNAL: the disk. */
int context_open(struct context *c, const struct context_paths *paths, int64_t mtime_s,
                 struct err *err);
void context_close(struct context *c);
#define AUTO_CONTEXT CLEANUP(context_close) struct context

/* An net_source; ARG is the struct context. */
ssize_t context_read(void *arg, char *out, size_t cap, struct err *err);

#endif
