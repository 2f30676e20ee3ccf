/* SPDX-License-Identifier: MIT */
/*
 * The audit log. Entries are added in the transaction of what they tell of and never changed.
 *
 * One appender (the worker) gives each committed entry a place in a chain: the hash of place N is
 *
 *     SHA-256(hash of N-1, 32 bytes | JSON array of N and the entry's columns)
 *
 * with 32 zero bytes before the first. The array is [seq, id, at, actorId, actor, action, resource,
 * outcome, address, requestId, change], at as RFC 3339 with microseconds, change as text; absent is
 * null. A changed, removed or reordered entry breaks the chain from there on. Entries cut off at
 * the chain's end are found by comparing with a head that was noted earlier and elsewhere.
 */
#ifndef SLIPWAY_STORE_AUDIT_H
#define SLIPWAY_STORE_AUDIT_H

#include "store/pg.h"

#define STORE_AUDIT_FIELDS(X)                       \
    X(STR, id, "l.id", "id")                        \
    X(TIME, at, "l.at", "at")                       \
    X(STR, actor_id, "l.actor_id", "actorId")       \
    X(STR, actor, "l.actor", "actor")               \
    X(STR, action, "l.action", "action")            \
    X(STR, resource, "l.resource", "resource")      \
    X(STR, outcome, "l.outcome", "outcome")         \
    X(STR, address, "l.address", "address")         \
    X(STR, request_id, "l.request_id", "requestId") \
    X(JSON, change, "l.change", "change")

struct store_audit {
    STORE_AUDIT_FIELDS(STORE_MEMBER)
};

struct store_audits {
    struct store_audit *list;
    size_t n;
    bool more;
};

/* NULL or 0: any. */
struct store_audit_filter {
    const char *actor;    /* a user's id or a name */
    const char *action;   /* "auth.failed", or "auth." and everything that begins so */
    const char *resource; /* "project:<id>" */
    int64_t from, to;     /* milliseconds; to is exclusive */
};

/* Adds it; id and at are made here. */
int store_audit_add(struct pg *pg, struct arena *a, const struct store_audit *in, struct err *err);

int store_audit_list(struct pg *pg, struct arena *a, const struct store_audit_filter *filter,
                     const struct store_page *page, struct store_audits *out, struct err *err);

void store_audit_json(const struct store_audit *e, struct jw *w);

/* The appender: chains up to LIMIT committed entries, the oldest first; *n says how many. Only one
 * at a time (a lock of its own). */
int store_audit_chain(struct pg *pg, struct arena *a, int64_t limit, int64_t *n, struct err *err);

struct store_audit_head {
    int64_t seq;   /* 0: nothing is chained */
    char hash[65]; /* hexadecimal */
};

struct store_audit_check {
    struct store_audit_head head;
    int64_t unchained;  /* committed and not in the chain yet */
    int64_t broken_at;  /* the first place that does not fit; 0: none */
    const char *broken; /* what is wrong there */
};

/* Goes through the whole chain. With WANTED (seq > 0) the chain must also have had that head. */
int store_audit_verify(struct pg *pg, struct arena *a, const struct store_audit_head *wanted,
                       struct store_audit_check *out, struct err *err);

#endif
