/* SPDX-License-Identifier: MIT */
#include "docker/image.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum { MESSAGE_MAX = 16 * 1024 * 1024, BUILD_IDLE_MS = -1, PUSH_IDLE_MS = 120000 };

void docker_messages_init(struct docker_messages *m, docker_line *on_line, void *arg)
{
    *m = (struct docker_messages){.on_line = on_line, .arg = arg};
    docker_trace_init(&m->trace, on_line, arg);
}

void docker_messages_release(struct docker_messages *m)
{
    buf_release(&m->pending);
    docker_trace_release(&m->trace);
}

static void say_lines(struct docker_messages *m, const char *text)
{
    AUTO_BUF line = {0};
    for (const char *p = text; *p; p++) {
        if (*p == '\n' || *p == '\r') {
            if (line.len)
                m->on_line(m->arg, buf_str(&line));
            buf_clear(&line);
        } else {
            buf_addc(&line, *p);
        }
    }
    if (line.len)
        m->on_line(m->arg, buf_str(&line));
}

static void say_status(struct docker_messages *m, struct json_object *o, const char *status)
{
    /* the bars would be thousands of lines */
    if (json_at(o, "progressDetail/total") || str_eq(status, "Waiting"))
        return;
    const char *id = json_str_at(o, "id");
    AUTO_BUF line = {0};
    buf_addf(&line, "%s%s%s", id ? id : "", id ? ": " : "", status);
    say_lines(m, buf_str(&line));
}

static int take_message(struct docker_messages *m, const char *text, size_t n, struct err *err)
{
    AUTO_JSON *o = NULL;
    if (json_parse(text, n, &o, err) < 0)
        return err_wrap(err, "could not read the Docker Engine's progress");
    const char *error = json_str_at(o, "errorDetail/message");
    if (!error)
        error = json_str_at(o, "error");
    if (error) {
        m->failed = true;
        snprintf(m->error, sizeof(m->error), "%s", error);
        str_utf8_trim(m->error);
        return 0;
    }
    const char *s;
    if (str_eq(json_str_at(o, "id"), "moby.buildkit.trace")) {
        s = json_str_at(o, "aux");
        return s ? docker_trace_feed64(&m->trace, s, err) : 0;
    }
    if ((s = json_str_at(o, "aux/ID")))
        snprintf(m->id, sizeof(m->id), "%s", s);
    if ((s = json_str_at(o, "aux/Digest")))
        snprintf(m->digest, sizeof(m->digest), "%s", s);
    if ((s = json_str_at(o, "stream")))
        say_lines(m, s);
    if ((s = json_str_at(o, "status")))
        say_status(m, o, s);
    return 0;
}

