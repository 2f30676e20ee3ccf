/* SPDX-License-Identifier: MIT */
/*
 * The HTTP client: one place for unix sockets, TLS, timeouts, size limits and cancelling.
 *
 * A struct http is one connection to one server, kept between requests. It belongs to one process
 * (open it after fork) and carries one request at a time. http_run() makes a request and waits for
 * its end; http_start() and http_pump() are for a stream (the Engine's events) that is looked at
 * between other work.
 *
 * An answer with an error status is an answer and no failure here. Failures are
 *     ERR_UNAVAILABLE  nobody listens, the name is unknown, the connection broke, TLS was refused
 *     ERR_TIMEOUT      connecting, silence or the whole took longer than allowed
 *     ERR_TOO_LARGE    the buffered answer passed its cap
 * and whatever the caller's own callbacks set. Redirects are not followed, proxies in the
 * environment are ignored, only http and https are spoken.
 */
#ifndef SLIPWAY_NET_HTTP_H
#define SLIPWAY_NET_HTTP_H

#include <sys/types.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

/* Where the server is. All strings outlive the struct http. */
struct http_target {
    const char *unix_path; /* path of a unix socket, or NULL for TCP */
    const char *base;      /* "http://docker", "https://10.0.0.1:2376": no slash at the end */
    const char *ca;        /* file of the authority; NULL or "": the system's */
    const char *cert;      /* file of our certificate; NULL or "": none */
    const char *key;       /* file of its key */
    const char *name;      /* how messages call the server: "the Docker Engine at …" */
};

/* Takes N bytes of the answer. -1 with *err set ends the request with that failure. */
typedef int http_sink(void *arg, const char *data, size_t n, struct err *err);

/* Gives at most CAP bytes of the request's body: their number, 0 at the end, -1 with *err set. */
typedef ssize_t http_source(void *arg, char *out, size_t cap, struct err *err);

/* Asked several times a second while a request runs: 0 to go on, -1 with *err set to give up. */
typedef int http_stop(void *arg, struct err *err);

struct http_request {
    const char *method;         /* "GET" */
    const char *path;           /* "/v1.41/services?…", encoded already */
    const char *const *headers; /* "Name: value", ended by NULL; NULL is none */
    const char *body;           /* the whole body, or NULL */
    size_t body_len;
    http_source *source; /* or the body by pieces (chunked); used when set */
    void *source_arg;
    http_sink *sink; /* takes the body of a 2xx answer by pieces; NULL: it is buffered */
    void *sink_arg;
    http_stop *should_stop;
    void *stop_arg;
    size_t body_cap;    /* most bytes of a buffered answer; 0 is 8 MiB */
    int64_t connect_ms; /* 0 is 5,000 */
    int64_t idle_ms;    /* longest silence in both directions; 0 is no limit */
    int64_t total_ms;   /* 0 is no limit */
};

struct http_response {
    int status;             /* 0 until the header came */
    struct buf body;        /* not filled by a 2xx answer to a sink */
    char content_type[64];  /* "" when absent */
    char api_version[16];   /* the Engine's Api-Version header */
    char error_detail[160]; /* libcurl's own words, for the log */
};

struct http_state; /* libcurl's handles and the running request */

struct http {
    struct http_target target;
    struct http_state *state;
};

/* Prepares H for TARGET; nothing is connected yet. Release by http_close(). */
void http_open(struct http *h, const struct http_target *target);
void http_close(struct http *h);

/* Makes the request and waits. RES is initialised here and is the caller's to release by
 * http_response_release(), also after a failure. */
int http_run(struct http *h, const struct http_request *req, struct http_response *res,
             struct err *err);

/* Begins a request; REQ and RES must live until it has ended. A running one is dropped. */
void http_start(struct http *h, const struct http_request *req, struct http_response *res);

/* Works on the request for at most WAIT_MS. 1: it goes on. 0: it has ended well. -1: failed. */
int http_pump(struct http *h, int64_t wait_ms, struct err *err);

/* Drops the running request, closing its connection. */
void http_abort(struct http *h);

void http_response_release(struct http_response *res);
#define AUTO_RESPONSE CLEANUP(http_response_release) struct http_response

/* Appends S percent-encoded (RFC 3986: all but unreserved characters). */
void http_encode(struct buf *out, const char *s);

#endif
