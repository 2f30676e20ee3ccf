/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "docker/client.h"
#include "docker/image.h"
#include "docker/service.h"
#include "tests/tap.h"

static void negotiates(void)
{
    struct err err = {0};
    char v[16];
    /* Engine 20.10, 24, 27, 28, 29 as they answer GET /version */
    static const char *const known[][3] = {{"1.41", "1.12", "1.41"},
                                           {"1.43", "1.12", "1.43"},
                                           {"1.47", "1.24", "1.47"},
                                           {"1.51", "1.24", "1.47"},
                                           {"1.52", "1.44", "1.47"}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        TAP_OK(docker_negotiate(known[i][0], known[i][1], v, &err), &err);
        TAP_STR(v, known[i][2]);
    }
    TAP_OK(docker_negotiate("1.45", NULL, v, &err), &err);
    CU_ASSERT_EQUAL(docker_negotiate("1.40", "1.12", v, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "too old"));
    CU_ASSERT_EQUAL(docker_negotiate("1.60", "1.48", v, &err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "too new"));
    CU_ASSERT_EQUAL(docker_negotiate("", NULL, v, &err), -1);
    CU_ASSERT_EQUAL(docker_negotiate("1.4x", NULL, v, &err), -1);
    CU_ASSERT_EQUAL(docker_negotiate(NULL, NULL, v, &err), -1);
}

static void status(int http, const char *body, enum err_code code, const char *msg)
{
    struct err err = {0};
    CU_ASSERT_EQUAL(docker_status_error(http, body, strlen(body), &err), -1);
    CU_ASSERT_EQUAL(err.code, code);
    TAP_STR(err.msg, msg);
}

static void error_answers(void)
{
    status(
        400,
        "{\"message\":\"client version 1.42 is too new. Maximum supported API version is 1.41\"}\n",
        ERR_INVALID,
        "the Docker Engine answered 400: client version 1.42 is too new. Maximum supported API "
        "version is 1.41");
    status(400, "client version 1.11 is too old. Minimum supported API version is 1.12\n",
           ERR_INVALID,
           "the Docker Engine answered 400: client version 1.11 is too old. Minimum supported API "
           "version is 1.12");
    status(404, "{\"message\":\"service x not found\"}", ERR_NOT_FOUND,
           "the Docker Engine answered 404: service x not found");
    status(500, "{\"message\":\"rpc error: code = Unknown desc = update out of sequence\"}",
           ERR_PRECONDITION,
           "the Docker Engine answered 500: rpc error: code = Unknown desc = update out of "
           "sequence");
    status(500,
           "{\"message\":\"rpc error: code = DeadlineExceeded desc = context deadline exceeded\"}",
           ERR_UNAVAILABLE,
           "the Docker Engine answered 500: rpc error: code = DeadlineExceeded desc = context "
           "deadline exceeded");
    status(503, "{\"message\":\"This node is not a swarm manager.\"}", ERR_UNAVAILABLE,
           "the Docker Engine answered 503: This node is not a swarm manager.");
    status(500, "", ERR_INTERNAL, "the Docker Engine answered 500");
    status(409, "\xff", ERR_CONFLICT, "the Docker Engine answered 409: \xEF\xBF\xBD");
}

static void hosts(void)
{
    struct err err = {0};
    static const char *const bad[] = {
        "",          "/var/run/docker.sock", "unix://", "unix://relative", "tcp://", "http://x",
        "ssh://host"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO_DOCKER d;
        struct docker_options o = {.host = bad[i]};
        CU_ASSERT_EQUAL(docker_open(&d, &o, &err), -1);
        CU_ASSERT_EQUAL(err.code, ERR_INVALID);
    }
    AUTO_DOCKER d;
    struct docker_options o = {.host = "tcp://10.0.0.1:2376", .tls_ca = "/ca.pem"};
    TAP_OK(docker_open(&d, &o, &err), &err);
    TAP_STR(d.target.base, "https://10.0.0.1:2376");
}

