/* SPDX-License-Identifier: MIT */
/*
 * The kinds of managed databases, as their official images have them: a row a kind.
 */
#ifndef SLIPWAY_BASE_DBKIND_H
#define SLIPWAY_BASE_DBKIND_H

#include "base/base.h"

#define DBKIND_WORDS "postgres|mysql|mariadb|mongodb|redis"

struct dbkind {
    const char *name;
    const char *image;   /* of the Docker Hub, without a tag */
    const char *version; /* the tag where none is asked for */
    const char *scheme;  /* of its addresses */
    int port;
    const char *user; /* NULL: it has no users of its own */
    bool databases;   /* a server has several, told by name */
};

/* NULL: there is no such kind. */
const struct dbkind *dbkind_find(const char *name);

struct arena;

/* "postgresql://user:password@host:5432/name": USER, PASSWORD and NAME are percent-encoded here;
 * USER and NAME may be NULL. */
const char *dbkind_url(struct arena *a, const struct dbkind *k, const char *host, int port,
                       const char *user, const char *password, const char *name);

#endif
