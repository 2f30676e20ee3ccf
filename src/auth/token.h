/* SPDX-License-Identifier: MIT */
/*
 * API tokens: "slp_" and 64 hexadecimal digits, of which the SHA-256 is kept. One acts in its
 * user's name with at most the token's role, and only in its projects where it names some.
 */
#ifndef SLIPWAY_AUTH_TOKEN_H
#define SLIPWAY_AUTH_TOKEN_H

#include "auth/session.h"

enum { TOKEN_TEXT = 4 + 64 + 1 };

/* A new token's text and hash. */
const char *token_make(struct arena *a, unsigned char hash[SHA256_SIZE]);

bool token_looks_like(const char *text);

/* The living token as a session without CSRF token; row is the token's. ERR_UNAUTHORIZED: unknown,
 * deleted, expired, or its user is disabled or deleted. */
int token_find(const struct session_deps *d, struct arena *a, const char *text, struct session *out,
               struct err *err);

#endif
