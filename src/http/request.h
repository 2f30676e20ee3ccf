/* SPDX-License-Identifier: MIT */
/*
 * A request as FastCGI brings it, and the answer to it.
 *
 * The path comes from REQUEST_URI alone (SCRIPT_NAME and PATH_INFO differ between web servers):
 * the query is cut off, the path is split at '/', and each segment is percent-decoded once. Sizes
 * come from what was read and never from CONTENT_LENGTH. HTTP_PROXY is not looked at.
 */
#ifndef SLIPWAY_HTTP_REQUEST_H
#define SLIPWAY_HTTP_REQUEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OTHER,
};

enum { HTTP_PARAMS = 4 };

struct http_request {
    struct arena *arena;
    const char *const *env; /* "NAME=value", NULL-terminated */
    enum http_method method;
    const char *path;      /* decoded, for logs and error texts */
    const char **segments; /* decoded, NULL-terminated; none for "/" */
    size_t n_segments;
    const char *query; /* raw, without '?'; "" when there is none */
    const char *body;
    size_t body_len;
    bool body_too_large;      /* it was longer than the cap; body holds nothing */
    const char *content_type; /* lower case, without parameters; "" when there is none */
    const char *address;      /* of the client, as the web server says */
    const char *host;         /* Host header; "" when there is none */
    bool https;
    const char *id;                  /* X-Request-Id, taken when well formed or made */
    const char *params[HTTP_PARAMS]; /* what matched the route's :names */
};

/* Reads ENV; the body is set by the caller. ERR_MALFORMED: a path that cannot be decoded, is not
 * UTF-8, holds a NUL or control character, or an empty, "." or ".." segment in its middle. */
int http_request_init(struct http_request *r, struct arena *a, const char *const *env,
                      struct err *err);

/* A FastCGI parameter, or NULL. */
const char *http_env(const struct http_request *r, const char *name);
/* A header by its name ("X-CSRF-Token"), or NULL. */
const char *http_header(const struct http_request *r, const char *name);
/* A cookie's value, or NULL. */
const char *http_cookie(const struct http_request *r, const char *name);

const char *http_method_name(enum http_method m);

/* application/x-www-form-urlencoded: the first value of a name, or NULL. */
const char *http_query(const struct http_request *r, const char *name);
const char *http_form(const struct http_request *r, const char *name);
/* Every pair in order; values[i] belongs to names[i]. Text that is not UTF-8 is ERR_MALFORMED. */
struct http_pairs {
    const char **names, **values;
    size_t n;
};
int http_pairs(struct arena *a, const char *text, size_t len, struct http_pairs *out,
               struct err *err);

/* Percent-decodes N bytes ('+' as space when PLUS); NULL when it is malformed. */
char *http_decode(struct arena *a, const char *s, size_t n, bool plus);
/* Percent-encodes everything but unreserved characters (RFC 3986, section 2.3). */
char *http_encode(struct arena *a, const char *s);

struct http_response {
    int status;
    struct buf headers; /* complete lines, each ended by CRLF */
    struct buf body;
    bool no_log; /* health checks */
};

void http_response_init(struct http_response *r);
void http_response_release(struct http_response *r);
/* Forgets headers and body, to answer something else. */
void http_response_reset(struct http_response *r);
/* Values must not hold control characters: a BUG(). */
void http_set(struct http_response *r, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
void http_redirect(struct http_response *r, int status, const char *location);

/* Matches "/applications/:id/deploy" against the request's segments and fills params. */
bool http_match(const char *pattern, struct http_request *r);

const char *http_status_text(int status);

#endif
