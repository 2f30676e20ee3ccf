/* SPDX-License-Identifier: MIT */
#include "docker/trace.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/str.h"

enum { LINE_MAX_BYTES = 4096 };

struct trace_vertex {
    struct trace_vertex *next;
    const char *digest;
    const char *name;
    unsigned number; /* 0: not shown yet */
    bool ended;
    struct buf line; /* printed without an end of line so far */
};

/* A piece of protobuf being read (protobuf.dev/programming-guides/encoding). */
struct wire {
    const unsigned char *p, *end;
    bool bad;
};

struct field {
    unsigned number;
    uint64_t value;    /* varint */
    struct wire bytes; /* length-delimited */
};

static uint64_t varint(struct wire *w)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (w->p == w->end)
            break;
        unsigned char c = *w->p++;
        v |= (uint64_t)(c & 0x7F) << shift;
        if (!(c & 0x80))
            return v;
    }
    w->bad = true;
    return 0;
}

static bool skip(struct wire *w, size_t n)
{
    if ((size_t)(w->end - w->p) < n) {
        w->bad = true;
        return false;
    }
    w->p += n;
    return true;
}

static bool next_field(struct wire *w, struct field *f)
{
    *f = (struct field){0};
    if (w->bad || w->p == w->end)
        return false;
    uint64_t key = varint(w);
    f->number = (unsigned)(key >> 3);
    switch (key & 7) {
    case 0:
        f->value = varint(w);
        break;
    case 1:
        skip(w, 8);
        break;
    case 2: {
        uint64_t n = varint(w);
        const unsigned char *start = w->p;
        if (!w->bad && n <= (uint64_t)(w->end - w->p) && skip(w, (size_t)n))
            f->bytes = (struct wire){start, w->p, false};
        else
            w->bad = true;
        break;
    }
    case 5:
        skip(w, 4);
        break;
    default:
        w->bad = true;
    }
    return !w->bad;
}

static char *text_of(struct arena *a, const struct wire *w)
{
    return str_utf8_scrub(a, w->p ? (const char *)w->p : "", (size_t)(w->end - w->p));
}

/* google.protobuf.Timestamp in seconds */
static double time_of(struct wire w)
{
    double t = 0;
    for (struct field f; next_field(&w, &f);) {
        if (f.number == 1)
            t += (double)f.value;
        else if (f.number == 2)
            t += (double)f.value / 1e9;
    }
    return t;
}

void docker_trace_init(struct docker_trace *t, docker_line *on_line, void *arg)
{
    *t = (struct docker_trace){.on_line = on_line, .arg = arg};
    arena_init(&t->arena, 0);
}

void docker_trace_release(struct docker_trace *t)
{
    for (struct trace_vertex *v = t->vertices; v; v = v->next)
        buf_release(&v->line);
    arena_release(&t->arena);
    t->vertices = NULL;
}

static struct trace_vertex *vertex(struct docker_trace *t, const struct wire *digest)
{
    AUTO_ARENA scratch = {0};
    const char *name = text_of(&scratch, digest);
    for (struct trace_vertex *v = t->vertices; v; v = v->next)
        if (str_eq(v->digest, name))
            return v;
    struct trace_vertex *v = ARENA_NEW(&t->arena, struct trace_vertex);
    v->digest = arena_strdup(&t->arena, name);
    v->name = "";
    v->next = t->vertices;
    t->vertices = v;
    return v;
}

static void say(struct docker_trace *t, struct trace_vertex *v, const char *text)
{
    AUTO_BUF line = {0};
    if (!v->number) {
        v->number = ++t->count;
        buf_addf(&line, "#%u %s", v->number, v->name);
        t->on_line(t->arg, buf_str(&line));
        buf_clear(&line);
    }
    if (!text)
        return;
    buf_addf(&line, "#%u %s", v->number, text);
    t->on_line(t->arg, buf_str(&line));
}

