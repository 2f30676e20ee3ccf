/* SPDX-License-Identifier: MIT */
#include "api/serve.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "queue/queue.h"

enum { BODY_CAP = 1024 * 1024, BODY_CAP_BIG = 25 * 1024 * 1024 };

/* The route of the request. *other is set when the path has a route for another method. */
static const struct route *find_route(const struct serve *s, struct http_request *req, bool *other)
{
    enum http_method method = req->method == HTTP_HEAD ? HTTP_GET : req->method;
    *other = false;
    for (const struct route_table *const *const *list = s->tables; *list; list++)
        for (const struct route_table *const *t = *list; *t; t++)
            for (size_t i = 0; i < (*t)->n; i++) {
                const struct route *r = &(*t)->routes[i];
                if (!http_match(r->pattern, req))
                    continue;
                if (r->method == method)
                    return r;
                *other = true;
            }
    return NULL;
}

size_t serve_body_cap(void *arg, struct http_request *req)
{
    bool other;
    const struct route *r = find_route(arg, req, &other);
    return r && r->flags & ROUTE_BIG ? BODY_CAP_BIG : BODY_CAP;
}

static void add_allow(const struct serve *s, struct api_call *c)
{
    AUTO_BUF methods = {0};
    for (const struct route_table *const *const *list = s->tables; *list; list++)
        for (const struct route_table *const *t = *list; *t; t++)
            for (size_t i = 0; i < (*t)->n; i++)
                if (http_match((*t)->routes[i].pattern, c->req))
                    buf_addf(&methods, "%s%s", methods.len ? ", " : "",
                             http_method_name((*t)->routes[i].method));
    http_set(c->res, "Allow", "%s", buf_str(&methods));
}

void serve_problem(struct api_call *c, const struct err *err)
{
    int status = err_http_status(err->code);
    struct jw w;
    buf_clear(&c->res->body);
    jw_init(&w, &c->res->body);
    jw_begin(&w);
    jw_kstr(&w, "type", "about:blank");
    jw_kstr(&w, "title", http_status_text(status));
    jw_kint(&w, "status", status);
    jw_kstr(&w, "detail", err->msg);
    jw_kstr(&w, "requestId", c->req->id);
    if (c->code_due)
        jw_kbool(&w, "totpRequired", true);
    if (err->code == ERR_INVALID) {
        jw_key(&w, "errors");
        jw_begin_array(&w);
        for (const struct problem *p = c->problems.first; p; p = p->next) {
            jw_begin(&w);
            jw_kstr(&w, "field", p->field);
            jw_kstr(&w, "message", p->message);
            jw_end(&w);
        }
        jw_end_array(&w);
    }
    jw_end(&w);
    c->res->status = status;
    http_set(c->res, "Content-Type", "application/problem+json");
    if (err->code == ERR_UNAUTHORIZED)
        http_set(c->res, "WWW-Authenticate", "Bearer realm=\"slipway\"");
    if (err->code == ERR_UNAVAILABLE)
        http_set(c->res, "Retry-After", "2");
}

static void answer_error(const struct serve *s, struct api_call *c, bool page, struct err *err)
{
    if (err_http_status(err->code) >= 500)
        log_err(err->code == ERR_UNAVAILABLE ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR,
                arena_printf(c->arena, "%s %s", http_method_name(c->req->method), c->req->path),
                err);
    if (err->code == ERR_INTERNAL)
        snprintf(err->msg, sizeof(err->msg),
                 "something failed on our side; the log has it under "
                 "the id of this request");
    buf_clear(&c->res->body);
    if (page)
        s->error_page(c, err);
    else
        serve_problem(c, err);
}

/* What needs no resource to be decided: a login, or a permission outside projects. */
static int gate(const struct api_call *c, const struct route *r, struct err *err)
{
    if (r->permission == PERM_NOBODY_NEEDED)
        return 0;
    if (r->permission == PERM_PERSON && c->session && c->session->token_name)
        return err_set(err, ERR_FORBIDDEN, "an API token cannot do this; log in");
    if (rbac_is_global(r->permission))
        return api_require(c, NULL, r->permission, err);
    if (!c->session)
        return err_set(err, ERR_UNAUTHORIZED, "log in first");
    return api_require_token(c, r->permission, err);
}

static bool changes(const struct api_call *c, const struct route *r)
{
    return (c->req->method != HTTP_GET && c->req->method != HTTP_HEAD) || r->flags & ROUTE_WRITES;
}

static int admit(struct api_call *c, const struct route *route, struct session *space,
                 struct err *err)
{
    if (c->req->body_too_large)
        return err_set(err, ERR_TOO_LARGE, "the body is larger than %d bytes",
                       route->flags & ROUTE_BIG ? BODY_CAP_BIG : BODY_CAP);
    struct err bad_token;
    bool refused = mw_auth(c, space, &bad_token) < 0 && route->permission != PERM_NOBODY_NEEDED;
    /* a guess at a token counts against its address */
    if (mw_ratelimit(c, route, err) < 0)
        return -1;
    if (refused) {
        *err = bad_token;
        return -1;
    }
    if (gate(c, route, err) < 0 || mw_csrf(c, route, err) < 0) {
        if (changes(c, route))
            mw_audit_refused(c, route);
        return -1;
    }
    return 0;
}