int docker_messages_feed(void *arg, const char *data, size_t n, struct err *err)
{
    struct docker_messages *m = arg;
    while (n) {
        const char *end = memchr(data, '\n', n);
        size_t piece = end ? (size_t)(end - data) + 1 : n;
        if (m->pending.len + piece > MESSAGE_MAX)
            return err_set(err, ERR_TOO_LARGE, "a progress message is longer than %d bytes",
                           MESSAGE_MAX);
        buf_add(&m->pending, data, piece);
        data += piece;
        n -= piece;
        if (!end)
            break;
        size_t len = m->pending.len;
        while (len && strchr("\r\n", m->pending.data[len - 1]))
            len--;
        int rc = len ? take_message(m, m->pending.data, len, err) : 0;
        buf_clear(&m->pending);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* The Engine's words for "not my fault, and not the Dockerfile's". */
static bool says_away(const char *message)
{
    static const char *const words[] = {
        "connection refused",
        "i/o timeout",
        "TLS handshake timeout",
        "context canceled",
        "code = Unavailable",
        "unexpected HTTP status: 5",
        "503 Service",
        "502 Bad Gateway",
        "connection reset by peer",
        ": EOF",
        "transport is closing",
    };
    /* what a RUN printed is the user's, whatever it says */
    if (strstr(message, "did not complete successfully") || strstr(message, "returned a non-zero"))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strstr(message, words[i]))
            return true;
    return false;
}

int docker_messages_end(struct docker_messages *m, struct err *err)
{
    if (m->pending.len && docker_messages_feed(m, "\n", 1, err) < 0)
        return -1;
    docker_trace_flush(&m->trace);
    if (!m->failed)
        return 0;
    err_set(err, says_away(m->error) ? ERR_UNAVAILABLE : ERR_INVALID, "%s", m->error);
    return -1;
}

/* Runs REQ with a message stream as the answer. */
static int run_messages(struct docker *d, struct docker_request *req, struct docker_messages *m,
                        struct err *err)
{
    req->method = "POST";
    req->sink = docker_messages_feed;
    req->sink_arg = m;
    req->total_ms = -1;
    if (docker_call(d, req, NULL, err) < 0)
        return -1;
    return docker_messages_end(m, err);
}

static void query(struct buf *path, const char *key, const char *value)
{
    if (!value)
        return;
    buf_addf(path, "%c%s=", strchr(buf_str(path), '?') ? '&' : '?', key);
    net_encode(path, value);
}

int docker_image_build(struct docker *d, struct arena *a, const struct docker_build *b, char **id,
                       struct err *err)
{
    AUTO_BUF path = {0};
    buf_adds(&path, "/build");
    for (size_t i = 0; b->tags[i]; i++)
        query(&path, "t", b->tags[i]);
    query(&path, "dockerfile", b->dockerfile);
    query(&path, "target", str_empty(b->target) ? NULL : b->target);
    query(&path, "buildargs", b->args_json);
    query(&path, "labels", b->labels_json);
    query(&path, "rm", "1");
    query(&path, "forcerm", "1");
    query(&path, "version", b->classic ? "1" : "2");

    CLEANUP(docker_messages_release) struct docker_messages m;
    docker_messages_init(&m, b->on_line, b->line_arg);
    struct docker_request req = {.path = buf_str(&path),
                                 .type = "application/x-tar",
                                 .source = b->context,
                                 .source_arg = b->context_arg,
                                 .idle_ms = BUILD_IDLE_MS};
    if (run_messages(d, &req, &m, err) < 0) {
        docker_trace_flush(&m.trace);
        return -1;
    }
    if (!m.id[0])
        return err_set(err, ERR_UNAVAILABLE, "the Docker Engine ended the build without an image");
    *id = arena_strdup(a, m.id);
    return 0;
}

/* A name in a path: '/', ':' and '@' stay. */
static void add_name(struct buf *path, const char *name)
{
    for (; *name; name++) {
        char one[2] = {*name, '\0'};
        if (strchr("/:@", *name))
            buf_addc(path, *name);
        else
            net_encode(path, one);
    }
}

int docker_image_push(struct docker *d, struct arena *a, const char *name, const char *tag,
                      const char *auth, docker_line *on_line, void *line_arg, char **digest,
                      struct err *err)
{
    AUTO_BUF path = {0};
    buf_adds(&path, "/images/");
    add_name(&path, name);
    buf_adds(&path, "/push");
    query(&path, "tag", tag);
    CLEANUP(docker_messages_release) struct docker_messages m;
    docker_messages_init(&m, on_line, line_arg);
    struct docker_request req = {.path = buf_str(&path), .auth = auth, .idle_ms = PUSH_IDLE_MS};
    if (run_messages(d, &req, &m, err) < 0)
        return err_wrap(err, "could not push '%s:%s'", name, tag);
    if (!m.digest[0])
        return err_set(err, ERR_UNAVAILABLE,
                       "could not push '%s:%s': the Docker Engine named no digest", name, tag);
    *digest = arena_strdup(a, m.digest);
    return 0;
}

static void no_line(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

int docker_image_pull(struct docker *d, const char *ref, const char *auth, int64_t idle_ms,
                      struct err *err)
{
    AUTO_ARENA scratch = {0};
    char *name, *tag;
    docker_image_split(&scratch, ref, &name, &tag);
    AUTO_BUF path = {0};
    buf_adds(&path, "/images/create");
    query(&path, "fromImage", name);
    query(&path, "tag", tag ? tag : "latest");
    CLEANUP(docker_messages_release) struct docker_messages m;
    docker_messages_init(&m, no_line, NULL);
    struct docker_request req = {.path = buf_str(&path), .auth = auth, .idle_ms = idle_ms};
    if (run_messages(d, &req, &m, err) < 0)
        return err_wrap(err, "could not pull '%s'", ref);
    return 0;
}

int docker_image_inspect(struct docker *d, const char *ref, struct json_object **out,
                         struct err *err)
{
    AUTO_BUF path = {0};
    buf_adds(&path, "/images/");
    add_name(&path, ref);
    buf_adds(&path, "/json");
    return docker_get(d, buf_str(&path), out, err);
}

int docker_image_remove(struct docker *d, const char *ref, struct err *err)
{
    AUTO_BUF path = {0};
    buf_adds(&path, "/images/");
    add_name(&path, ref);
    struct docker_request req = {.method = "DELETE", .path = buf_str(&path)};
    struct err problem;
    if (docker_call(d, &req, NULL, &problem) == 0 || problem.code == ERR_NOT_FOUND)
        return 0;
    *err = problem;
    return err_wrap(err, "could not remove the image '%s'", ref);
}

void docker_image_split(struct arena *a, const char *ref, char **name, char **tag)
{
    const char *at = strchr(ref, '@');
    const char *slash = strrchr(ref, '/');
    size_t end = at ? (size_t)(at - ref) : strlen(ref);
    const char *colon = NULL;
    for (const char *p = slash ? slash : ref; p < ref + end; p++)
        if (*p == ':')
            colon = p;
    *name = arena_memdup(a, ref, colon ? (size_t)(colon - ref) : end);
    *tag = at      ? arena_strdup(a, at + 1)
           : colon ? arena_memdup(a, colon + 1, end - (size_t)(colon - ref) - 1)
                   : NULL;
}

bool docker_image_is_of(const char *ref, const char *address)
{
    size_t n = strlen(address ? address : "");
    return n && strncmp(ref, address, n) == 0 && ref[n] == '/';
}
