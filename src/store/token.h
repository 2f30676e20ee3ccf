/* SPDX-License-Identifier: MIT */
/*
 * API tokens: what programs log in with in a user's name. Only a hash is kept.
 */
#ifndef SLIPWAY_STORE_TOKEN_H
#define SLIPWAY_STORE_TOKEN_H

#include "store/user.h"

#define STORE_TOKEN_FIELDS(X)                                    \
    X(STR, id, "k.id", "id")                                     \
    X(STR, user_id, "k.user_id", "userId")                       \
    X(STR, name, "k.name", "name")                               \
    X(STR, role, "k.role", "role")                               \
    X(JSON, project_ids, "to_json(k.project_ids)", "projectIds") \
    X(TIME, created_at, "k.created_at", "createdAt")             \
    X(TIME, expires_at, "k.expires_at", "expiresAt")             \
    X(TIME, last_used_at, "k.last_used_at", "lastUsedAt")

struct store_token {
    STORE_TOKEN_FIELDS(STORE_MEMBER)
};

struct store_tokens {
    struct store_token *list;
    size_t n;
    bool more;
};

/* HASH is the SHA-256 of the token, 32 bytes. */
int store_token_insert(struct pg *pg, struct arena *a, const struct store_token *in,
                       const void *hash, struct err *err);

/* The living token with its user, who is neither disabled nor deleted, and the projects that it is
 * limited to as PostgreSQL writes an array (NULL: none). ERR_NOT_FOUND. Notes the use, once a
 * minute. */
int store_token_find(struct pg *pg, struct arena *a, const void *hash, struct store_token *out,
                     struct store_user *user, const char **projects, struct err *err);

/* The living ones of USER_ID, or, with NULL, of everybody. */
int store_token_list(struct pg *pg, struct arena *a, const char *user_id,
                     const struct store_page *page, struct store_tokens *out, struct err *err);
int store_token_get(struct pg *pg, struct arena *a, const char *id, struct store_token *out,
                    struct err *err);
int store_token_revoke(struct pg *pg, struct arena *a, const char *id, struct err *err);

void store_token_json(const struct store_token *t, struct jw *w);

#endif
