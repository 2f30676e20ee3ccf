/* SPDX-License-Identifier: MIT */
/*
 * Passwords: argon2id with OWASP's parameters (19 MiB, 2 passes, 1 lane), kept in argon2's own
 * encoded form, so that the parameters travel with the hash. Both functions that hash do it inside
 * auth/gate.h's gate.
 */
#ifndef SLIPWAY_AUTH_PASSWORD_H
#define SLIPWAY_AUTH_PASSWORD_H

#include "base/arena.h"
#include "base/err.h"

/* The encoded hash of a new password, with a fresh salt. ERR_INTERNAL: no memory.
 * ERR_UNAVAILABLE: too many are being hashed. */
int password_hash(struct arena *a, const char *password, const char **hash, struct err *err);

/* *right is set to whether PASSWORD made HASH. HASH may be NULL: then the same time is spent and
 * the answer is false, so that nobody can tell an unknown account from a wrong password.
 * ERR_UNAVAILABLE: too many are being checked; then nothing was. */
int password_verify(const char *password, const char *hash, bool *right, struct err *err);

/* For the field table: what is wrong with a new password, or NULL. */
const char *password_rule(struct arena *a, const char *password);

#endif