static void put_jobs(const struct api_call *c)
{
    struct err err; /* the rows say it; the worker looks for what the queue did not bring */
    for (const struct api_job *job = c->jobs; job; job = job->next)
        if (queue_put(c->api->redis, (enum queue_lane)job->lane, job->kind, job->id, &err) < 0)
            log_err(LOG_LEVEL_WARN, "could not queue a job; the worker will find its row", &err);
}

/* Takes back what a handler said of a success that did not come to stay: Location, cookies. HEADERS
 * is how many bytes of them there were before. */
static void unsay(struct api_call *c, size_t headers)
{
    buf_truncate(&c->res->headers, headers);
    buf_clear(&c->res->body);
    c->res->status = 200;
}

/* Runs the handler in a transaction that also takes the audit log's entries. */
static int run_changing(struct api_call *c, const struct route *route, struct err *err)
{
    struct pg *pg = c->api->pg;
    struct store_repeat repeat;
    size_t headers = c->res->headers.len;
    bool again;
    if (pg_begin(pg, err) < 0)
        return -1;
    int rc = mw_repeat_take(c, route, &repeat, &again, err);
    if (rc == 0 && !again)
        rc = route->handler(c, err);
    if (rc < 0 && c->keep) {
        struct err late;
        if (pg_commit(pg, &late) < 0)
            log_err(LOG_LEVEL_WARN, "could not write down a refused request", &late);
        return rc;
    }
    if (rc < 0 || c->res->status >= 400 || c->undone) {
        pg_rollback_all(pg);
        return rc;
    }
    if ((!again && mw_repeat_keep(c, &repeat, err) < 0) || mw_audit(c, c->res->status, err) < 0 ||
        pg_commit(pg, err) < 0) {
        pg_rollback_all(pg);
        unsay(c, headers);
        return -1;
    }
    c->audit = NULL; /* written */
    put_jobs(c);
    return 0;
}

static int run(struct api_call *c, const struct route *route, struct session *space,
               struct err *err)
{
    if (admit(c, route, space, err) < 0)
        return -1;
    if (changes(c, route))
        return run_changing(c, route, err);
    size_t headers = c->res->headers.len;
    if (mw_cache(c, route, err) < 0)
        return -1;
    if (mw_audit(c, c->res->status, err) < 0) { /* what is not written down is not shown */
        unsay(c, headers);
        return -1;
    }
    c->audit = NULL;
    return 0;
}

/* Entries of a request that came to nothing. */
static void audit_rest(struct api_call *c)
{
    struct err err;
    if (mw_audit(c, c->res->status, &err) < 0)
        log_err(LOG_LEVEL_WARN, "could not write the audit log's entry of a refused request", &err);
}

/* Whether an error is shown to a person. */
static bool is_page(const struct http_request *req, const struct route *route)
{
    const char *accept = http_header(req, "Accept");
    const char *uri = http_env(req, "REQUEST_URI"); /* also of a path that cannot be read */
    if (!route)
        return !uri || !(str_starts(uri, "/api/") || str_eq(uri, "/api"));
    return route->flags & ROUTE_PAGE ||
           (route->flags & ROUTE_BROWSER && accept && strstr(accept, "text/html"));
}

static void common_headers(struct api_call *c, bool page)
{
    http_set(c->res, "X-Request-Id", "%s", c->req->id);
    http_set(c->res, "X-Content-Type-Options", "nosniff");
    http_set(c->res, "Cache-Control", "no-store");
    if (!page)
        return;
    http_set(c->res, "Content-Security-Policy",
             "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; "
             "script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
             "frame-ancestors 'none'");
    http_set(c->res, "Referrer-Policy", "same-origin");
    http_set(c->res, "X-Frame-Options", "DENY");
}

void serve_request(void *arg, struct http_request *req, const struct err *request_err,
                   struct http_response *res)
{
    const struct serve *s = arg;
    int64_t start = time_monotonic();
    struct session space;
    struct err err = {0};
    struct api_call c = {.api = s->api, .arena = req->arena, .req = req, .res = res};
    problems_init(&c.problems, req->arena);
    bool other = false;
    const struct route *route = request_err ? NULL : find_route(s, req, &other);
    c.route = route;
    bool page = is_page(req, route);
    int rc = -1;
    if (request_err)
        err = *request_err;
    else if (route)
        rc = run(&c, route, &space, &err);
    else if (other)
        err_set(&err, ERR_METHOD, "%s is not allowed here", http_method_name(req->method));
    else
        err_set(&err, ERR_NOT_FOUND, "there is nothing at %.200s", req->path);
    if (rc == 0)
        api_condition(&c);
    if (rc < 0)
        answer_error(s, &c, page, &err);
    audit_rest(&c);
    if (!route && other)
        add_allow(s, &c);
    common_headers(&c, page);
    if (!res->no_log)
        mw_log(&c, time_monotonic() - start);
}
