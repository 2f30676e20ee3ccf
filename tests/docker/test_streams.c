/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "docker/image.h"
#include "docker/logs.h"
#include "tests/tap.h"

static void collect(void *arg, const char *text)
{
    buf_addf(arg, "%s\n", text);
}

static void collect_log(void *arg, int stream, const char *text)
{
    buf_addf(arg, "%d:%s\n", stream, text);
}

/* Feeds a recorded answer in pieces of STEP bytes. */
static int feed(const char *name, size_t step, struct docker_messages *m, struct err *err)
{
    AUTO_BUF text = {0};
    char path[1024], chunk[4096];
    snprintf(path, sizeof(path), "%s/%s", TEST_DATA_DIR, name);
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (size_t n; (n = fread(chunk, 1, sizeof(chunk), file)) > 0;)
        buf_add(&text, chunk, n);
    fclose(file);
    for (size_t i = 0; i < text.len; i += step) {
        size_t n = text.len - i < step ? text.len - i : step;
        if (docker_messages_feed(m, text.data + i, n, err) < 0)
            return -1;
    }
    return docker_messages_end(m, err);
}

static void buildkit(void)
{
    static const size_t steps[] = {1, 7, 1000, 100000};
    AUTO_BUF first = {0};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        AUTO_BUF lines = {0};
        struct err err = {0};
        struct docker_messages m;
        docker_messages_init(&m, collect, &lines);
        TAP_OK(feed("build-buildkit.ndjson", steps[i], &m, &err), &err);
        CU_ASSERT(str_starts(m.id, "sha256:"));
        docker_messages_release(&m);
        const char *text = buf_str(&lines);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "RUN echo compiling"));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, " compiling\n"));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, " half a line\n"));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, " out\n"));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, " err\n"));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, " DONE "));
        CU_ASSERT_PTR_NULL(strstr(text, "[internal]"));
        if (!i)
            buf_adds(&first, text);
        TAP_STR(text, buf_str(&first));
    }
}

static void failures(void)
{
    AUTO_BUF lines = {0};
    struct err err = {0};
    struct docker_messages m;
    docker_messages_init(&m, collect, &lines);
    CU_ASSERT_EQUAL(feed("build-buildkit-failed.ndjson", 100, &m, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_INVALID);
    TAP_STR(err.msg, "executor failed running [/bin/sh -c echo out && exit 3]: exit code: 3");
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&lines), " ERROR "));
    docker_messages_release(&m);

    docker_messages_init(&m, collect, &lines);
    CU_ASSERT_EQUAL(feed("build-classic-failed.ndjson", 100, &m, &err), -1);
    TAP_STR(err.msg, "The command '/bin/sh -c echo out && exit 3' returned a non-zero code: 3");
    docker_messages_release(&m);
}

static void one_error(const char *message, enum err_code code)
{
    AUTO_BUF text = {0};
    AUTO_BUF lines = {0};
    struct err err = {0};
    struct docker_messages m;
    buf_addf(&text, "{\"errorDetail\":{\"message\":\"%s\"},\"error\":\"x\"}\r\n", message);
    docker_messages_init(&m, collect, &lines);
    TAP_OK(docker_messages_feed(&m, text.data, text.len, &err), &err);
    CU_ASSERT_EQUAL(docker_messages_end(&m, &err), -1);
    CU_ASSERT_EQUAL(err.code, code);
    docker_messages_release(&m);
}

static void whose_fault(void)
{
    one_error("Get http://r:5000/v2/: dial tcp 10.0.0.1:5000: connect: connection refused",
              ERR_UNAVAILABLE);
    one_error("received unexpected HTTP status: 503 Service Unavailable", ERR_UNAVAILABLE);
    one_error("context canceled", ERR_UNAVAILABLE);
    one_error("denied: requested access to the resource is denied", ERR_INVALID);
    one_error("process \\\"/bin/sh -c curl x\\\" did not complete successfully: connection refused",
              ERR_INVALID);
}

