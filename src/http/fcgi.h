/* SPDX-License-Identifier: MIT */
/*
 * FastCGI: one process's accept loop over libfcgi, and the prefork master above it.
 */
#ifndef SLIPWAY_HTTP_FCGI_H
#define SLIPWAY_HTTP_FCGI_H

#include "http/request.h"

/* The most that a body may have before even the route is known; routes have caps of their own. */
enum { HTTP_BODY_MAX = 25 * 1024 * 1024 };

struct fcgi_handler {
    /* Answers one request. REQUEST_ERR is NULL, or says why the request could not be read. */
    void (*serve)(void *arg, struct http_request *req, const struct err *request_err,
                  struct http_response *res);
    /* How many bytes of body the request may have, by method and path. */
    size_t (*body_cap)(void *arg, struct http_request *req);
    void *arg;
};

/* Serves requests on the listening socket FD until fcgi_stop() was called (by a signal handler).
 * The request at hand is finished first. 0, or -1 when libfcgi fails. */
int fcgi_loop(int fd, const struct fcgi_handler *handler);
void fcgi_stop(void);

/* A listening unix socket at PATH, mode 0660, of GROUP ("" for the process's own), backlog 1024.
 * A stale socket is replaced; one that somebody listens on is ERR_CONFLICT. */
int fcgi_listen(const char *path, const char *group, int *fd, struct err *err);

/*
 * Runs N children, each calling WORK(ARG), and starts a new one for each that ends: at once, but a
 * child that lived less than a second makes the next wait. SIGTERM and SIGINT end the children
 * (they finish their request) and then the master. SIGHUP calls RELOAD(ARG), and, when that
 * returns 0, replaces the children one after the other. Returns main's exit code.
 */
struct prefork {
    int n;
    int (*work)(void *arg);
    int (*reload)(void *arg);
    void *arg;
};
int prefork_run(const struct prefork *p);

#endif
