/* SPDX-License-Identifier: MIT */
/*
 * The HTTP client: one place for unix sockets, TLS, timeouts, size limits and cancelling.
 *
 * A struct net is one connection to one server, kept between requests. It belongs to one process
 * (open it after fork) and carries one request at a time. net_run() makes a request and waits for
 * its end; net_start() and net_pump() are for a stream (the Engine's events) that is looked at
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

/* Where the server is. All strings outlive the struct net. */
struct net_target {
    const char *unix_path; /* path of a unix socket, or NULL for TCP */
    const char *base;      /* "http://docker", "https://10.0.0.1:2376": no slash at the end */
    const char *ca;        /* file of the authority; NULL or "": the system's */
    const char *cert;      /* file of our certificate; NULL or "": none */
    const char *key;       /* file of its key */
    const char *name;      /* how messages call the server: "the Docker Engine at …" */
};

/* Takes N bytes of the answer. -1 with *err set ends the request with that failure. */
typedef int net_sink(void *arg, const char *data, size_t n, struct err *err);

/* Gives at most CAP bytes of the request's body: their number, 0 at the end, -1 with *err set. */
typedef ssize_t net_source(void *arg, char *out, size_t cap, struct err *err);

/* Asked several times a second while a request runs: 0 to go on, -1 with *err set to give up. */
typedef int net_stop(void *arg, struct err *err);

struct net_request {
    const char *method;         /* "GET" */
    const char *path;           /* "/v1.41/services?…", encoded already */
    const char *const *headers; /* "Name: value", ended by NULL; NULL is none */
    const char *body;           /* the whole body, or NULL */
    size_t body_len;
    net_source *source; /* or the body by pieces (chunked); used when set */
    void *source_arg;
    net_sink *sink; /* takes the body of a 2xx answer by pieces; NULL: it is buffered */
    void *sink_arg;
    net_stop *should_stop;
    void *stop_arg;
    size_t body_cap;    /* most bytes of a buffered answer; 0 is 8 MiB */
    int64_t connect_ms; /* 0 is 5,000 */
    int64_t idle_ms;    /* longest silence in both directions; 0 is no limit */
    int64_t total_ms;   /* 0 is no limit */
};

struct net_response {
    int status;             /* 0 until the header came */
    struct buf body;        /* not filled by a 2xx answer to a sink */
    char content_type[64];  /* "" when absent */
    char api_version[16];   /* the Engine's Api-Version header */
    char error_detail[160]; /* libcurl's own words, for the log */
};

struct net_state; /* libcurl's handles and the running request */

struct net {
    struct net_target target;
    struct net_state *state;
};

/* Prepares H for TARGET; nothing is connected yet. Release by net_close(). */
void net_open(struct net *h, const struct net_target *target);
void net_close(struct net *h);

/* Makes the request and waits. RES is initialised here and is the caller's to release by
 * net_response_release(), also after a failure. */
int net_run(struct net *h, const struct net_request *req, struct net_response *res,
            struct err *err);

/* Begins a request; REQ and RES must live until it has ended. A running one is dropped. */
void net_start(struct net *h, const struct net_request *req, struct net_response *res);

/* Works on the request for at most WAIT_MS. 1: it goes on. 0: it has ended well. -1: failed. */
int net_pump(struct net *h, int64_t wait_ms, struct err *err);

/* Drops the running request, closing its connection. */
void net_abort(struct net *h);

void net_response_release(struct net_response *res);
#define AUTO_RESPONSE CLEANUP(net_response_release) struct net_response

/* Appends S percent-encoded (RFC 3986: all but unreserved characters). */
void net_encode(struct buf *out, const char *s);

#endif
