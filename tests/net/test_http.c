/* SPDX-License-Identifier: MIT */
/* The HTTP client against a server of a few lines that runs in a child process. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/exec.h"
#include "base/time.h"
#include "net/http.h"
#include "tests/tap.h"

void http_server_stop(void);

static pid_t server;
static char base[64];

static void put(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0)
        _exit(0);
}

static size_t read_request(int fd, char *out, size_t cap)
{
    size_t n = 0;
    for (;;) {
        ssize_t got = read(fd, out + n, cap - 1 - n);
        n += got > 0 ? (size_t)got : 0;
        out[n] = '\0';
        if (got <= 0 ||
            (strstr(out, "\r\n\r\n") && (!strstr(out, "chunked") || strstr(out, "\r\n0\r\n\r\n"))))
            return n;
    }
}

static void answer(int fd)
{
    char request[65536];
    read_request(fd, request, sizeof(request));
    if (strstr(request, "GET /big"))
        for (int i = 0; i < 1000; i++)
            put(fd, i ? "0123456789" : "HTTP/1.1 200 OK\r\nContent-Length: 9990\r\n\r\n");
    else if (strstr(request, "GET /cut"))
        put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
    else if (strstr(request, "GET /silent"))
        sleep(30);
    else if (strstr(request, "GET /drip"))
        for (int i = 0; i < 300; i++) {
            put(fd, i ? "1\r\nx\r\n" : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            time_sleep(20);
        }
    else if (strstr(request, "GET /nothing"))
        return;
    else if (strstr(request, "GET /away"))
        put(fd, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    else if (strstr(request, "POST /echo")) {
        char head[128];
        char *body = strstr(request, "\r\n\r\n") + 4;
        snprintf(head, sizeof(head),
                 "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Type: text/x\r\n"
                 "Content-Length: %zu\r\n\r\n",
                 strlen(body));
        put(fd, head);
        put(fd, body);
    } else {
        put(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
    }
}

static void start(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    if (server)
        return;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 16) == 0 &&
                    getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    snprintf(base, sizeof(base), "http://127.0.0.1:%d", ntohs(at.sin_port));
    fflush(stdout);
    server = fork();
    if (server) {
        close(fd);
        return;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    alarm(120);
    for (;;) {
        int one = accept(fd, NULL, NULL);
        if (fork() == 0) {
            alarm(40);
            answer(one);
            _exit(0);
        }
        close(one);
    }
}

static void close_client(struct net *h)
{
    net_close(h);
}
#define AUTO_HTTP CLEANUP(close_client) struct net

static void client(struct net *h)
{
    start();
    struct net_target t = {.base = base, .name = "the test's server"};
    net_open(h, &t);
}

static int get(const char *path, struct net_request *req, struct net_response *res, struct err *err)
{
    AUTO_HTTP h;
    client(&h);
    req->method = "GET";
    req->path = path;
    return net_run(&h, req, res, err);
}

static void answers(void)
{
    struct err err = {0};
    struct net_request req = {0};
    AUTO_RESPONSE res = {0};
    TAP_OK(get("/x", &req, &res, &err), &err);
    CU_ASSERT_EQUAL(res.status, 404);
    TAP_STR(buf_str(&res.body), "none");
    AUTO_RESPONSE moved = {0};
    TAP_OK(get("/away", &req, &moved, &err), &err);
    CU_ASSERT_EQUAL(moved.status, 302); /* not followed */
}

static void refuses(const char *path, struct net_request req, enum err_code code)
{
    struct err err = {0};
    AUTO_RESPONSE res = {0};
    CU_ASSERT_EQUAL(get(path, &req, &res, &err), -1);
    CU_ASSERT_EQUAL(err.code, code);
    printf("# %s: %s\n", path, err.msg);
}

static int give_up(void *arg, struct err *err)
{
    int64_t *until = arg;
    return time_monotonic() < *until ? 0 : err_set(err, ERR_CANCELLED, "enough");
}

static void failures(void)
{
    int64_t until = time_monotonic() + 300;
    refuses("/cut", (struct net_request){0}, ERR_UNAVAILABLE);
    refuses("/nothing", (struct net_request){0}, ERR_UNAVAILABLE);
    refuses("/big", (struct net_request){.body_cap = 1000}, ERR_TOO_LARGE);
    refuses("/silent", (struct net_request){.idle_ms = 200}, ERR_TIMEOUT);
    refuses("/drip", (struct net_request){.total_ms = 300, .idle_ms = 200}, ERR_TIMEOUT);
    refuses("/silent", (struct net_request){.should_stop = give_up, .stop_arg = &until},
            ERR_CANCELLED);
    struct net_target nobody = {.base = "http://127.0.0.1:1", .name = "nobody"};
    AUTO_HTTP h;
    net_open(&h, &nobody);
    struct err err = {0};
    AUTO_RESPONSE res = {0};
    struct net_request req = {.method = "GET", .path = "/"};
    CU_ASSERT_EQUAL(net_run(&h, &req, &res, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_UNAVAILABLE);
    TAP_STR(err.msg, "nobody cannot be reached");
}

static ssize_t pieces(void *arg, char *out, size_t cap, struct err *err)
{
    int *left = arg;
    if (*left < 0)
        return err_set(err, ERR_INVALID, "the file is gone");
    if (!*left)
        return 0;
    CU_ASSERT_FATAL(cap > 5);
    memcpy(out, "piece", 5);
    --*left;
    return 5;
}

static void uploads(void)
{
    AUTO_HTTP h;
    client(&h);
    int left = 3;
    struct err err = {0};
    AUTO_RESPONSE res = {0};
    struct net_request req = {
        .method = "POST", .path = "/echo", .source = pieces, .source_arg = &left};
    TAP_OK(net_run(&h, &req, &res, &err), &err);
    CU_ASSERT_EQUAL(res.status, 200);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&res.body), "5\r\npiece\r\n"));
    TAP_STR(res.api_version, "1.41");
    TAP_STR(res.content_type, "text/x");
    left = -1;
    AUTO_RESPONSE none = {0};
    CU_ASSERT_EQUAL(net_run(&h, &req, &none, &err), -1);
    TAP_STR(err.msg, "the file is gone");
}

