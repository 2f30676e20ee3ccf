/* SPDX-License-Identifier: MIT */
/*
 * Sessions. The token is a JWT (RFC 7519, HS256 under the session key) that names a row; it is
 * good while the row is alive. PostgreSQL is the truth; Redis keeps a copy for as long as the
 * session lasts. A session that ended is marked as ended in the copy too, so a reader that was
 * slow cannot bring it back.
 */
#ifndef SLIPWAY_AUTH_SESSION_H
#define SLIPWAY_AUTH_SESSION_H

#include "base/crypto.h"
#include "store/session.h"

struct redis;

enum { SESSION_SECONDS = 7 * 24 * 3600 };

struct session {
    struct store_session row;
    struct store_user user; /* without the password's hash */
    unsigned role;          /* the strongest system role, as a bit of auth/rbac.h */
    struct store_scope scope;
    const char *csrf;       /* HMAC of the session's id; hexadecimal */
    const char *token_name; /* of an API token; NULL for a person's login */
    unsigned token_role;    /* what the token may do at most */
};

struct session_deps {
    struct pg *pg;
    struct redis *redis;
    const struct keyring *keys;
};

/* Makes a session of USER, whose row is as it was read. ERR_UNAVAILABLE: PostgreSQL or Redis is
 * away; nothing was written. ERR_UNAUTHORIZED: the account was changed or disabled meanwhile. */
int session_create(const struct session_deps *d, struct arena *a, const struct store_user *user,
                   const char *address, const char *agent, struct session *out, const char **token,
                   struct err *err);

/* The living session of a token. ERR_UNAUTHORIZED: no token of ours, expired, or ended.
 * ERR_UNAVAILABLE: PostgreSQL is away and Redis does not know it. */
int session_find(const struct session_deps *d, struct arena *a, const char *token,
                 struct session *out, struct err *err);

/* Ends it everywhere at once. ERR_UNAVAILABLE when Redis or PostgreSQL is away: it then lives. */
int session_end(const struct session_deps *d, struct arena *a, const char *id, struct err *err);

/* Ends all sessions of a user but EXCEPT (may be NULL) everywhere at once, as a new password, other
 * roles, disabling and deleting must. The change itself comes first, in the same transaction: a
 * login at the same moment then either is ended here or sees the change. *ended (may be NULL) is
 * their number. ERR_UNAVAILABLE: Redis or PostgreSQL is away; the caller must roll back. */
int session_end_all(const struct session_deps *d, struct arena *a, const char *user_id,
                    const char *except, int64_t *ended, struct err *err);

/* Notes that the session was used; writes that down once a minute. Failing is no matter. */
void session_seen(const struct session_deps *d, struct arena *a, const struct session *s);

/* Whether GIVEN (may be NULL) is the session's CSRF token. */
bool session_csrf_ok(const struct session *s, const char *given);

/* A CSRF token for a form that is shown without a session (login, register): bound to the random
 * value of a cookie. */
const char *session_anonymous_csrf(const struct keyring *keys, struct arena *a, const char *cookie);

#endif
