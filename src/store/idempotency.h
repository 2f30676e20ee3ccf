/* SPDX-License-Identifier: MIT */
/*
 * First answers to requests that carry an Idempotency-Key, kept for a day. All of it happens in the
 * request's own transaction, so that a key and what was done under it are there together or not.
 */
#ifndef SLIPWAY_STORE_IDEMPOTENCY_H
#define SLIPWAY_STORE_IDEMPOTENCY_H

#include "store/pg.h"

struct store_repeat {
    const char *caller, *path, *key;
    unsigned char request[32]; /* SHA-256 of the body */
    /* of the first answer */
    int64_t status;
    const char *headers; /* lines ended by CRLF */
    const char *body;
};

enum store_repeat_state {
    STORE_REPEAT_FIRST, /* the key is this request's now */
    STORE_REPEAT_SAME,  /* R has the first answer */
    STORE_REPEAT_OTHER, /* it was used with another body */
};

/* Takes the key, waiting for a request with the same one that is at work. */
int store_repeat_take(struct pg *pg, struct arena *a, struct store_repeat *r,
                      enum store_repeat_state *state, struct err *err);
/* Keeps the answer of the request that took the key. */
int store_repeat_keep(struct pg *pg, struct arena *a, const struct store_repeat *r,
                      struct err *err);
/* Forgets what is older than a day. */
int store_repeat_clean(struct pg *pg, struct arena *a, struct err *err);

#endif
