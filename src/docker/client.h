/* SPDX-License-Identifier: MIT */
/*
 * A connection to the Docker Engine's API, by unix socket or tcp:// with or without TLS.
 *
 * The API version is agreed on by the first call (GET /_ping and /version): the lower of the
 * Engine's own and the highest that this code was written for. Paths given here carry no version.
 *
 * The Engine's error answers become
 *     ERR_INVALID       400, and an Engine whose API versions do not overlap with ours
 *     ERR_UNAUTHORIZED  401     ERR_FORBIDDEN 403   ERR_NOT_FOUND 404   ERR_CONFLICT 409
 *     ERR_PRECONDITION  500 "update out of sequence": somebody else wrote first
 *     ERR_UNAVAILABLE   503, a 500 that says that a part of the swarm does not answer, and
 *                       everything that net/http calls unavailable
 *     ERR_INTERNAL      any other status
 * with the Engine's own message. Messages do not repeat bodies, which may hold secrets.
 */
#ifndef SLIPWAY_DOCKER_CLIENT_H
#define SLIPWAY_DOCKER_CLIENT_H

#include "base/arena.h"
#include "base/json.h"
#include "net/http.h"

#define DOCKER_API_LEAST "1.41" /* Engine 20.10 */
#define DOCKER_API_MOST "1.47"  /* Engine 27 */

struct docker_options {
    const char *host;                        /* unix:///path or tcp://host:port */
    const char *tls_ca, *tls_cert, *tls_key; /* NULL or "": none; a CA switches TLS on */
};

struct docker {
    struct arena arena; /* the target's strings */
    struct net_target target;
    struct net http;
    char version[16];      /* agreed on, "" before the first call */
    net_stop *should_stop; /* asked during every call; may be NULL */
    void *stop_arg;
};

struct docker_request {
    const char *method;
    const char *path;   /* "/services/create?…" without the version, encoded */
    const char *body;   /* JSON, or NULL */
    const char *auth;   /* value of X-Registry-Auth, or NULL */
    const char *type;   /* Content-Type; NULL is application/json when there is a body */
    net_source *source; /* a body by pieces instead */
    void *source_arg;
    net_sink *sink; /* takes the answer by pieces instead of *out */
    void *sink_arg;
    int64_t idle_ms;  /* 0 is 30,000; -1 is none */
    int64_t total_ms; /* 0 is 60,000; -1 is none */
};

/* Reads the host's spelling; does not connect. ERR_INVALID: neither unix:// nor tcp://. Close by
 * docker_close() also after a failure. */
int docker_open(struct docker *d, const struct docker_options *o, struct err *err);
void docker_close(struct docker *d);
#define AUTO_DOCKER CLEANUP(docker_close) struct docker

/* One call. OUT (may be NULL) gets the JSON of the answer, which may be NULL when it is empty; the
 * caller puts it. */
int docker_call(struct docker *d, const struct docker_request *req, struct json_object **out,
                struct err *err);

/* GET of PATH. */
int docker_get(struct docker *d, const char *path, struct json_object **out, struct err *err);

/* Agrees on a version now, when that has not happened yet. */
int docker_connect(struct docker *d, struct err *err);

/* The version to speak with an Engine that speaks API at most and MIN_API at least ("1.24"; NULL or
 * "" when it did not say). ERR_INVALID says which side is too old. */
int docker_negotiate(const char *api, const char *min_api, char out[16], struct err *err);

/* Whether the API version VERSION ("1.41") is LEAST or later. */
bool docker_version_at_least(const char *version, const char *least);

/* Fills ERR from an error answer of the Engine: JSON with "message", or plain text. */
int docker_status_error(int status, const char *body, size_t len, struct err *err);

/* The value of X-Registry-Auth: for USERNAME and PASSWORD at the registry SERVER, or the anonymous
 * one when USERNAME is empty. */
char *docker_registry_auth(struct arena *a, const char *server, const char *username,
                           const char *password);

#endif