static int take(void *arg, const char *data, size_t n, struct err *err)
{
    size_t *have = arg;
    (void)data;
    *have += n;
    return *have < 5 ? 0 : err_set(err, ERR_CONFLICT, "five are enough");
}

static void streams(void)
{
    size_t have = 0;
    struct err err = {0};
    struct net_request req = {.sink = take, .sink_arg = &have};
    AUTO_RESPONSE res = {0};
    CU_ASSERT_EQUAL(get("/drip", &req, &res, &err), -1);
    TAP_STR(err.msg, "five are enough");
    AUTO_RESPONSE missing = {0};
    TAP_OK(get("/x", &req, &missing, &err), &err);
    TAP_STR(buf_str(&missing.body), "none"); /* an error's body is kept for the message */

    AUTO_HTTP h;
    client(&h);
    AUTO_RESPONSE slow = {0};
    req = (struct net_request){.method = "GET", .path = "/silent"};
    net_start(&h, &req, &slow);
    int64_t began = time_monotonic();
    CU_ASSERT_EQUAL(net_pump(&h, 100, &err), 1);
    CU_ASSERT(time_monotonic() - began < 2000);
    net_abort(&h);
}

/* Certificates for a server and a client, both signed by one authority. */
#define CERTIFICATES                                                                               \
    "cd $1 || exit 1; "                                                                            \
    "make() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key "      \
    "-out $1.csr -subj /CN=$1 && printf 'subjectAltName=IP:127.0.0.1' > ext && openssl x509 -req " \
    "-in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $1.pem -days 2 -extfile ext; }; "    \
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key "         \
    "-out ca.pem -subj /CN=ca -days 2 && cp ca.pem other.pem && make server && make client && "    \
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key "      \
    "-out other.pem -subj /CN=other -days 2"

static int get_tls(const char *port, const char *ca, const char *cert, const char *key,
                   struct err *err)
{
    AUTO_ARENA a = {0};
    struct net_target t = {.base = arena_printf(&a, "https://127.0.0.1:%s", port),
                           .ca = ca,
                           .cert = cert,
                           .key = key,
                           .name = "the TLS server"};
    AUTO_HTTP h;
    net_open(&h, &t);
    AUTO_RESPONSE res = {0};
    struct net_request req = {.method = "GET", .path = "/", .total_ms = 5000};
    int rc = net_run(&h, &req, &res, err);
    return rc < 0 ? -1 : res.status;
}

static void tls(void)
{
    AUTO_ARENA a = {0};
    AUTO_BUF out = {0};
    struct err err = {0};
    int status = 1;
    char *dir = arena_strdup(&a, "/tmp/slipway-tls.XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    const char *make[] = {"sh", "-c", CERTIFICATES, "sh", dir, NULL};
    TAP_OK(exec_run(make, 30000, &out, &status, &err), &err);
    CU_ASSERT_EQUAL_FATAL(status, 0);
    const char *port = arena_printf(&a, "%d", 20000 + (int)(getpid() % 20000));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        CU_ASSERT_EQUAL(chdir(dir), 0);
        execlp("openssl", "openssl", "s_server", "-accept", arena_printf(&a, "127.0.0.1:%s", port),
               "-cert", "server.pem", "-key", "server.key", "-CAfile", "ca.pem", "-Verify", "1",
               "-verify_return_error", "-www", "-quiet", NULL);
        _exit(1);
    }
    time_sleep(500);
#define IN(name) arena_printf(&a, "%s/" name, dir)
    CU_ASSERT_EQUAL(get_tls(port, IN("ca.pem"), IN("client.pem"), IN("client.key"), &err), 200);
    CU_ASSERT_EQUAL(get_tls(port, IN("other.pem"), IN("client.pem"), IN("client.key"), &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "no safe connection to the TLS server"));
    CU_ASSERT_EQUAL(get_tls(port, IN("ca.pem"), NULL, NULL, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_UNAVAILABLE);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    const char *clean[] = {"rm", "-rf", dir, NULL};
    TAP_OK(exec_run(clean, 30000, NULL, &status, &err), &err);
}

static void encodes(void)
{
    AUTO_BUF b = {0};
    net_encode(&b, "a-b_c.d~e/f g\xC3\xBC{\"x\"}");
    TAP_STR(buf_str(&b), "a-b_c.d~e%2Ff%20g%C3%BC%7B%22x%22%7D");
}

void http_server_stop(void)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

const struct tap_test http_tests[] = {
    {"an error status is an answer", answers},
    {"what is a failure, and which", failures},
    {"a body by pieces", uploads},
    {"an answer by pieces", streams},
    {"TLS with certificates on both sides", tls},
    {"percent encoding", encodes},
    {NULL, NULL},
};
