/* SPDX-License-Identifier: MIT */
/*
 * What containers printed (Engine API: GET /tasks/ID/logs, GET /services/NAME/logs).
 *
 * Without a terminal the Engine sends frames: byte 0 is the stream (1 stdout, 2 stderr, 3 what the
 * Engine itself has to say), bytes 4-7 the payload's length, big-endian, then the payload.
 */
#ifndef SLIPWAY_DOCKER_LOGS_H
#define SLIPWAY_DOCKER_LOGS_H

#include "docker/client.h"

/* One line; STREAM is as above. TEXT is NUL-terminated, any bytes but NUL and end of line. */
typedef void docker_log_line(void *arg, int stream, const char *text);

struct docker_frames {
    unsigned char head[8];
    size_t have; /* bytes of the head that are there */
    size_t left; /* bytes of the payload that are to come */
    struct buf line[4];
    bool by_frame; /* a line ends with its frame: those of several tasks come mixed */
    docker_log_line *on_line;
    void *arg;
};

void docker_frames_init(struct docker_frames *f, docker_log_line *on_line, void *arg);
void docker_frames_release(struct docker_frames *f);
/* An net_sink; ARG is the struct docker_frames. ERR_MALFORMED: these are no frames. */
int docker_frames_feed(void *arg, const char *data, size_t n, struct err *err);
/* Gives out lines that had no end. */
void docker_frames_end(struct docker_frames *f);

/* The last TAIL lines of a task, oldest first, joined by '\n', UTF-8, in A; "" when it printed
 * nothing. Waits at most WAIT_MS: the node that has them may be gone. */
int docker_task_tail(struct docker *d, struct arena *a, const char *task_id, unsigned tail,
                     int64_t wait_ms, char **out, struct err *err);

/* A line of a service, with `details` and `timestamps`:
 *     2026-11-24T21:17:40.123456789Z com.docker.swarm.node.id=…,….task.id=… the text */
struct docker_entry {
    const char *at; /* as the Engine wrote it: a text that sorts by time */
    const char *task_id, *node_id;
    const char *stream; /* "stdout" or "stderr" */
    const char *text;   /* UTF-8 */
    size_t place;       /* in which it came */
};

struct docker_entries {
    struct docker_entry *list; /* by time */
    size_t n;
    bool broken; /* a node, or the Engine, did not send all of its part */
};

/* Splits LINE. False when it has another form. */
bool docker_entry_read(struct arena *a, int stream, const char *line, struct docker_entry *out);

/* The last lines of every task of the service SERVICE, dead ones that the Swarm remembers included:
 * TAIL of each, or those since SINCE (milliseconds, 0: any). Waits at most WAIT_MS and takes at
 * most 16 MiB; what came until then is the answer. ERR_NOT_FOUND: there is no such service. */
int docker_service_logs(struct docker *d, struct arena *a, const char *service, int64_t tail,
                        int64_t since, int64_t wait_ms, struct docker_entries *out,
                        struct err *err);

#endif
