/* SPDX-License-Identifier: MIT */
/*
 * BuildKit's progress as readable lines.
 *
 * A build with version=2 reports through {"id":"moby.buildkit.trace","aux":BASE64}: a protobuf
 * StatusResponse (moby.buildkit.v1: vertexes 1, statuses 2, logs 3). A vertex is a step; it is
 * repeated whenever its state changes. Out come lines such as
 *
 *     #3 [2/2] RUN make
 *     #3 gcc -c main.c
 *     #3 DONE 1.2 s
 *     #4 CACHED
 *     #5 ERROR process "/bin/sh -c make" did not complete successfully: exit code: 2
 *
 * Steps that BuildKit calls internal are shown only when they fail.
 */
#ifndef SLIPWAY_DOCKER_TRACE_H
#define SLIPWAY_DOCKER_TRACE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* One line without its end. TEXT is NUL-terminated, UTF-8. */
typedef void docker_line(void *arg, const char *text);

struct trace_vertex;

struct docker_trace {
    struct arena arena;
    struct trace_vertex *vertices;
    unsigned count;
    docker_line *on_line;
    void *arg;
    const char *failed; /* the last step's name that failed, or NULL; lives in the arena */
};

void docker_trace_init(struct docker_trace *t, docker_line *on_line, void *arg);
void docker_trace_release(struct docker_trace *t);

/* Takes one StatusResponse of N bytes. ERR_MALFORMED: not protobuf of that shape. */
int docker_trace_feed(struct docker_trace *t, const void *data, size_t n, struct err *err);

/* The same from its base64 text. */
int docker_trace_feed64(struct docker_trace *t, const char *text, struct err *err);

/* Gives out what was printed without an end of line. */
void docker_trace_flush(struct docker_trace *t);

#endif