static void away(void)
{
    AUTO_DOCKER d;
    struct err err = {0};
    struct docker_options o = {.host = "unix:///nonexistent/docker.sock"};
    TAP_OK(docker_open(&d, &o, &err), &err);
    CU_ASSERT_EQUAL(docker_connect(&d, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_UNAVAILABLE);
    TAP_STR(err.msg, "the Docker Engine at unix:///nonexistent/docker.sock cannot be reached");
}

static void auth(void)
{
    AUTO_ARENA a = {0};
    TAP_STR(docker_registry_auth(&a, "r:5000", "", NULL), "e30=");
    TAP_STR(docker_registry_auth(&a, "r:5000", "u", "p"),
            "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAiLCJzZXJ2ZXJhZGRyZXNzIjoicjo1MDAwIn0=");
}

static void names(void)
{
    AUTO_ARENA a = {0};
    static const char *const rows[][3] = {
        {"web", "web", NULL},
        {"web:1", "web", "1"},
        {"127.0.0.1:5000/web", "127.0.0.1:5000/web", NULL},
        {"127.0.0.1:5000/a/web:x-1", "127.0.0.1:5000/a/web", "x-1"},
        {"r:5000/web:1@sha256:ab", "r:5000/web", "sha256:ab"},
        {"web@sha256:ab", "web", "sha256:ab"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *name, *tag;
        docker_image_split(&a, rows[i][0], &name, &tag);
        TAP_STR(name, rows[i][1]);
        TAP_STR(tag, rows[i][2]);
    }
}

/* As many ports as a task has. */
static void many_ports(void)
{
    AUTO_ARENA a = {0};
    AUTO_JSON *list = NULL;
    AUTO_BUF text = {0};
    struct err err = {0};
    buf_adds(&text, "[{\"ID\":\"t\",\"Status\":{\"PortStatus\":{\"Ports\":[");
    for (int i = 0; i < 20; i++)
        buf_addf(&text, "%s{\"TargetPort\":%d,\"PublishedPort\":%d}", i ? "," : "", 8000 + i,
                 32000 + i);
    buf_adds(&text, "]}}}]");
    TAP_OK(json_parse(buf_str(&text), text.len, &list, &err), &err);
    struct docker_tasks t;
    docker_tasks_read(&a, list, &t);
    CU_ASSERT_EQUAL_FATAL(t.n, 1);
    CU_ASSERT_EQUAL_FATAL(t.items[0].n_ports, 20);
    CU_ASSERT_EQUAL(t.items[0].ports[19].target, 8019);
    CU_ASSERT_EQUAL(t.items[0].ports[19].published, 32019);
}

static void tasks(void)
{
    AUTO_ARENA a = {0};
    AUTO_JSON *list = NULL;
    struct err err = {0};
    const char *text =
        "[{\"ID\":\"t1\",\"CreatedAt\":\"2026-11-24T18:00:00.5Z\",\"Slot\":1,\"DesiredState\":"
        "\"shutdown\",\"Status\":{\"Timestamp\":\"2026-11-24T18:00:02.123456789Z\",\"State\":"
        "\"failed\",\"Err\":\"task: non-zero exit (3)\",\"ContainerStatus\":{\"ContainerID\":\"c\","
        "\"ExitCode\":3},\"PortStatus\":{}},\"Spec\":{\"ContainerSpec\":{\"Labels\":{"
        "\"slipway.release\":\"r1\"}}}},{\"ID\":\"t2\",\"CreatedAt\":\"2026-11-24T18:00:01Z\","
        "\"DesiredState\":\"running\",\"NodeID\":\"n\",\"Status\":{\"State\":\"running\","
        "\"PortStatus\":{\"Ports\":[{\"Protocol\":\"tcp\",\"TargetPort\":8080,\"PublishedPort\":"
        "32768,\"PublishMode\":\"host\"}]}}}]";
    TAP_OK(json_parse(text, strlen(text), &list, &err), &err);
    struct docker_tasks t;
    docker_tasks_read(&a, list, &t);
    CU_ASSERT_EQUAL_FATAL(t.n, 2);
    TAP_STR(t.items[0].id, "t2"); /* newest first */
    CU_ASSERT_EQUAL(t.items[0].n_ports, 1);
    CU_ASSERT_EQUAL(t.items[0].ports[0].published, 32768);
    CU_ASSERT_FALSE(t.items[0].exited);
    TAP_STR(t.items[0].release, "");
    TAP_STR(t.items[1].release, "r1");
    CU_ASSERT(t.items[1].exited);
    CU_ASSERT_EQUAL(t.items[1].exit_code, 3);
    CU_ASSERT_EQUAL(t.items[1].changed - t.items[1].created, 1623);
}

const struct tap_test client_tests[] = {
    {"agrees on a version with recorded Engines", negotiates},
    {"error answers, JSON and plain", error_answers},
    {"spellings of the host", hosts},
    {"an Engine that is away", away},
    {"the registry's login", auth},
    {"names of images", names},
    {"reads tasks", tasks},
    {"a task with many ports", many_ports},
    {NULL, NULL},
};
