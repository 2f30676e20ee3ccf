/* SPDX-License-Identifier: MIT */
/*
 * Sessions: a row for each login. A session lives while it has not ended, has not expired, and its
 * user is neither disabled nor deleted.
 */
#ifndef SLIPWAY_STORE_SESSION_H
#define SLIPWAY_STORE_SESSION_H

#include "store/user.h"

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

struct store_sessions {
    struct store_session *list;
    size_t n;
    bool more; /* than the page has */
};

/* Makes the row of a login of USER. ERR_UNAUTHORIZED: the account's roles or password are no
 * longer those in USER, or it was disabled; whoever changes them locks the user's row first and
 * ends the sessions then, so that no login slips through between. */
int store_session_create(struct pg *pg, struct arena *a, const struct store_session *in,
                         const struct store_user *user, struct err *err);

/* The living session with its user. ERR_NOT_FOUND otherwise. */
int store_session_alive(struct pg *pg, struct arena *a, const char *id, struct store_session *out,
                        struct store_user *user, struct err *err);

/* The living sessions of a user, the newest first. */
int store_session_list(struct pg *pg, struct arena *a, const char *user_id,
                       const struct store_page *page, struct store_sessions *out, struct err *err);

/* ERR_NOT_FOUND unless ID is a living session of the user's. */
int store_session_check_owner(struct pg *pg, struct arena *a, const char *id, const char *user_id,
                              struct err *err);

/* Ends it; it may have ended already. */
int store_session_end(struct pg *pg, struct arena *a, const char *id, struct err *err);

/* Ends all of a user's but EXCEPT (may be NULL); the ids of those that it ended go to OUT. */
int store_session_end_all(struct pg *pg, struct arena *a, const char *user_id, const char *except,
                          struct pg_rows *out, struct err *err);

/* Notes that it was used, unless that was noted less than a minute ago. */
int store_session_seen(struct pg *pg, struct arena *a, const char *id, struct err *err);

/* What the issuer gave at a login through it: ID_TOKEN is sealed. */
int store_session_set_issuer(struct pg *pg, struct arena *a, const char *id, const char *issuer,
                             const void *id_token, size_t n, struct err *err);
/* *issuer is NULL for a session that no issuer began. */
int store_session_issuer(struct pg *pg, struct arena *a, const char *id, const char **issuer,
                         const void **id_token, size_t *n, struct err *err);

void store_session_json(const struct store_session *s, struct jw *w);

#endif
