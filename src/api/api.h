/* SPDX-License-Identifier: MIT */
/*
 * What every API operation is handed, and how a route is written.
 *
 * A request runs through the middleware (serve.c: routing, size, login, rate limit, CSRF, the
 * permissions that need no resource) to a handler. An API handler reads JSON, calls an operation
 * and writes JSON; a page's handler reads a form, calls the same operation and renders HTML. The
 * operation is where the rules are: it validates, asks for the caller's permission on the
 * resource, and writes.
 */
#ifndef SLIPWAY_API_API_H
#define SLIPWAY_API_API_H

#include "auth/rbac.h"
#include "auth/session.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/valid.h"
#include "http/request.h"

/* What a web process has. */
struct api {
    const struct conf *conf;
    struct keyring keys;
    struct pg *pg;
    struct redis *redis;
};

/* One request on its way. */
struct api_call {
    struct api *api;
    struct arena *arena;
    struct http_request *req;
    struct http_response *res;
    const struct session *session; /* NULL: nobody is logged in */
    bool by_cookie;                /* the session came in the cookie */
    struct store_scope scope;      /* whose eyes; sees nothing when nobody is logged in */
    struct problems problems;      /* of the input; with ERR_INVALID they are the 422's list */
};

enum rate_class {
    RATE_LOGIN = 0, /* the strictest: what a forgotten field gives */
    RATE_USER,
    RATE_PAGE, /* reading pages, which reload themselves: four times as many, counted apart */
    RATE_WEBHOOK,
    RATE_NONE,
};

enum route_flags {
    ROUTE_PAGE = 1,    /* errors are HTML, and nobody is sent to the login page and back */
    ROUTE_NO_CSRF = 2, /* the proof is another: webhooks; login and register check their own */
    ROUTE_BIG = 4,     /* the body may have 25 MiB instead of 1 */
};

/* A handler fills c->res and returns 0, or returns -1 with ERR, which becomes the answer. */
typedef int route_handler(struct api_call *c, struct err *err);

struct route {
    enum http_method method;
    const char *pattern; /* "/api/applications/:id" */
    route_handler *handler;
    enum permission permission;
    enum rate_class rate;
    unsigned flags;
};

/* All five must be written out: a route without its permission does not compile. */
#define ROUTE(method, pattern, handler, permission, rate)                  \
    {                                                                      \
        HTTP_##method, pattern, handler, PERM_##permission, RATE_##rate, 0 \
    }
#define ROUTE_WITH(method, pattern, handler, permission, rate, flags)            \
    {                                                                            \
        HTTP_##method, pattern, handler, PERM_##permission, RATE_##rate, (flags) \
    }

struct route_table {
    const struct route *routes;
    size_t n;
};

/* The API's tables, ended by NULL. */
extern const struct route_table *const api_routes[];

/* ---- for operations */

/* ERR_FORBIDDEN unless the caller may do P where the project gives PROJECT_ROLE. */
int api_require(const struct api_call *c, const char *project_role, enum permission p,
                struct err *err);
/* -1 and ERR_INVALID: c->problems says why. (Inline, so that an analyser sees the -1.) */
void api_say_invalid(const struct api_call *c, struct err *err);
static inline int api_invalid(const struct api_call *c, struct err *err)
{
    api_say_invalid(c, err);
    return -1;
}
/* The same when c->problems has any; else 0. */
int api_refuse(const struct api_call *c, struct err *err);
/* Adds a problem; -1 and ERR_INVALID. */
void api_add_problem(struct api_call *c, const char *field, const char *message);
static inline int api_bad_field(struct api_call *c, const char *field, const char *message,
                                struct err *err)
{
    api_add_problem(c, field, message);
    return api_invalid(c, err);
}
/* ERR_NOT_FOUND unless ID is a UUID. */
int api_check_id(const char *id, const char *what, struct err *err);
/* ERR_UNAVAILABLE when Redis is away: asked before a row is written that needs the queue. */
int api_need_queue(const struct api_call *c, struct err *err);

/* ---- for handlers */

/* The body as JSON. An empty body is an empty object when MAY_BE_EMPTY. The tree is released with
 * the request (AUTO_JSON of the caller). */
int api_body(struct api_call *c, bool may_be_empty, struct json_object **out, struct err *err);
/* ?limit= and ?cursor=. */
int api_page(struct api_call *c, struct store_page *page, struct err *err);
/* ?NAME= as an id or NULL; anything else is a problem of that field. */
int api_id_filter(struct api_call *c, const char *name, const char **out, struct err *err);
/* Link: rel="next" with LAST as the cursor, keeping the other parameters. */
void api_next_page(struct api_call *c, const char *last);

/* Begins the body's object; api_send() ends it. */
void api_begin(struct api_call *c, struct jw *w);
/* Sends the JSON in the body with STATUS. With VERSION, which may be "", it carries an ETag that
 * begins with it, and is 304 when If-None-Match has that. */
void api_send(struct api_call *c, int status, const char *version);
void api_no_content(struct api_call *c);
/* ERR_PRECONDITION when If-Match is sent and is not the ETag of CURRENT (JSON text). */
int api_check_match(const struct api_call *c, const struct buf *current, struct err *err);

#endif
