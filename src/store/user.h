/* SPDX-License-Identifier: MIT */
/*
 * People.
 */
#ifndef SLIPWAY_STORE_USER_H
#define SLIPWAY_STORE_USER_H

#include "store/pg.h"

#define STORE_USER_FIELDS(X)                         \
    X(STR, id, "u.id", "id")                         \
    X(STR, username, "u.username", "username")       \
    X(STR, email, "u.email", "email")                \
    X(STR, name, "u.name", "name")                   \
    X(STR, picture, "u.picture", "picture")          \
    X(JSON, roles, "to_json(u.roles)", "roles")      \
    X(BOOL, disabled, "u.disabled", "disabled")      \
    X(TIME, created_at, "u.created_at", "createdAt") \
    X(STR, password_hash, "u.password_hash", NULL)

struct store_user {
    STORE_USER_FIELDS(STORE_MEMBER)
};

/* Makes a user with the roles (a JSON array of words) and fills *out. With FIRST_ONLY only when
 * there is no user yet, and that under a lock, so that two first registrations cannot both win.
 * ERR_CONFLICT: the name or address is taken (msg "users_username", "users_email"); ERR_FORBIDDEN:
 * FIRST_ONLY and somebody is there. */
int store_user_create(struct pg *pg, struct arena *a, const struct store_user *in, bool first_only,
                      struct store_user *out, struct err *err);

/* ERR_NOT_FOUND when there is none, or it was deleted. Names compare without case. */
int store_user_by_name(struct pg *pg, struct arena *a, const char *username, struct store_user *out,
                       struct err *err);
int store_user_by_id(struct pg *pg, struct arena *a, const char *id, struct store_user *out,
                     struct err *err);
int store_user_by_email(struct pg *pg, struct arena *a, const char *email, struct store_user *out,
                        struct err *err);
/* Gives a user another password in the place of OLD. ERR_CONFLICT: it is not OLD any more. */
int store_user_set_password(struct pg *pg, struct arena *a, const char *id, const char *old_hash,
                            const char *new_hash, struct err *err);
/* Whether anybody was ever registered. */
int store_user_any(struct pg *pg, struct arena *a, bool *any, struct err *err);

struct store_users {
    struct store_user *list;
    size_t n;
    bool more;
};

int store_user_list(struct pg *pg, struct arena *a, const struct store_page *page,
                    struct store_users *out, struct err *err);
/* Within a transaction: reads the user for a change, which waits for others that change who is an
 * owner. ERR_NOT_FOUND. */
int store_user_lock(struct pg *pg, struct arena *a, const char *id, struct store_user *out,
                    struct err *err);
/* Writes email, name, roles, disabled and the password's hash of a locked user. ERR_CONFLICT: the
 * address is taken (msg "users_email"), or no owner would remain. */
int store_user_update(struct pg *pg, struct arena *a, const struct store_user *in,
                      struct store_user *out, struct err *err);
/* Deletes a locked user, who then is in no team and has no token. ERR_CONFLICT: the user owns
 * projects, or no owner would remain. */
int store_user_delete(struct pg *pg, struct arena *a, const char *id, struct err *err);
/* The strongest role that the user has in any project, "admin" to "viewer", or NULL. */
int store_user_strongest(struct pg *pg, struct arena *a, const char *id, const char **role,
                         struct err *err);

/* Fills *out from a row of STORE_USER_FIELDS that begins at COLUMN. */
void store_user_read(const struct pg_rows *rows, size_t row, size_t column, struct store_user *out);

void store_user_json(const struct store_user *u, struct jw *w);

#endif
