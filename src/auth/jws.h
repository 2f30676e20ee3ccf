/* SPDX-License-Identifier: MIT */
/*
 * Signed tokens of an issuer: JWS compact serialization (RFC 7515) checked with cjose against the
 * keys of a JWKS (RFC 7517).
 *
 * The algorithm is taken from a list of two, RS256 and ES256 (RFC 7518), before any key is looked
 * at, and a key must be of the kind that the algorithm wants: a public key is never used as the
 * secret of an HMAC, and a token that is not signed is no token.
 */
#ifndef SLIPWAY_AUTH_JWS_H
#define SLIPWAY_AUTH_JWS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

enum {
    JWS_TOKEN_MAX = 16384,
    JWS_KEYS_MAX = 64, /* keys of a JWKS */
};

struct jws {
    const char *token;
    const char *alg; /* "RS256" or "ES256" */
    const char *kid; /* NULL: the header names no key */
};

/* Reads the header. ERR_UNAUTHORIZED: no token of three parts, another algorithm, or an extension
 * that must be understood. The result points into TOKEN and the arena. */
int jws_open(struct arena *a, const char *token, struct jws *out, struct err *err);

/* Parses a JWKS. The caller owns *out. ERR_UNAUTHORIZED: it is none, or has too many keys. */
int jws_keys(const char *text, size_t n, struct json_object **out, struct err *err);

/* Whether KEYS has the key that the token names (without a kid: the only one of its kind). */
bool jws_has_key(const struct jws *t, struct json_object *keys);

/* Checks the signature, then parses the payload, which the caller owns. ERR_UNAUTHORIZED: unknown
 * or unfit key, wrong signature, or a payload that is no JSON object. */
int jws_verify(struct arena *a, const struct jws *t, struct json_object *keys,
               struct json_object **payload, struct err *err);

#endif
