/* SPDX-License-Identifier: MIT */
#include "docker/logs.h"

#include <string.h>

#include "base/str.h"

enum { LINE_MAX_BYTES = 8192, FRAME_MAX = 1 << 24 };

void docker_frames_init(struct docker_frames *f, docker_log_line *on_line, void *arg)
{
    *f = (struct docker_frames){.on_line = on_line, .arg = arg};
}

void docker_frames_release(struct docker_frames *f)
{
    for (size_t i = 0; i < ARRAY_LEN(f->line); i++)
        buf_release(&f->line[i]);
}

static void flush_stream(struct docker_frames *f, int stream)
{
    f->on_line(f->arg, stream, buf_str(&f->line[stream]));
    buf_clear(&f->line[stream]);
}

static void payload(struct docker_frames *f, const char *data, size_t n)
{
    int stream = f->head[0];
    for (size_t i = 0; i < n; i++) {
        if (data[i] == '\n')
            flush_stream(f, stream);
        else if (f->line[stream].len < LINE_MAX_BYTES && data[i] != '\r' && data[i])
            buf_addc(&f->line[stream], data[i]);
    }
}

int docker_frames_feed(void *arg, const char *data, size_t n, struct err *err)
{
    struct docker_frames *f = arg;
    while (n) {
        if (!f->left) {
            f->head[f->have++] = (unsigned char)*data++;
            n--;
            if (f->have < sizeof(f->head))
                continue;
            const unsigned char *h = f->head;
            f->left = (size_t)h[4] << 24 | (size_t)h[5] << 16 | (size_t)h[6] << 8 | h[7];
            f->have = 0;
            if (h[0] > 2 || h[1] || h[2] || h[3] || f->left > FRAME_MAX)
                return err_set(err, ERR_MALFORMED, "the container's output is not in frames");
            continue;
        }
        size_t piece = n < f->left ? n : f->left;
        payload(f, data, piece);
        data += piece;
        n -= piece;
        f->left -= piece;
    }
    return 0;
}

void docker_frames_end(struct docker_frames *f)
{
    for (int i = 0; i < (int)ARRAY_LEN(f->line); i++)
        if (f->line[i].len)
            flush_stream(f, i);
}

static void keep_line(void *arg, int stream, const char *text)
{
    struct buf *all = arg;
    (void)stream;
    if (all->len)
        buf_addc(all, '\n');
    buf_adds(all, text);
}

int docker_task_tail(struct docker *d, struct arena *a, const char *task_id, unsigned tail,
                     int64_t wait_ms, char **out, struct err *err)
{
    AUTO_BUF all = {0};
    CLEANUP(docker_frames_release) struct docker_frames f;
    docker_frames_init(&f, keep_line, &all);
    struct docker_request req = {
        .method = "GET",
        .path = arena_printf(a, "/tasks/%s/logs?stdout=1&stderr=1&tail=%u", task_id, tail),
        .sink = docker_frames_feed,
        .sink_arg = &f,
        .total_ms = wait_ms,
    };
    struct err problem;
    int rc = docker_call(d, &req, NULL, &problem);
    docker_frames_end(&f);
    /* what came before a silence is better than nothing */
    if (rc < 0 && !all.len) {
        *err = problem;
        return err_wrap(err, "could not read what task %s printed", task_id);
    }
    *out = str_utf8_scrub(a, all.data ? all.data : "", all.len);
    return 0;
}
