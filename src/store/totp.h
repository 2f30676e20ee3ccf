/* SPDX-License-Identifier: MIT */
/*
 * Second factors: a user's secret (sealed, class W) and the hashes of the recovery codes.
 */
#ifndef SLIPWAY_STORE_TOTP_H
#define SLIPWAY_STORE_TOTP_H

#include "store/pg.h"

struct store_totp {
    const void *secret;
    size_t secret_len;
    int64_t confirmed_at; /* 0: begun, and not in force */
    int64_t codes_left;   /* recovery codes that were not used */
};

/* ERR_NOT_FOUND: the user has none. */
int store_totp_get(struct pg *pg, struct arena *a, const char *user_id, struct store_totp *out,
                   struct err *err);

/* Begins one, in the place of one that was begun before, with N recovery codes. ERR_CONFLICT: one
 * is in force. */
int store_totp_begin(struct pg *pg, struct arena *a, const char *user_id, const void *secret,
                     size_t secret_len, const char *const *hashes, size_t n, struct err *err);

/* Puts it in force, with the step of the code that proved it. ERR_NOT_FOUND: none waits. */
int store_totp_confirm(struct pg *pg, struct arena *a, const char *user_id, int64_t step,
                       struct err *err);

/* Takes a step, or a recovery code, out of those that are good. *fresh: it was good until now. */
int store_totp_use_step(struct pg *pg, struct arena *a, const char *user_id, int64_t step,
                        bool *fresh, struct err *err);
int store_totp_use_code(struct pg *pg, struct arena *a, const char *user_id, const char *hash,
                        bool *fresh, struct err *err);

int store_totp_remove(struct pg *pg, struct arena *a, const char *user_id, struct err *err);

#endif
