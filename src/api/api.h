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
#include "cache/cache.h"
#include "http/request.h"

/* What a web process has. */
struct api {
    const struct conf *conf;
    struct keyring keys;
    struct pg *pg;
    struct redis *redis;
    struct cache cache;
};

/* An entry for the audit log, written when the request's outcome is known. */
struct api_audit {
    const char *action;   /* "project.update" */
    const char *resource; /* "project:<id>" or NULL */
    const char *actor_id; /* a user's id where it is not the caller's */
    const char *actor;    /* and the name */
    const char *change;   /* JSON text, secrets masked; may be NULL */
    const char *outcome;  /* NULL: the request's */
    struct api_audit *next;
};

/* A job for the queue, put on it after the commit. */
struct api_job {
    int lane; /* enum queue_lane */
    const char *kind, *id;
    struct api_job *next;
};

struct route;

/* One request on its way. */
struct api_call {
    struct api *api;
    struct arena *arena;
    struct http_request *req;
    struct http_response *res;
    const struct route *route;
    const struct session *session; /* NULL: nobody is logged in */
    bool by_cookie;                /* the session came in the cookie */
    struct store_scope scope;      /* whose eyes; sees nothing when nobody is logged in */
    struct problems problems;      /* of the input; with ERR_INVALID they are the 422's list */
    struct api_audit *audit;       /* the newest first */
    struct api_job *jobs, **last_job;
    const struct store_user *code_due; /* whose password was right, and whose code is wanted */
    const char *depends; /* the project that the answer is all about; NULL: on everything */
    bool keep;           /* what was written stays, although the request is refused */
    bool undone; /* what was written is undone already, although an answer below 400 may follow */
    const char *once[4]; /* members of the answer that are shown this once (Idempotency-Key) */
};

enum rate_class {
    RATE_LOGIN = 0, /* the strictest: what a forgotten field gives */
    RATE_USER,
    RATE_PAGE, /* reading pages, which reload themselves: four times as many, counted apart */
    RATE_WEBHOOK,
    RATE_NONE,
};

enum route_flags {
    ROUTE_PAGE = 1,      /* errors are HTML, and nobody is sent to the login page and back */
    ROUTE_NO_CSRF = 2,   /* the proof is another: webhooks; login and register check their own */
    ROUTE_BIG = 4,       /* the body may have 25 MiB instead of 1 */
    ROUTE_LIST = 8,      /* answers an array of `out`, by pages (limit, cursor, Link) */
    ROUTE_ARRAY = 16,    /* answers an array of `out`, whole */
    ROUTE_MATCH = 32,    /* takes If-Match */
    ROUTE_EMPTY = 64,    /* the body may be left out */
    ROUTE_WRITES = 128,  /* a GET that changes something: it has a transaction, too */
    ROUTE_BROWSER = 256, /* other sites send browsers here: to them an error is a page */
};

/* A handler fills c->res and returns 0, or returns -1 with ERR, which becomes the answer.
 *
 * The handler of an unsafe method (POST, PUT, PATCH, DELETE) runs inside a transaction that is
 * committed when it gave an answer below 400, together with the entries of the audit log, and
 * rolled back otherwise. */
typedef int route_handler(struct api_call *c, struct err *err);

struct crud;

struct route {
    enum http_method method;
    const char *pattern; /* "/api/applications/:id" */
    route_handler *handler;
    enum permission permission;
    enum rate_class rate;
    unsigned flags;
    /* what the API's description is printed from (api/openapi.h); pages leave it out */
    const char *doc;                 /* "Make a project" */
    const char *note;                /* a second paragraph; may be NULL */
    const struct valid_table *in;    /* the body; PATCH takes any part of it */
    const struct valid_table *query; /* parameters of the address beside limit and cursor */
    const struct valid_table *out;   /* the answer; NULL: none (204), or not JSON */
    const char *media;               /* of an answer that is not JSON: "text/plain" */
    int status;                      /* of success; 0: 200, or 204 without `out` */
    const char *also;                /* other statuses that it answers on purpose: "409 503" */
    int cache;                       /* seconds that an answer may be kept; 0: none is */
    const struct crud *crud;         /* for the handlers of api/crud.h */
};

/* All five must be written out: a route without its permission does not compile. Behind them
 * stand designated members: .flags = ROUTE_PAGE, .doc = "…". */
#define ROUTE(method_, pattern_, handler_, permission_, rate_, ...)         \
    {                                                                       \
        .method = HTTP_##method_, .pattern = pattern_, .handler = handler_, \
        .permission = PERM_##permission_, .rate = RATE_##rate_, __VA_ARGS__ \
    }

struct route_table {
    const struct route *routes;
    size_t n;
};

/* The API's tables, ended by NULL. */
extern const struct route_table *const api_routes[];

/* Members that every resource's table has. */
#define FIELD_ID                                                                       \
    {                                                                                  \
        .name = "id", .type = VALID_STR, .flags = VALID_DERIVED, .doc = "an opaque id" \
    }
