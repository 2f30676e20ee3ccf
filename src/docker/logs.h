/* SPDX-License-Identifier: MIT */
/*
 * What containers printed (Engine API: GET /tasks/ID/logs).
 *
 * Without a terminal the Engine sends frames: byte 0 is the stream (1 stdout, 2 stderr), bytes 4-7
 * the payload's length, big-endian, then the payload.
 */
#ifndef SLIPWAY_DOCKER_LOGS_H
#define SLIPWAY_DOCKER_LOGS_H

#include "docker/client.h"

/* One line; STREAM is 1 or 2. TEXT is NUL-terminated, any bytes but NUL and end of line. */
typedef void docker_log_line(void *arg, int stream, const char *text);

struct docker_frames {
    unsigned char head[8];
    size_t have; /* bytes of the head that are there */
    size_t left; /* bytes of the payload that are to come */
    struct buf line[3];
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

#endif
