/* SPDX-License-Identifier: MIT */
/*
 * Invitations: a link with which somebody makes an account. Only the hash of its token is kept.
 */
#ifndef SLIPWAY_STORE_INVITATION_H
#define SLIPWAY_STORE_INVITATION_H

#include "store/pg.h"

#define STORE_INVITATION_FIELDS(X)                   \
    X(STR, id, "i.id", "id")                         \
    X(STR, email, "i.email", "email")                \
    X(JSON, roles, "to_json(i.roles)", "roles")      \
    X(STR, team_id, "i.team_id", "teamId")           \
    X(STR, team_role, "i.team_role", "teamRole")     \
    X(TIME, created_at, "i.created_at", "createdAt") \
    X(TIME, expires_at, "i.expires_at", "expiresAt")

struct store_invitation {
    STORE_INVITATION_FIELDS(STORE_MEMBER)
};

struct store_invitations {
    struct store_invitation *list;
    size_t n;
    bool more;
};

/* HASH is the SHA-256 of the link's token, 32 bytes. ERR_INVALID: no such team. */
int store_invitation_insert(struct pg *pg, struct arena *a, const struct store_invitation *in,
                            const void *hash, const char *created_by, struct err *err);
/* The open ones. */
int store_invitation_list(struct pg *pg, struct arena *a, const struct store_page *page,
                          struct store_invitations *out, struct err *err);
int store_invitation_get(struct pg *pg, struct arena *a, const char *id,
                         struct store_invitation *out, struct err *err);
int store_invitation_revoke(struct pg *pg, struct arena *a, const char *id, struct err *err);
/* The open one of a link. ERR_NOT_FOUND. */
int store_invitation_find(struct pg *pg, struct arena *a, const void *hash,
                          struct store_invitation *out, struct err *err);
/* Takes an open one: whoever comes second finds none. ERR_NOT_FOUND. */
int store_invitation_accept(struct pg *pg, struct arena *a, const void *hash,
                            struct store_invitation *out, struct err *err);

void store_invitation_json(const struct store_invitation *i, struct jw *w);

#endif