#define FIELD_TIME(name_, doc_)                                                    \
    {                                                                              \
        .name = (name_), .type = VALID_TIME, .flags = VALID_DERIVED, .doc = (doc_) \
    }
#define FIELD_NAME(offset_, doc_)                                                         \
    {                                                                                     \
        .name = "name", .type = VALID_STR, .flags = VALID_REQUIRED, .min = 1, .max = 100, \
        .rule = rule_line, .offset = (offset_), .doc = (doc_)                             \
    }
/* The project that a thing is made in. */
#define FIELD_PROJECT(offset_, doc_)                                                   \
    {                                                                                  \
        .name = "projectId", .type = VALID_STR, .flags = VALID_REQUIRED | VALID_FIXED, \
        .rule = rule_id, .offset = (offset_), .doc = (doc_)                            \
    }
#define FIELD_CREATED FIELD_TIME("createdAt", "when it was made")
#define FIELD_UPDATED FIELD_TIME("updatedAt", "when it was last changed")

/* ---- for operations */

/* ERR_FORBIDDEN unless the caller may do P where the project gives PROJECT_ROLE. */
int api_require(const struct api_call *c, const char *project_role, enum permission p,
                struct err *err);
/* ERR_FORBIDDEN when the caller is an API token whose role or projects do not allow P: it may do
 * what its role may, in its projects, and never more than its user. */
int api_require_token(const struct api_call *c, enum permission p, struct err *err);
/* -1 and ERR_INVALID: c->problems says why. (Inline, so that an analyser sees the -1.) */
void api_say_invalid(const struct api_call *c, struct err *err);
static inline int api_invalid(const struct api_call *c, struct err *err)
{
    api_say_invalid(c, err);
    return -1;
}
/* The same when c->problems has any; else 0. */
int api_refuse(const struct api_call *c, struct err *err);
/* Notes that the operation ACTION ("project.update") is done to the resource ID (may be NULL; the
 * kind is the action's first word). What changes anything says so first of all: the entry is
 * written with the request's outcome, in its transaction. */
struct api_audit *api_audit(struct api_call *c, const char *action, const char *id);
/* Checks a body by its table into OUT and keeps it, secrets masked, for the newest entry of the
 * audit log. ERR_INVALID. */
int api_valid(struct api_call *c, const struct valid_table *table, struct json_object *in,
              bool partial, void *out, struct err *err);
/* Puts a job on the queue as soon as the request's changes are committed. When the queue is away by
 * then, the worker finds the row. */
void api_job(struct api_call *c, int lane, const char *kind, const char *id);
/* A service's name out of a thing's: lower case letters, digits and '-'. */
const char *api_slug(struct arena *a, const char *name);
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
/* ?NAME= as a whole number from MIN to MAX, left alone when it is absent; anything else is a
 * problem of that field. */
int api_number(struct api_call *c, const char *name, int64_t min, int64_t max, int64_t *out,
               struct err *err);
/* ?NAME= as one of CHOICES, joined by '|', or NULL; anything else is a problem of that field. */
int api_choice(struct api_call *c, const char *name, const char *choices, const char **out,
               struct err *err);
/* ?NAME=true or =false, false when it is absent; anything else is a problem of that field. */
int api_flag(struct api_call *c, const char *name, bool *out, struct err *err);
/* ?NAME= as a moment (RFC 3339) in milliseconds, 0 when it is absent. */
int api_moment(struct api_call *c, const char *name, int64_t *out, struct err *err);
/* Link: rel="next" with LAST as the cursor, keeping the other parameters. */
void api_next_page(struct api_call *c, const char *last);

/* Writes LIST as the body's array, an element by each call of WRITE, and the link to the next page
 * when MORE and the last one's id is LAST. Sends it. */
typedef void api_writer(const void *element, struct jw *w);
void api_send_list(struct api_call *c, const void *list, size_t n, size_t size, api_writer *write,
                   bool more, const char *last);
/* Sends one object written by WRITE, with an ETag for status 200. */
void api_send_one(struct api_call *c, int status, const void *element, api_writer *write);
/* ERR_PRECONDITION when If-Match is sent and is not the ETag of the object that WRITE writes. */
int api_match_one(const struct api_call *c, const void *element, api_writer *write,
                  struct err *err);
/* Writes a member that is shown this once. */
void api_once(struct api_call *c, struct jw *w, const char *name, const char *value);

/* Where browsers find the dashboard, without a slash at its end: web.public_url, else as this
 * request came. */
const char *api_public_url(const struct api_call *c);

/* Begins the body's object; api_send() ends it. */
void api_begin(struct api_call *c, struct jw *w);
/* Sends the JSON in the body with STATUS. With VERSION, which may be "", it carries an ETag that
 * begins with it. */
void api_send(struct api_call *c, int status, const char *version);
void api_no_content(struct api_call *c);
/* Makes the answer of a read with an ETag 304 when If-None-Match has that; for the middleware. */
void api_condition(struct api_call *c);
/* ERR_PRECONDITION when If-Match is sent and is not the ETag of CURRENT (JSON text). */
int api_check_match(const struct api_call *c, const struct buf *current, struct err *err);

#endif
