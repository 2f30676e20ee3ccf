/* SPDX-License-Identifier: MIT */
/*
 * Numbered migrations: files NNNN_name.sql, applied in order, once, in a transaction each, under
 * an advisory lock. What was applied is kept with a checksum; a changed file is refused.
 */
#ifndef SLIPWAY_STORE_MIGRATE_H
#define SLIPWAY_STORE_MIGRATE_H

#include "base/arena.h"
#include "base/err.h"

struct pg;

struct migration {
    const char *name;       /* "0001_accounts" */
    const char *sql;        /* NULL when the file is gone */
    const char *checksum;   /* SHA-256 of the file, hexadecimal */
    const char *applied_at; /* RFC 3339, NULL when it is not applied */
};

struct migrations {
    struct migration *list;
    size_t n;
    size_t pending;
};

/* Reads DIR and what the database says, in order of number. ERR_INVALID: a file that is named
 * wrongly, changed after it was applied, or missing although it was applied; or one number twice.
 */
int migrate_status(struct pg *pg, struct arena *a, const char *dir, struct migrations *out,
                   struct err *err);

/* Applies what is pending. *done gets the number applied. */
int migrate_apply(struct pg *pg, struct arena *a, const char *dir, size_t *done, struct err *err);

#endif