static void messages(void)
{
    AUTO_BUF lines = {0};
    struct err err = {0};
    struct docker_messages m;
    docker_messages_init(&m, collect, &lines);
    const char *text =
        "{\"status\":\"Pushing\",\"progressDetail\":{\"current\":1,\"total\":9},"
        "\"id\":\"a\"}\r\n{\"status\":\"Pushed\",\"progressDetail\":{},\"id\":\"a\"}\r\n"
        "{\"stream\":\"one\\ntwo\\n\"}\n{\"aux\":{\"Tag\":\"1\",\"Digest\":"
        "\"sha256:dd\",\"Size\":1}}";
    TAP_OK(docker_messages_feed(&m, text, strlen(text), &err), &err);
    TAP_OK(docker_messages_end(&m, &err), &err);
    TAP_STR(m.digest, "sha256:dd");
    TAP_STR(buf_str(&lines), "a: Pushed\none\ntwo\n");
    CU_ASSERT_EQUAL(docker_messages_feed(&m, "not json\n", 9, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_MALFORMED);
    docker_messages_release(&m);
}

/* Every shortened and every flipped trace is refused or read, and never more. */
static void damaged_trace(void)
{
    static const unsigned char good[] = {0x0A, 0x10, 0x0A, 0x02, 'd',  '1',  0x1A, 0x04, 'n',  'a',
                                         'm',  'e',  0x2A, 0x04, 0x08, 0x05, 0x10, 0x06, 0x1A, 0x0A,
                                         0x0A, 0x02, 'd',  '1',  0x22, 0x04, 'a',  '\n', 'b',  'c'};
    for (size_t n = 0; n <= sizeof(good); n++) {
        for (unsigned flip = 0; flip < 256; flip += 5) {
            AUTO_BUF lines = {0};
            struct err err;
            struct docker_trace t;
            unsigned char *copy = malloc(n + 1);
            memcpy(copy, good, n);
            if (n)
                copy[n - 1] = (unsigned char)(copy[n - 1] ^ flip);
            docker_trace_init(&t, collect, &lines);
            docker_trace_feed(&t, copy, n, &err);
            docker_trace_flush(&t);
            docker_trace_release(&t);
            free(copy);
        }
    }
    AUTO_BUF lines = {0};
    struct err err = {0};
    struct docker_trace t;
    docker_trace_init(&t, collect, &lines);
    TAP_OK(docker_trace_feed(&t, good, sizeof(good), &err), &err);
    docker_trace_flush(&t);
    TAP_STR(buf_str(&lines), "#1 name\n#1 a\n#1 bc\n");
    CU_ASSERT_EQUAL(docker_trace_feed64(&t, "!!!!", &err), -1);
    docker_trace_release(&t);
}

static void frames(void)
{
    static const char data[] = "\1\0\0\0\0\0\0\4one\n"
                               "\2\0\0\0\0\0\0\6bad\nun"
                               "\1\0\0\0\0\0\0\3two"
                               "\2\0\0\0\0\0\0\6ended\n";
    for (size_t step = 1; step < sizeof(data); step++) {
        AUTO_BUF lines = {0};
        struct err err = {0};
        struct docker_frames f;
        docker_frames_init(&f, collect_log, &lines);
        for (size_t i = 0; i < sizeof(data) - 1; i += step) {
            size_t n = sizeof(data) - 1 - i < step ? sizeof(data) - 1 - i : step;
            TAP_OK(docker_frames_feed(&f, data + i, n, &err), &err);
        }
        docker_frames_end(&f);
        TAP_STR(buf_str(&lines), "1:one\n2:bad\n2:unended\n1:two\n");
        docker_frames_release(&f);
    }
    struct err err = {0};
    struct docker_frames f;
    docker_frames_init(&f, collect_log, NULL);
    CU_ASSERT_EQUAL(docker_frames_feed(&f, "plain text of a terminal", 24, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_MALFORMED);
    docker_frames_release(&f);
}

/* Two tasks' output mixed, a line that the Engine cut, and a word of the Engine itself. */
static void mixed_frames(void)
{
    static const char data[] = "\1\0\0\0\0\0\0\3one"
                               "\1\0\0\0\0\0\0\4two\n"
                               "\3\0\0\0\0\0\0\5sorry";
    AUTO_BUF lines = {0};
    struct err err = {0};
    struct docker_frames f;
    docker_frames_init(&f, collect_log, &lines);
    f.by_frame = true;
    TAP_OK(docker_frames_feed(&f, data, sizeof(data) - 1, &err), &err);
    docker_frames_end(&f);
    TAP_STR(buf_str(&lines), "1:one\n1:two\n3:sorry\n");
    docker_frames_release(&f);
}

static void entries(void)
{
    AUTO_ARENA a = {0};
    struct docker_entry e;
    CU_ASSERT(docker_entry_read(&a, 2,
                                "2026-11-24T21:17:40.123456789Z com.docker.swarm.node.id=n1,"
                                "com.docker.swarm.service.id=s1,com.docker.swarm.task.id=t1 a  b ",
                                &e));
    TAP_STR(e.at, "2026-11-24T21:17:40.123456789Z");
    TAP_STR(e.node_id, "n1");
    TAP_STR(e.task_id, "t1");
    TAP_STR(e.stream, "stderr");
    TAP_STR(e.text, "a  b ");
    CU_ASSERT(docker_entry_read(
        &a, 1, "2026 com.docker.swarm.node.id=n1,com.docker.swarm.task.id=t1", &e));
    TAP_STR(e.text, "");
    CU_ASSERT_FALSE(docker_entry_read(&a, 1, "", &e));
    CU_ASSERT_FALSE(docker_entry_read(&a, 1, "2026-11-24T21:17:40Z", &e));
    CU_ASSERT_FALSE(docker_entry_read(&a, 1, "2026 com.docker.swarm.task.id=t1 x", &e));
}

const struct tap_test stream_tests[] = {
    {"a recorded BuildKit build as lines", buildkit},
    {"recorded builds that failed", failures},
    {"whose fault an error is", whose_fault},
    {"progress of a push", messages},
    {"a damaged trace", damaged_trace},
    {"frames of output, cut anywhere", frames},
    {"frames of several tasks stay apart", mixed_frames},
    {"a service's line and where it is from", entries},
    {NULL, NULL},
};
