/* SPDX-License-Identifier: MIT */
/*
 * The middleware: from a request to the handler that answers it, and from its error to the answer.
 */
#ifndef SLIPWAY_API_SERVE_H
#define SLIPWAY_API_SERVE_H

#include "api/api.h"
#include "store/idempotency.h"

struct serve {
    struct api *api;
    const struct route_table *const *const *tables; /* lists of tables; each list ends with NULL,
                                                     * and so do the lists */
    /* Renders an error as HTML; also for addresses that no route has, outside /api. */
    void (*error_page)(struct api_call *c, const struct err *err);
};

/* Both have the signatures of struct fcgi_handler; ARG is a struct serve. */
void serve_request(void *arg, struct http_request *req, const struct err *request_err,
                   struct http_response *res);
size_t serve_body_cap(void *arg, struct http_request *req);

/* RFC 9457 for ERR, into the response. */
void serve_problem(struct api_call *c, const struct err *err);

/* ---- the middleware's pieces, each in a file of its own (mw_*.c) */

/* Finds the caller's session in Authorization or in the cookie and fills c->session. 0 also when
 * nobody is logged in; ERR_UNAUTHORIZED: a token was sent and is not good. */
int mw_auth(struct api_call *c, struct session *space, struct err *err);
/* A cookie-authenticated unsafe request must carry the session's CSRF token, and no foreign
 * Origin. ERR_FORBIDDEN. */
int mw_csrf(const struct api_call *c, const struct route *route, struct err *err);
bool mw_same_origin(const struct api_call *c);
/* Takes a token of the route's bucket and sets the RateLimit headers. ERR_LIMIT. */
int mw_ratelimit(struct api_call *c, const struct route *route, struct err *err);
/* Takes a token of a login bucket of its own (per account). ERR_LIMIT, ERR_UNAVAILABLE. */
int mw_ratelimit_account(struct api_call *c, const char *account, struct err *err);
/* Within the request's transaction: takes the Idempotency-Key, when there is one. *again: the
 * answer of the first time is in the response. ERR_CONFLICT: it came with another body. */
int mw_repeat_take(struct api_call *c, const struct route *route, struct store_repeat *r,
                   bool *again, struct err *err);
/* Keeps the answer under the key that was taken. */
int mw_repeat_keep(struct api_call *c, struct store_repeat *r, struct err *err);
/* Runs the handler, or gives what it answered before when nothing has changed since. */
int mw_cache(struct api_call *c, const struct route *route, struct err *err);
/* Writes the audit log's entries of a request that is answered with STATUS. */
int mw_audit(struct api_call *c, int status, struct err *err);
/* An entry for a caller whom the middleware turned away from a route that changes something. */
void mw_audit_refused(struct api_call *c, const struct route *route);
/* The request's line in the log. */
void mw_log(const struct api_call *c, int64_t took_ms);

#endif