static void flush_line(struct docker_trace *t, struct trace_vertex *v)
{
    if (!v->line.len)
        return;
    AUTO_ARENA scratch = {0};
    say(t, v, str_utf8_scrub(&scratch, v->line.data, v->line.len));
    buf_clear(&v->line);
}

void docker_trace_flush(struct docker_trace *t)
{
    for (struct trace_vertex *v = t->vertices; v; v = v->next)
        flush_line(t, v);
}

static void end_vertex(struct docker_trace *t, struct trace_vertex *v, const char *error,
                       bool cached, double took, bool shown)
{
    AUTO_BUF text = {0};
    v->ended = true;
    flush_line(t, v);
    if (!str_empty(error)) {
        buf_addf(&text, "ERROR %s", error);
        say(t, v, buf_str(&text));
        t->failed = v->name;
    } else if (shown && cached) {
        say(t, v, "CACHED");
    } else if (shown) {
        buf_addf(&text, "DONE %.1f s", took);
        say(t, v, buf_str(&text));
    }
}

static void feed_vertex(struct docker_trace *t, struct wire w)
{
    struct wire digest = {0}, name = {0}, error = {0};
    double started = 0, completed = 0;
    bool cached = false;
    for (struct field f; next_field(&w, &f);) {
        switch (f.number) {
        case 1:
            digest = f.bytes;
            break;
        case 3:
            name = f.bytes;
            break;
        case 4:
            cached = f.value != 0;
            break;
        case 5:
            started = time_of(f.bytes);
            break;
        case 6:
            completed = time_of(f.bytes);
            break;
        case 7:
            error = f.bytes;
            break;
        default:
            break;
        }
    }
    struct trace_vertex *v = vertex(t, &digest);
    if (name.p)
        v->name = text_of(&t->arena, &name);
    bool shown = !str_starts(v->name, "[internal]");
    if (shown && started > 0 && !v->number)
        say(t, v, NULL);
    if ((completed > 0 || error.p) && !v->ended)
        end_vertex(t, v, text_of(&t->arena, &error), cached, completed - started, shown);
}

static void feed_log(struct docker_trace *t, struct wire w)
{
    struct wire digest = {0}, bytes = {0};
    for (struct field f; next_field(&w, &f);) {
        if (f.number == 1)
            digest = f.bytes;
        else if (f.number == 4)
            bytes = f.bytes;
    }
    struct trace_vertex *v = vertex(t, &digest);
    for (; bytes.p < bytes.end; bytes.p++) {
        if (*bytes.p == '\n' || v->line.len >= LINE_MAX_BYTES)
            flush_line(t, v);
        if (*bytes.p != '\n' && *bytes.p != '\r')
            buf_addc(&v->line, (char)*bytes.p);
    }
}

int docker_trace_feed(struct docker_trace *t, const void *data, size_t n, struct err *err)
{
    struct wire w = {data, (const unsigned char *)data + n, false};
    for (struct field f; next_field(&w, &f);) {
        if (f.number == 1)
            feed_vertex(t, f.bytes);
        else if (f.number == 3)
            feed_log(t, f.bytes);
    }
    return w.bad ? err_set(err, ERR_MALFORMED, "the build's progress is not a BuildKit trace") : 0;
}

int docker_trace_feed64(struct docker_trace *t, const char *text, struct err *err)
{
    size_t n = strlen(text);
    unsigned char *raw = malloc(n / 4 * 3 + 4);
    if (!raw)
        base_oom(n);
    int got = EVP_DecodeBlock(raw, (const unsigned char *)text, (int)n);
    size_t padding = n >= 2 ? (size_t)(text[n - 1] == '=') + (size_t)(text[n - 2] == '=') : 0;
    int rc;
    if (got < 0)
        rc = err_set(err, ERR_MALFORMED, "the build's progress is not base64");
    else
        rc = docker_trace_feed(t, raw, (size_t)got - padding, err);
    free(raw);
    return rc;
}
