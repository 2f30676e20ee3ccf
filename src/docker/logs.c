/* SPDX-License-Identifier: MIT */
#include "docker/logs.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { LINE_MAX_BYTES = 8192, FRAME_MAX = 1 << 24, ENGINE_SPEAKS = 3, ALL_MAX = 16 << 20 };

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
            if (h[0] > ENGINE_SPEAKS || h[1] || h[2] || h[3] || f->left > FRAME_MAX)
                return err_set(err, ERR_MALFORMED, "the container's output is not in frames");
            continue;
        }
        size_t piece = n < f->left ? n : f->left;
        payload(f, data, piece);
        data += piece;
        n -= piece;
        f->left -= piece;
        if (!f->left && f->by_frame && f->line[f->head[0]].len)
            flush_stream(f, f->head[0]);
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
    if (stream == ENGINE_SPEAKS)
        return;
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

/* ---- a service */

struct collected {
    struct arena *arena;
    struct docker_entries *out;
    size_t room; /* of out->list */
    size_t bytes;
};

/* The value of KEY in "key=value,key=value" that is N bytes long, or NULL. */
static const char *attribute(struct arena *a, const char *list, size_t n, const char *key)
{
    size_t len = strlen(key);
    for (const char *p = list; p < list + n;) {
        const char *end = memchr(p, ',', n - (size_t)(p - list));
        size_t piece = end ? (size_t)(end - p) : n - (size_t)(p - list);
        if (piece > len && memcmp(p, key, len) == 0 && p[len] == '=')
            return arena_memdup(a, p + len + 1, piece - len - 1);
        p += piece + 1;
    }
    return NULL;
}

bool docker_entry_read(struct arena *a, int stream, const char *line, struct docker_entry *out)
{
    const char *details = strchr(line, ' ');
    if (!details || details == line)
        return false;
    const char *text = strchr(++details, ' ');
    size_t n = text ? (size_t)(text - details) : strlen(details);
    *out = (struct docker_entry){
        .at = arena_memdup(a, line, (size_t)(details - line) - 1),
        .task_id = attribute(a, details, n, "com.docker.swarm.task.id"),
        .node_id = attribute(a, details, n, "com.docker.swarm.node.id"),
        .stream = stream == 2 ? "stderr" : "stdout",
        .text = text ? str_utf8_scrub(a, text + 1, strlen(text + 1)) : "",
    };
    return out->task_id && out->node_id;
}

static void collect(void *arg, int stream, const char *line)
{
    struct collected *c = arg;
    struct docker_entries *out = c->out;
    c->bytes += strlen(line);
    if (stream == ENGINE_SPEAKS) {
        out->broken = true;
        return;
    }
    if (out->n == c->room) {
        size_t room = c->room ? c->room * 2 : 256;
        struct docker_entry *list = ARENA_ARRAY(c->arena, room, struct docker_entry);
        if (out->n)
            memcpy(list, out->list, out->n * sizeof(*list));
        out->list = list;
        c->room = room;
    }
    if (!docker_entry_read(c->arena, stream, line, &out->list[out->n]))
        return;
    out->list[out->n].place = out->n;
    out->n++;
}

struct feed {
    struct docker_frames frames;
    struct collected collected;
};

static void release_feed(struct feed *f)
{
    docker_frames_release(&f->frames);
}

/* An net_sink. */
static int feed(void *arg, const char *data, size_t n, struct err *err)
{
    struct feed *f = arg;
    if (f->collected.bytes > ALL_MAX)
        return err_set(err, ERR_TOO_LARGE, "there is more than is read");
    return docker_frames_feed(&f->frames, data, n, err);
}

static int by_time(const void *x, const void *y)
{
    const struct docker_entry *a = x, *b = y;
    int order = strcmp(a->at, b->at);
    return order ? order : a->place < b->place ? -1 : 1;
}

int docker_service_logs(struct docker *d, struct arena *a, const char *service, int64_t tail,
                        int64_t since, int64_t wait_ms, struct docker_entries *out, struct err *err)
{
    *out = (struct docker_entries){0};
    CLEANUP(release_feed) struct feed f = {.collected = {.arena = a, .out = out}};
    docker_frames_init(&f.frames, collect, &f.collected);
    f.frames.by_frame = true;
    AUTO_BUF path = {0};
    buf_adds(&path, "/services/");
    net_encode(&path, service);
    buf_addf(&path, "/logs?stdout=1&stderr=1&timestamps=1&details=1&tail=%lld", (long long)tail);
    if (since)
        buf_addf(&path, "&since=%lld.%03lld", (long long)(since / 1000), (long long)(since % 1000));
    struct docker_request req = {
        .method = "GET",
        .path = buf_str(&path),
        .sink = feed,
        .sink_arg = &f,
        .total_ms = wait_ms,
    };
    struct err problem = {0};
    int rc = docker_call(d, &req, NULL, &problem);
    docker_frames_end(&f.frames);
    if (rc < 0 && (problem.code == ERR_NOT_FOUND || !out->n)) {
        *err = problem;
        return err_wrap(err, "could not read what service '%s' printed", service);
    }
    out->broken |= rc < 0;
    if (out->n)
        qsort(out->list, out->n, sizeof(*out->list), by_time);
    return 0;
}
