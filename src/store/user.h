/* SPDX-License-Identifier: MIT */
/*
 * People and their sessions.
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

#define STORE_SESSION_FIELDS(X)                           \
    X(STR, id, "s.id", "id")                              \
    X(STR, user_id, "s.user_id", NULL)                    \
    X(STR, address, "s.address", "address")               \
    X(STR, agent, "s.agent", "agent")                     \
    X(TIME, created_at, "s.created_at", "createdAt")      \
    X(TIME, last_seen_at, "s.last_seen_at", "lastSeenAt") \
    X(TIME, expires_at, "s.expires_at", "expiresAt")

struct store_session {
    STORE_SESSION_FIELDS(STORE_MEMBER)
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
/* Whether anybody was ever registered. */
int store_user_any(struct pg *pg, struct arena *a, bool *any, struct err *err);

void store_user_json(const struct store_user *u, struct jw *w);

int store_session_create(struct pg *pg, struct arena *a, const struct store_session *in,
                         struct err *err);

/* The session with its user, when it is alive: not ended, not expired, the user neither disabled
 * nor deleted. ERR_NOT_FOUND otherwise. */
int store_session_alive(struct pg *pg, struct arena *a, const char *id, struct store_session *out,
                        struct store_user *user, struct err *err);

/* Ends it; it may have ended already. */
int store_session_end(struct pg *pg, struct arena *a, const char *id, struct err *err);

#endif
