/* SPDX-License-Identifier: MIT */
/*
 * Passwords: argon2id with OWASP's parameters (19 MiB, 2 passes, 1 lane), kept in argon2's own
 * encoded form, so that the parameters travel with the hash.
 */
#ifndef SLIPWAY_AUTH_PASSWORD_H
#define SLIPWAY_AUTH_PASSWORD_H

#include "base/arena.h"
#include "base/err.h"

/* The encoded hash of a new password, with a fresh salt. ERR_INTERNAL: no memory. */
int password_hash(struct arena *a, const char *password, const char **hash, struct err *err);

/* True when PASSWORD made HASH. HASH may be NULL: then the same time is spent and the answer is
 * false, so that nobody can tell an unknown account from a wrong password. */
bool password_verify(const char *password, const char *hash);

/* For the field table: what is wrong with a new password, or NULL. */
const char *password_rule(struct arena *a, const char *password);

#endif
